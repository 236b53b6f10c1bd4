import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ledger } from './ledger.js';

/** What an instance asks for, so often a second; the rest is what its policy takes. */
export interface Load {
  readonly kind: 'limit' | 'bulkhead' | 'breaker';
  readonly name: string;
  readonly perSecond: number;
  readonly [option: string]: unknown;
}

export interface Plan {
  readonly loads: readonly Load[];
  /** Options of its store; `url` may lead through a proxy. */
  readonly store: Readonly<Record<string, unknown>>;
  /** Where the server's time is read, whatever happens on the way of the store. */
  readonly control: string;
  readonly clockOffsetMs?: number;
}

/** What an instance has seen since it was asked last. */
export interface Seen {
  readonly calls: number;
  readonly admitted: number;
  /** By load and class of the error: answers of policies, and all others. */
  readonly rejected: Readonly<Record<string, number>>;
  readonly failed: Readonly<Record<string, number>>;
  /** The longest call of each load, without what its own work took. */
  readonly slowestMs: Readonly<Record<string, number>>;
  /** The longest that the event loop was late. */
  readonly loopDelayMs: number;
  readonly unhandled: readonly string[];
  readonly warnings: readonly string[];
  readonly transitions: readonly { readonly type: string; readonly name: string; readonly at: number }[];
  readonly storeEvents: readonly { readonly type: string; readonly at: number }[];
  readonly breakers: readonly (readonly [name: string, state: string])[];
}

/** One process of the fleet. */
export class Instance {
  private readonly exit: Promise<unknown>;

  constructor(
    readonly name: string,
    readonly child: ChildProcess,
  ) {
    this.exit = once(child, 'exit');
  }

  async look(): Promise<Seen> {
    const answer = this.answer();
    this.child.send('look');
    return answer;
  }

  /** Ends its work in order; resolves when the process has ended by itself. */
  async stop(): Promise<Seen> {
    const answer = this.answer();
    this.child.send('stop');
    const seen = await answer;
    await this.exit;
    return seen;
  }

  /** Ends at once, with all that it holds. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exit;
  }

  private async answer(): Promise<Seen> {
    const died = this.exit.then(() => Promise.reject(new Error(`instance ${this.name} has ended`)));
    died.catch(() => undefined);
    return (await Promise.race([once(this.child, 'message'), died]))[0] as Seen;
  }
}

/** Several processes of one application, the upstream that they call, and what they wrote. */
export class Fleet {
  readonly instances: Instance[] = [];
  private readonly folder = mkdtempSync(join(tmpdir(), 'bulwark-fleet-'));
  private readonly files: string[] = [];
  private upstream: ChildProcess | undefined;
  private upstreamUrl = '';

  /** Starts the upstream, then so many instances by a plan. */
  async start(count: number, plan: (index: number) => Plan): Promise<void> {
    this.upstream = this.spawn('upstream.mjs', { LEDGER: this.file('upstream') });
    const [{ url }] = (await once(this.upstream, 'message')) as [{ url: string }];
    this.upstreamUrl = url;
    await Promise.all(Array.from({ length: count }, (_, index) => this.add(plan(index), count)));
  }

  async add(plan: Plan, instances: number): Promise<Instance> {
    const name = `instance-${this.files.length}`;
    const full = { ...plan, name, instances, ledger: this.file(name), upstream: this.upstreamUrl };
    const child = this.spawn('instance.mjs', { PLAN: JSON.stringify(full) });
    const instance = new Instance(name, child);
    const [first] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
    if (first !== 'started') throw new Error(`${name} did not start: it ended with ${String(first)}`);
    this.instances.push(instance);
    return instance;
  }

  /** Tells the upstream how to be from now on. */
  async upstreamIs(mode: { readonly isWell: boolean; readonly takesMs: number }): Promise<void> {
    const changed = once(this.upstream!, 'message');
    this.upstream!.send(mode);
    await changed;
  }

  /** All that was written so far. */
  ledger(): Ledger {
    return Ledger.read(this.files);
  }

  look(): Promise<Seen[]> {
    return Promise.all(this.instances.map((instance) => instance.look()));
  }

  /** Ends all instances that still run, in order. */
  stopInstances(): Promise<Seen[]> {
    return Promise.all(this.instances.splice(0).map((instance) => instance.stop()));
  }

  async kill(instance: Instance): Promise<void> {
    this.instances.splice(this.instances.indexOf(instance), 1);
    await instance.kill();
  }

  /** Leaves nothing behind, however the test ended. */
  async end(): Promise<void> {
    await Promise.all(this.instances.splice(0).map((instance) => instance.kill()));
    if (this.upstream?.connected === true) this.upstream.disconnect();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private file(name: string): string {
    const file = join(this.folder, name);
    writeFileSync(file, '');
    this.files.push(file);
    return file;
  }

  private spawn(program: string, env: Record<string, string>): ChildProcess {
    return fork(join(import.meta.dirname, program), { env: { ...process.env, ...env, NODE_OPTIONS: '' }, execArgv: [], stdio: 'inherit' });
  }
}
