import { formatValue, suggestion } from '../../options/index.js';
import type { PolicyKind } from './kind.js';

/** The kinds of policies of one application, outermost first. */
export class KindTable implements Iterable<PolicyKind> {
  /** In the canonical order. */
  readonly names: readonly string[];
  private readonly byName: ReadonlyMap<unknown, PolicyKind>;

  constructor(private readonly kinds: readonly PolicyKind[]) {
    this.names = kinds.map(({ kind }) => kind);
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
