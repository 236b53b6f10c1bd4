import { randomUUID } from 'node:crypto';
import { open, readFile, stat, unlink, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { wallTimeOf, type Clock } from '../../../engine/clock.js';
import { isRecord } from '../../../options/index.js';

/** Who holds a lock, as it stands in the file. */
interface Owner {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly everyMs: number;
}

/** So many periods without a sign of life, and whoever held the lock is gone. */
const SILENT_PERIODS = 3;

/** Locks that this process holds: a lock with its process id that is none of them was left behind by a process before it. */
const heldHere = new Set<string>();

/**
 * A file that one process at a time has made, and touches every so often. One that crashed leaves it behind: on the same host its
 * process is seen to be gone, and on another one (a volume that several mount) it gives no sign of life for three periods. Time is taken
 * from the own clock alone, so that hosts whose clocks differ agree.
 */
export class FileLock {
  private readonly id = randomUUID();
  /** The last sign of life of whoever holds it, and when it was first seen. */
  private seen: { readonly sign: string; readonly at: number } | undefined;

  constructor(
    private readonly path: string,
    private readonly everyMs: number,
    private readonly clock: Clock,
  ) {}

  /** Takes the lock, or gives a sign of life where it is held already. Gives who has it instead, in words; undefined where it is ours. */
  async take(): Promise<string | undefined> {
    for (let tries = 0; tries < 3; tries++) {
      if (heldHere.has(this.id)) {
        if ((await this.owner())?.id === this.id) return this.touch();
        heldHere.delete(this.id); // somebody has taken it for left behind, or removed it
      }
      if (await this.make()) return undefined;
      const owner = await this.owner();
      if (!(await this.isGone(owner))) return describe(owner);
      await remove(this.path);
    }
    return 'several processes';
  }

  async release(): Promise<void> {
    if (!heldHere.delete(this.id)) return;
    if ((await this.owner())?.id === this.id) await remove(this.path);
  }

  private async touch(): Promise<undefined> {
    const seconds = wallTimeOf(this.clock) / 1000;
    await utimes(this.path, seconds, seconds);
  }

  private async make(): Promise<boolean> {
    try {
      const file = await open(this.path, 'wx', 0o600);
      try {
        const owner: Owner = { id: this.id, host: hostname(), pid: process.pid, everyMs: this.everyMs };
        await file.writeFile(JSON.stringify(owner));
      } finally {
        await file.close();
      }
      heldHere.add(this.id);
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    }
  }

  /** Undefined where it is being made or removed just now, or is none of ours. */
  private async owner(): Promise<Owner | undefined> {
    try {
      const value: unknown = JSON.parse(await readFile(this.path, 'utf8'));
      return isOwner(value) ? value : undefined;
    } catch {
      return undefined;
    }
  }

  private async isGone(owner: Owner | undefined): Promise<boolean> {
    if (owner?.host === hostname() && (owner.pid === process.pid ? !heldHere.has(owner.id) : !isAlive(owner.pid))) return true;
    const now = this.clock.now();
    const sign = `${owner?.id} ${await touchedAt(this.path)}`;
    if (this.seen?.sign !== sign) this.seen = { sign, at: now };
    return now - this.seen.at > SILENT_PERIODS * (owner?.everyMs ?? this.everyMs);
  }
}

function describe(owner: Owner | undefined): string {
  return owner === undefined ? 'another process' : `process ${owner.pid} on ${JSON.stringify(owner.host)}`;
}

function isOwner(value: unknown): value is Owner {
  if (!isRecord(value)) return false;
  const { id, host, pid, everyMs } = value;
  return typeof id === 'string' && typeof host === 'string' && Number.isSafeInteger(pid) && (pid as number) > 0 && Number.isFinite(everyMs);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM'; // it is there, and somebody else's
  }
}

/** When a file was written or touched last; undefined where it is gone. */
async function touchedAt(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Removes a file that may be gone. */
export async function remove(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
}

export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
