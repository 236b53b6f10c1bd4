import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Mode, Side } from '../upstream/mode.js';

/** Something that a program tells as it happens. */
export interface ProgramEvent {
  readonly type: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** A program of the sample app in a process of its own. */
export class Program {
  private child: ChildProcess | undefined;
  url = '';
  /** The trace of one call, once the program has told one. */
  trace: string | undefined;
  /** What it has told of its circuits and its store. */
  readonly events: ProgramEvent[] = [];

  constructor(
    private readonly file: string,
    private readonly environment: Record<string, string>,
  ) {}

  /** Starts it, and waits until it listens. */
  async start(settings: Record<string, string> = {}): Promise<void> {
    const path = fileURLToPath(new URL(this.file, import.meta.url));
    // The same port again after a restart: who calls it does not learn that it was away.
    const port = this.url === '' ? {} : { PORT: new URL(this.url).port };
    this.child = fork(path, {
      env: { ...process.env, ...this.environment, ...settings, ...port },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const exited = once(this.child, 'exit').then(([code]) => {
      throw new Error(`${this.file} ended with code ${String(code)} before it listened`);
    });
    this.url = await Promise.race([this.listening(this.child), exited]);
    exited.catch(() => undefined); // it ends one day, and then nobody waits for this any more
  }

  /** Ends it at once, as a crash would (`SIGKILL`), or as an operator would (`SIGTERM`). */
  async stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }

  /** Hears all that it tells; resolves with the address, when it tells that. */
  private listening(child: ChildProcess): Promise<string> {
    return new Promise((resolve) => {
      child.on('message', (message) => {
        if (hasUrl(message)) resolve(message.url);
        if (hasTrace(message)) this.trace = message.trace;
        if (hasEvent(message)) this.events.push(message.event);
      });
    });
  }
}

function hasUrl(message: unknown): message is { readonly url: string } {
  return typeof message === 'object' && message !== null && 'url' in message && typeof message.url === 'string';
}

function hasTrace(message: unknown): message is { readonly trace: string } {
  return typeof message === 'object' && message !== null && 'trace' in message && typeof message.trace === 'string';
}

function hasEvent(message: unknown): message is { readonly event: ProgramEvent } {
  return typeof message === 'object' && message !== null && 'event' in message;
}

/** Tells the provider how to behave; gives how many calls reached it since it was told last. */
export async function setMode(provider: Program, mode: Mode): Promise<Record<Side, number>> {
  return (await change(provider, mode)).calls;
}

/** The same; gives how many charges ran there at once at most since it was told last. */
export async function setModeOfCharges(provider: Program, mode: Mode): Promise<number> {
  return (await change(provider, mode)).mostCharges;
}

async function change(provider: Program, mode: Mode): Promise<{ readonly calls: Record<Side, number>; readonly mostCharges: number }> {
  const response = await fetch(`${provider.url}/mode`, { method: 'POST', body: JSON.stringify({ mode }) });
  if (!response.ok) throw new Error(`the provider refused the mode ${mode}`);
  return (await response.json()) as { calls: Record<Side, number>; mostCharges: number };
}
