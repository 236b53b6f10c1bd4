import type { Histogram } from './histogram.js';

export type MetricType = 'counter' | 'gauge' | 'histogram';

/** What tells the series of a metric apart, beside `name`. */
export type LabelValues = Readonly<Record<string, string>>;

/** Takes a reading. Readings with equal labels are merged. */
export type AddReading = (value: number | Histogram, labels?: LabelValues) => void;

/**
 * Something that can be measured from outside: declared once by whoever has the figures, and read when somebody asks, so that
 * it costs no call anything.
 */
export interface MetricDeclaration<Source = never> {
  /** As Prometheus has it; durations in seconds. */
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  /** Labels beside `name`. */
  readonly labels?: readonly string[];
  /** What two readings with equal labels are together; their sum where it is not there. */
  readonly merge?: (a: number, b: number) => number;
  /** Reads an instance; so many of its keys have series of their own (label `key`), and so many clients (label `client`). */
  readonly read: (source: Source, add: AddReading, keys: number, clients: number) => void;
}

/** The label `key` of what has no series of its own. */
const OTHER_KEYS = { key: 'other' };

/**
 * Reads what has keys: the first ones each on its own, all others as one; without keys everything as one. Thousands of keys are
 * read at each scrape, so nothing is made for those that have no series.
 * @param rest What belongs to keys that are known no more.
 */
export function readByKey<Item extends { readonly key: string | undefined }>(
  items: readonly Item[],
  keys: number,
  add: AddReading,
  of: (item: Item) => number | undefined,
  merge: (a: number, b: number) => number,
  rest?: number,
): void {
  let others = rest;
  let hasOthers = rest !== undefined && (keys === 0 || rest > 0);
  let shown = 0;
  for (const item of items) {
    const value = of(item);
    if (value === undefined) continue;
    if (keys > 0 && (item.key === undefined || shown < keys)) {
      if (item.key !== undefined) shown++;
      add(value, { key: item.key ?? '' });
    } else {
      others = others === undefined ? value : merge(others, value);
      hasOthers = true;
    }
  }
  if (hasOthers) add(others!, keys === 0 ? undefined : OTHER_KEYS);
}

/** The sum: what several keys together did. */
export function together(a: number, b: number): number {
  return a + b;
}

/** The larger one: what the worst of several keys stands for. */
export function larger(a: number, b: number): number {
  return Math.max(a, b);
}
