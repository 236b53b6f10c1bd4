import { formatValue, suggestion } from '../../options/index.js';
import type { PolicyKind } from './kind.js';

/** The kinds of policies of one application, outermost first. */
export class KindTable implements Iterable<PolicyKind> {
  /** In the canonical order. */
  readonly names: readonly string[];
  /** What `order` can name, in the canonical order: the kinds, and what bounds the whole, inside of the kinds that are always on. */
  readonly places: readonly string[];
  private readonly byName: ReadonlyMap<unknown, PolicyKind>;

  constructor(private readonly kinds: readonly PolicyKind[]) {
    this.names = kinds.map(({ kind }) => kind);
    const always = kinds.findIndex(({ alwaysOn }) => alwaysOn !== true);
    const outer = always === -1 ? kinds.length : always;
    const totals = kinds.flatMap(({ totalPlace }) => (totalPlace === undefined ? [] : [totalPlace]));
    this.places = this.names.toSpliced(outer, 0, ...totals);
    this.byName = new Map(kinds.map((kind) => [kind.kind, kind]));
  }

  [Symbol.iterator](): Iterator<PolicyKind> {
    return this.kinds[Symbol.iterator]();
  }

  /** The kind of that name; undefined where there is none. */
  find(name: unknown): PolicyKind | undefined {
    return this.byName.get(name);
  }

  /** Says that there is no kind of that name, with the nearest one. */
  unknown(name: unknown): string {
    return `there is no kind ${formatValue(name)}${typeof name === 'string' ? suggestion(name, this.names) : ''}`;
  }
}
