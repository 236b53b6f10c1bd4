import { readFileSync, statSync } from 'node:fs';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describeDuration } from '../../../options/index.js';
import type { SnapshotEntry, SnapshotHost, SnapshotSession } from '../snapshot-store.js';
import { FileLock, codeOf, remove } from './file-lock.js';
import { readSnapshot, writeSnapshot } from './snapshot-format.js';
import { replaceFile, TEMPORARY } from './replace-file.js';

/** More than this is no snapshot: ten thousand breakers with a thousand calls in the window of each take a tenth. */
const LARGEST_FILE = 256 * 1024 * 1024;

/** One application and its file. Reads it at once, before any call, and writes it as long as no other process does. */
export class FileSession implements SnapshotSession {
  readonly saved: readonly SnapshotEntry[];
  private readonly lock: FileLock;
  /** What was read cannot be used, and is to be set aside by whoever may write. */
  private hasUnusableFile = false;
  private isBusy = false;
  private hasFailed = false;
  private readonly ready: Promise<void>;

  constructor(
    private readonly path: string,
    private readonly everyMs: number,
    private readonly host: SnapshotHost,
  ) {
    this.lock = new FileLock(`${path}.lock`, everyMs, host.clock);
    this.saved = this.read();
    this.ready = this.attempt(async () => {
      if (await this.mayWrite()) await this.tidy();
    });
  }

  async save(entries: Iterable<SnapshotEntry>): Promise<void> {
    await this.ready;
    await this.attempt(async () => {
      if (!(await this.mayWrite())) return;
      await this.setAside();
      await replaceFile(this.path, writeSnapshot(entries), LARGEST_FILE);
    });
  }

  async close(): Promise<void> {
    await this.ready;
    await this.attempt(() => this.lock.release());
  }

  /** At startup, when nothing else runs: an open circuit must be open before the first call. */
  private read(): readonly SnapshotEntry[] {
    try {
      const { size } = statSync(this.path);
      const found =
        size > LARGEST_FILE
          ? { unusable: `is larger than a snapshot can be (${size} bytes)` }
          : readSnapshot(readFileSync(this.path, 'utf8'));
      if ('entries' in found) return found.entries;
      this.hasUnusableFile = true;
      this.host.warn(
        `snapshots: ${this.path} ${found.unusable}; the state of before is not known, and the file is set aside as ${this.path}.bad`,
      );
    } catch (error) {
      if (codeOf(error) !== 'ENOENT')
        this.host.warn(`snapshots: ${this.path} cannot be read, and the state of before is not known: ${String(error)}`);
    }
    return [];
  }

  private async mayWrite(): Promise<boolean> {
    await makeFolder(dirname(this.path));
    const other = await this.lock.take();
    if (other !== undefined && !this.isBusy) {
      const silence = describeDuration(3 * this.everyMs);
      this.host.warn(
        `snapshots: ${this.path} is written by ${other}, so this process does not write it; it will when that one has ended or given no sign of life for ${silence}`,
      );
    }
    if (other === undefined && this.isBusy) this.host.log(`snapshots: ${this.path} is free now, and this process writes it`);
    this.isBusy = other !== undefined;
    return !this.isBusy;
  }

  /** What a process that was killed in the middle of writing has left behind. */
  private async tidy(): Promise<void> {
    await this.setAside();
    const folder = dirname(this.path);
    const left = (await readdir(folder)).filter((name) => name.startsWith(`${basename(this.path)}.`) && name.endsWith(TEMPORARY));
    for (const name of left) await remove(join(folder, name));
  }

  private async setAside(): Promise<void> {
    if (!this.hasUnusableFile) return;
    this.hasUnusableFile = false;
    await rename(this.path, `${this.path}.bad`);
  }

  /** What fails is told once, until it works again; the application goes on without snapshots meanwhile. */
  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      if (this.hasFailed) this.host.log(`snapshots: ${this.path} can be written again`);
      this.hasFailed = false;
    } catch (error) {
      if (!this.hasFailed)
        this.host.warn(`snapshots: ${this.path} cannot be written; the last one that was is kept, and it is tried again: ${String(error)}`);
      this.hasFailed = true;
    }
  }
}

/** One level, so that a path that is mistyped makes no tree of folders. */
async function makeFolder(path: string): Promise<void> {
  await mkdir(path).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
}
