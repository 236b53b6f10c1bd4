/**
 * What one part of a bulkhead (its common permits, or those of one key) says to the store. It says how many permits it has and not
 * what has changed, so that the store is right again after each claim, whatever was lost before it.
 */
export interface PermitClaim {
  /** Of the bulkhead. */
  readonly name: string;
  readonly key: string | undefined;
  /** Who claims: one part of one application, under a name that no other has. */
  readonly holder: string;
  /** Grows with each claim of a holder: one that arrives after a later one changes nothing. */
  readonly sequence: number;
  /** Permits at a time over all holders; `Infinity` counts them and grants all. */
  readonly limit: number;
  /** Permits in use here. */
  readonly held: number;
  /** How many more are wanted now ... */
  readonly wanted: number;
  /** ... and how many of those go on waiting where they are not granted: others leave room for them. */
  readonly staying: number;
}

/** The store's answer to one claim. */
export interface PermitGrant {
  /** Of those wanted. */
  readonly granted: number;
  /** Permits in use over all holders, those just granted among them. */
  readonly inUse: number;
  /** Other holders wait for one. */
  readonly othersWait: boolean;
}

/**
 * Counts the permits of bulkheads over several instances: a semaphore with leases. What a holder has is its own for a lease after its
 * last claim, and free then. A holder that waits and does not ask again within three times `propagation` does not wait any more.
 */
export interface PermitStore {
  /**
   * Decides on claims, each for itself. Permits that are too few for all who want one go, one after the other, to the holder that has
   * the fewest, and of several such to the one that was served least recently.
   * @returns A grant for each claim, in order. Rejects where the store does not answer in its time; then it is not known what has
   * become of the claims.
   */
  exchange(claims: readonly PermitClaim[]): Promise<readonly PermitGrant[]>;
  /** Names holders that wait and for whom a permit has come free; what is lost on the way they learn when they ask again. Gives what ends it. */
  onFreed(listener: (holder: string) => void): () => void;
}

/** For how many times `propagation` a holder that asks no more still counts as waiting. */
export const WAITING_TURNS = 3;
