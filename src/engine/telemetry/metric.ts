import type { Distribution } from './timings.js';

export type MetricType = 'counter' | 'gauge' | 'histogram';

/** What tells the series of a metric apart, beside `name`. */
export type LabelValues = Readonly<Record<string, string>>;

/** Takes a reading. Readings with equal labels are merged. */
export type AddReading = (value: number | Distribution, labels?: LabelValues) => void;

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
  /** Reads an instance: the label `key` stands for each of its keys where `byKey` says so. */
  readonly read: (source: Source, add: AddReading, byKey: boolean) => void;
}

/** The larger one: what the worst of several keys stands for. */
export function larger(a: number, b: number): number {
  return Math.max(a, b);
}
