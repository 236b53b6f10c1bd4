import { resolve } from 'node:path';
import { ResilienceConfigError } from '../../../engine/error.js';
import { duration, Problems, readSettings, text, type Duration, type Rule } from '../../../options/index.js';
import type { SnapshotStore } from '../snapshot-store.js';
import { FileSession } from './file-session.js';

/** Where snapshots are written, and how often. */
export interface FileStoreOptions {
  /** The file; the folder that it stands in is made where it is missing. Beside it stand a lock file, and a temporary file while it is written. */
  path: string;
  /**
   * How often a snapshot is written. What happened since the last one is lost where the process is killed.
   * @default '10s'
   */
  every?: Duration;
}

const rules = { path: text(), every: duration({ default: '10s' }) } satisfies Record<keyof FileStoreOptions, Rule>;

/**
 * Keeps the state of circuit breakers in a file, so that a restart begins where the process ended: `createResilience({ snapshots:
 * fileStore({ path: 'state/resilience' }) })`, in Nest `ResilienceModule.forRoot({ snapshots: ... })`.
 * @throws ResilienceConfigError with every mistake in the options.
 */
export function fileStore(options: FileStoreOptions): SnapshotStore {
  const problems = new Problems();
  const { path, every } = problems.at('fileStore:', (found) =>
    readSettings<{ path: string; every: number }>(rules, options, found, ['path']),
  );
  if (problems.messages.length > 0) throw new ResilienceConfigError(problems.messages);
  return { everyMs: every, open: (host) => new FileSession(resolve(path), every, host) };
}
