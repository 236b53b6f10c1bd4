import type { Clock } from '../../engine/clock.js';

/** A part of what an earlier process saved. */
export interface SnapshotEntry {
  readonly kind: string;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
  readonly state: unknown;
}

/** Who keeps snapshots in a store: where the store has time from and whom it tells. */
export interface SnapshotHost {
  readonly clock: Clock;
  warn(message: string): void;
  log(message: string): void;
}

/** Where snapshots are kept, opened for one application. */
export interface SnapshotSession {
  /** What was saved last; empty where nothing was, or nothing that can be used. */
  readonly saved: readonly SnapshotEntry[];
  /** Saves all entries in the place of those before, or none; what fails is told to the host. */
  save(entries: Iterable<SnapshotEntry>): Promise<void>;
  /** Lets go of the place, so that another process may write there. */
  close(): Promise<void>;
}

/** What `createResilience({ snapshots })` takes: `fileStore(...)`. */
export interface SnapshotStore {
  /** @internal How often a snapshot is saved, in milliseconds. */
  readonly everyMs: number;
  /** @internal */
  open(host: SnapshotHost): SnapshotSession;
}
