import { Redis } from 'ioredis';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { freePort } from '../free-port.js';
import { REDIS, assertThere, type ServerProgram } from './programs.js';
import { ServerProcess } from './server-process.js';

export interface RedisOptions {
  /** Which server. */
  readonly server?: ServerProgram;
  /** Writes every command to disk before it answers, so that `restart` finds it again. Without it a restarted server is empty. */
  readonly keepsData?: boolean;
  /** More arguments, e.g. `['--maxmemory', '2mb']`. */
  readonly args?: readonly string[];
  /** For ports that must be below a bound. */
  readonly port?: number;
  /** TLS only: what the server shows, and what our own connection needs to trust it. */
  readonly tls?: { readonly args: readonly string[]; readonly client: ConnectionOptions };
  /** Our own connection logs in with it, where the default user is not allowed everything. */
  readonly username?: string;
  readonly password?: string;
}

/** On the loopback interface, in the foreground, and without snapshots of the server's own. */
const AT_HOME = ['--bind', '127.0.0.1', '--daemonize', 'no', '--save', ''];

/** A real server on a free port of the loopback interface. */
export class RedisServer {
  readonly host = '127.0.0.1';
  /** Our own connection, for commands of the test; not counted as one of the subject. */
  private admin: Redis | undefined;

  private constructor(
    readonly port: number,
    private readonly process: ServerProcess,
    private readonly options: RedisOptions,
  ) {}

  static async start(options: RedisOptions = {}): Promise<RedisServer> {
    const { server = REDIS, args = [], keepsData = false, tls } = options;
    assertThere(server);
    // Another process may take the port between our look and the server's start.
    for (let tries = 1; ; tries++) {
      const port = options.port ?? (await freePort());
      const listening = tls === undefined ? ['--port', String(port)] : ['--port', '0', '--tls-port', String(port), ...tls.args];
      const persistence = keepsData ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
      const process = new ServerProcess(server.program, (folder) => [
        ...listening,
        ...AT_HOME,
        '--dir',
        folder,
        '--logfile',
        join(folder, 'log'),
        ...persistence,
        ...args,
      ]);
      const started = new RedisServer(port, process, options);
      try {
        await started.begin();
        return started;
      } catch (error) {
        await started.stop();
        if (tries === 3 || options.port !== undefined) throw error;
      }
    }
  }

  get url(): string {
    return `${this.options.tls === undefined ? 'redis' : 'rediss'}://${this.host}:${this.port}`;
  }

  get pid(): number {
    return this.process.pid;
  }

  /** Sends a command on a connection of the test's own. */
  command(name: string, ...args: readonly (string | number | Buffer)[]): Promise<unknown> {
    this.admin ??= this.connect();
    return this.admin.call(name, ...args);
  }

  /** The names of all keys, however many; and for each its time to live in milliseconds, -1 where it has none. */
  async keys(): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    let cursor = '0';
    do {
      const [next, names] = (await this.command('SCAN', cursor, 'COUNT', 1000)) as [string, string[]];
      for (const name of names) found.set(name, Number(await this.command('PTTL', name)));
      cursor = next;
    } while (cursor !== '0');
    // What went away between the two has no time to live either.
    for (const [name, ttl] of found) if (ttl === -2) found.delete(name);
    return found;
  }

  /** Ends it at once (SIGKILL). */
  async kill(): Promise<void> {
    this.forget();
    await this.process.kill();
  }

  /** Starts it anew on the same port; with what it had written where it `keepsData`, and not where `empty`. */
  async restart({ empty = false } = {}): Promise<void> {
    await this.kill();
    if (empty) this.process.empty();
    await this.begin();
  }

  /** SIGSTOP: it keeps its connections and says nothing. */
  pause(): void {
    this.process.pause();
  }

  /** SIGCONT: it goes on with all that was sent meanwhile. */
  resume(): void {
    this.process.resume();
  }

  /** Ends it and removes what it wrote. */
  async stop(): Promise<void> {
    this.forget();
    await this.process.stop();
  }

  private begin(): Promise<void> {
    return this.process.start(async () => {
      try {
        return (await this.command('PING')) === 'PONG';
      } catch {
        this.forget();
        return false;
      }
    });
  }

  private forget(): void {
    this.admin?.disconnect();
    this.admin = undefined;
  }

  private connect(): Redis {
    const { username, password, tls } = this.options;
    const connection = new Redis({
      host: this.host,
      port: this.port,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(tls === undefined ? {} : { tls: tls.client }),
    });
    connection.on('error', () => undefined); // a command that fails says so itself
    connection.on('end', () => {
      if (this.admin === connection) this.admin = undefined;
    });
    return connection;
  }
}

/** A single server; `stop()` ends it and removes its folder. */
export function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  return RedisServer.start(options);
}
