import { Outcome } from '../contract/outcome.js';
import type { Strategy } from '../contract/strategy.js';

/** How often each thing happened at a layer of one operation. */
export interface LayerCounters {
  rejections: number;
  repeats: number;
  answers: number;
  timeouts: number;
}

/** What the calls of one operation came to, whoever compiled pipelines for them. */
export class OperationCounts {
  calls = 0;
  successes = 0;
  failures = 0;
  /** Calls given up by their caller: neither a success nor a failure. */
  aborts = 0;
  /** Attempts beside those of the calls. */
  branchAttempts = 0;
  protected tallies: readonly LayerCounters[] | undefined;

  countUnsuccessful(outcome: Outcome): void {
    if (outcome === Outcome.ABORT) this.aborts++;
    else this.failures++;
  }

  /** A tally for each layer; the layers of one operation are the same in all its pipelines. */
  talliesOf(layers: readonly Strategy[]): readonly LayerCounters[] {
    return (this.tallies ??= layers.map(newTally));
  }
}

/** The same for operations that have nothing in common but to have no name: a tally for each kind. */
export class UnnamedCounts extends OperationCounts {
  readonly byKind = new Map<string, LayerCounters>();

  override talliesOf(layers: readonly Strategy[]): readonly LayerCounters[] {
    return layers.map(({ kind }) => {
      let tally = this.byKind.get(kind);
      if (tally === undefined) this.byKind.set(kind, (tally = newTally()));
      return tally;
    });
  }
}

function newTally(): LayerCounters {
  return { rejections: 0, repeats: 0, answers: 0, timeouts: 0 };
}

/** Strategies that go on with what others at the same layers have counted. */
export function succeedTo(layers: readonly Strategy[], previous: readonly Strategy[]): void {
  layers.forEach((layer, index) => {
    const before = previous[index];
    if (layer !== before && layer.kind === before?.kind) layer.inheritCounts?.(before);
  });
}
