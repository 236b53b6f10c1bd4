import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { startRedis, type RedisServer } from '../support/redis/index.js';
import { until } from '../support/until.js';

interface Answer {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

/** One process of the fleet. */
class Process {
  private readonly child: ChildProcess;
  private readonly answers = new Map<number, (message: Answer) => void>();
  private asked = 0;

  constructor(
    readonly id: string,
    port: number,
  ) {
    const args = [`redis://127.0.0.1:${port}`, id];
    const env = { ...process.env, NODE_OPTIONS: '' };
    this.child = fork(join(import.meta.dirname, 'fixtures/fleet-instance.mjs'), args, { env, execArgv: [] });
    this.child.on('message', (message: Answer) => this.answers.get(message.id)?.(message));
  }

  async ready(): Promise<this> {
    await once(this.child, 'message');
    return this;
  }

  get pid(): number {
    return this.child.pid!;
  }

  ask<Told = unknown>(what: string, ...args: readonly unknown[]): Promise<Told> {
    const id = ++this.asked;
    this.child.send({ id, what, args });
    return new Promise((resolve, reject) => {
      this.answers.set(id, ({ answer, error }) => (error === undefined ? resolve(answer as Told) : reject(new Error(error))));
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async ended(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }
}

let server: RedisServer;
const processes: Process[] = [];
const because = { reason: 'the provider is down', by: 'ann' };

async function start(...ids: readonly string[]): Promise<Process[]> {
  const started = ids.map((id) => new Process(id, server.port));
  processes.push(...started);
  return Promise.all(started.map((one) => one.ready()));
}

beforeEach(async () => {
  server = await startRedis();
});

afterEach(async () => {
  for (const one of processes) one.signal('SIGKILL');
  await Promise.all(processes.splice(0).map((one) => one.ended()));
  await server.stop();
});

interface Shown {
  readonly id: string;
  readonly status: string;
  readonly names?: readonly string[];
}

const statuses = async (one: Process): Promise<Record<string, string>> =>
  Object.fromEntries((await one.ask<Shown[]>('instances')).map(({ id, status }) => [id, status]));

describe('a fleet of three processes', () => {
  it('sees who is there, does what it is told, and shows one that is killed as gone', async () => {
    const [a, b, c] = (await start('a', 'b', 'c')) as [Process, Process, Process];
    await until('all see all', async () => Object.keys(await statuses(a)).length === 3 && Object.keys(await statuses(c)).length === 3);
    await a.ask('watch');
    await until('all are shown', async () => (await a.ask<Shown[]>('instances')).every(({ names }) => names?.includes('local') === true));
    const told = await a.ask<{ applied: string[] }>('command', 'local', 'force-open', because);
    expect(told.applied).toContain('a');
    await until('all have done it', async () => {
      const states = await Promise.all([a, b, c].map((one) => one.ask('state')));
      return states.every((state) => state === 'forced-open');
    });
    expect(await b.ask('events')).toEqual([{ command: 'force-open', ...because }]);

    b.signal('SIGKILL');
    await until('b is gone', async () => (await statuses(a))['b'] === 'gone');
    expect(await a.ask('reporting')).toMatchObject({ reporting: 2, known: 3 });

    // One that starts anew does what still counts, and not what was for the moment.
    const [again] = (await start('b2')) as [Process];
    await until('it knows', async () => (await again.ask('state')) === 'forced-open');
    await a.ask('command', 'local', 'reset', because);
    await until('all have done it', async () => (await again.ask('state')) === 'closed');
    const [last] = (await start('b3')) as [Process];
    await until('it is known', async () => (await statuses(a))['b3'] === 'reporting');
    expect(await last.ask('events')).toEqual([]);

    await c.ask('close');
    expect(await c.ended()).toBe(0);
    await until('c has left', async () => !('c' in (await statuses(a))));
    const keys = await server.keys();
    expect([...keys.values()].every((ttl) => ttl > 0)).toBe(true);
    // A busy machine may be slow to connect, which is told; nothing else is.
    const logs = await Promise.all([a, again, last].map((one) => one.ask<string[]>('log')));
    expect(logs.flat().filter((line) => !line.includes('cannot be asked') && !line.includes('answers again'))).toEqual([]);
  });

  it('has the last command done by a process that was paused, when it goes on', async () => {
    const [a, b] = (await start('a', 'b', 'c')) as [Process, Process, Process];
    await until('all see all', async () => Object.keys(await statuses(b)).length === 3);
    b.signal('SIGSTOP');
    await until('b is gone', async () => (await statuses(a))['b'] === 'gone');
    for (const command of ['force-open', 'disable', 'metrics-only']) await a.ask('command', 'local', command, because);
    b.signal('SIGCONT');
    await until('b is back', async () => (await statuses(a))['b'] === 'reporting');
    await until('b has done it', async () => (await b.ask('state')) === 'metrics-only');
    expect((await b.ask<{ command: string }[]>('events')).at(-1)!.command).toBe('metrics-only');
  });

  it('has the permits of one that is killed after its lease, those of one that closes at once, and no more than there are', async () => {
    const [a, b, c] = (await start('a', 'b', 'c')) as [Process, Process, Process];
    const running = async (...those: readonly Process[]): Promise<number> => {
      const all = await Promise.all(those.map((one) => one.ask<{ running: number }>('permits')));
      return all.reduce((sum, one) => sum + one.running, 0);
    };
    await a.ask('acquire', 2);
    await b.ask('acquire', 2);
    await until('four have permits', async () => (await running(a, b)) === 4);
    await c.ask('acquire', 4);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await running(c)).toBe(0);

    a.signal('SIGKILL');
    await until('c has those of a', async () => (await running(c)) === 2);
    await b.ask('close');
    expect(await b.ended()).toBe(0);
    await until('c has those of b', async () => (await running(c)) === 4);

    const [d] = (await start('d')) as [Process];
    await d.ask('acquire', 1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await running(c, d)).toBe(4);
    await c.ask('release', 1);
    await until('d has it', async () => (await running(d)) === 1);
    expect(await running(c, d)).toBe(4);
  });

  it('has more holders than permits after a pause beyond the lease only until those of the paused process end', async () => {
    const [a, b] = (await start('a', 'b')) as [Process, Process];
    const permits = (one: Process): Promise<{ running: number; waiting: number }> => one.ask('permits');
    await a.ask('acquire', 4);
    await until('a has all', async () => (await permits(a)).running === 4);
    a.signal('SIGSTOP');
    await b.ask('acquire', 6);
    await until('b has those of a', async () => (await permits(b)).running === 4);
    a.signal('SIGCONT');
    expect(await permits(a)).toEqual({ running: 4, waiting: 0 });
    await a.ask('acquire', 1);
    await new Promise((resolve) => setTimeout(resolve, 500)); // b hears of it with its next question
    await b.ask('release', 3);
    await new Promise((resolve) => setTimeout(resolve, 500));
    // One of b's and four of a's run: nobody gets a permit until less than four do.
    expect([await permits(a), await permits(b)]).toEqual([
      { running: 4, waiting: 1 },
      { running: 1, waiting: 2 },
    ]);
    await a.ask('release', 4);
    await until('all have permits', async () => (await permits(a)).running === 1 && (await permits(b)).running === 3);
  });

  it('keeps who holds permits over a store that comes back empty', async () => {
    const [a, b] = (await start('a', 'b')) as [Process, Process];
    await a.ask('acquire', 4);
    await until('a has all', async () => (await a.ask<{ running: number }>('permits')).running === 4);
    await server.restart({ empty: true });
    await until('it knows again', async () => [...(await server.keys()).keys()].some((key) => key.includes('permits')));
    await b.ask('acquire', 1);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { running } = await b.ask<{ running: number }>('permits');
    await a.ask('release', 4);
    await until('b has one', async () => (await b.ask<{ running: number }>('permits')).running === 1);
    expect(running).toBe(0);
  });
});
