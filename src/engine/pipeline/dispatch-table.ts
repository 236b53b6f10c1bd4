import type { Strategy } from '../contract/strategy.js';

/**
 * Who of the layers has to be asked or told what, found out once: who has nothing to say is not on the way of a call. What
 * is asked of every call stands in lists of plain functions, so that nothing is looked up on strategies of different
 * classes; each list of functions goes with a list of the layers that they belong to.
 */
export interface DispatchTable {
  /** Asked on the way in, outermost first. */
  readonly admitLayers: readonly number[];
  readonly admitHandlers: readonly NonNullable<Strategy['admit']>[];
  /** Told of a success on the way out, innermost first. */
  readonly successLayers: readonly number[];
  readonly successHandlers: readonly NonNullable<Strategy['succeeded']>[];
  /** Told of everything else on the way out, innermost first. */
  readonly failureLayers: readonly number[];
  readonly failureHandlers: readonly NonNullable<Strategy['failed']>[];
  /** The layers that set a time limit on the call. */
  readonly limiting: readonly number[];
  /** The longest of their limits, in milliseconds; 0 without one. */
  readonly longestLimitMs: number;
  /** Gets the values that come too late. */
  readonly discarder: Strategy | undefined;
  /** Those whose slots are cleared after each call; undefined where there are none. */
  readonly remembering: readonly number[] | undefined;
  /** Judge the first value of an Observable. */
  readonly judges: readonly Strategy[];
}

export function dispatchTableOf(layers: readonly Strategy[]): DispatchTable {
  const those = (wanted: (strategy: Strategy) => unknown) => layers.flatMap((layer, index) => (wanted(layer) === undefined ? [] : [index]));
  const admitting = those((layer) => layer.admit);
  const toldOfSuccess = those((layer) => layer.succeeded).toReversed();
  const toldOfFailure = those((layer) => layer.failed).toReversed();
  const remembering = those((layer) => (layer.remembers === true ? true : undefined));
  return {
    admitLayers: admitting,
    admitHandlers: admitting.map((layer) => layers[layer]!.admit!),
    successLayers: toldOfSuccess,
    successHandlers: toldOfSuccess.map((layer) => layers[layer]!.succeeded!),
    failureLayers: toldOfFailure,
    failureHandlers: toldOfFailure.map((layer) => layers[layer]!.failed!),
    limiting: those((layer) => layer.expired),
    longestLimitMs: Math.max(0, ...layers.map(({ limitMs = 0 }) => limitMs)),
    discarder: layers.find((layer) => layer.discard !== undefined),
    remembering: remembering.length > 0 ? remembering : undefined,
    judges: layers.filter((layer) => layer.rejects !== undefined),
  };
}
