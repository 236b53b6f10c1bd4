import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Server processes that run now: none outlives the process that started it. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** One server process with a folder of its own, which can be hurt in the ways that a process can be. */
export class ServerProcess {
  readonly folder = mkdtempSync(join(tmpdir(), 'bulwark-redis-'));
  private child: ChildProcess | undefined;

  /** @param args What it is started with, each time. */
  constructor(
    private readonly program: string,
    private readonly args: (folder: string) => readonly string[],
  ) {}

  get pid(): number {
    return this.child!.pid!;
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Starts it, and waits until it is ready or has ended. */
  async start(isReady: () => Promise<boolean>): Promise<void> {
    mkdirSync(this.folder, { recursive: true });
    const child = spawn(this.program, this.args(this.folder), { stdio: 'ignore', cwd: this.folder });
    this.child = child;
    running.add(child);
    child.once('exit', () => running.delete(child));
    const failed = once(child, 'error').then(([error]) => Promise.reject(error as Error));
    failed.catch(() => undefined);
    for (let tries = 0; tries < 1000; tries++) {
      if (!this.isRunning) throw new Error(`${this.program} ended at once\n${this.log()}`);
      if (await Promise.race([isReady(), failed])) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`${this.program} does not answer\n${this.log()}`);
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined || !this.isRunning) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  /** Stops it in the middle of what it does; connections stay open. */
  pause(): void {
    this.child!.kill('SIGSTOP');
  }

  resume(): void {
    this.child!.kill('SIGCONT');
  }

  /** Removes what it has written. */
  empty(): void {
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder);
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private log(): string {
    try {
      return readFileSync(join(this.folder, 'log'), 'utf8').slice(-2000);
    } catch {
      return 'it has written no log';
    }
  }
}
