import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../until.js';
import { freePort } from '../free-port.js';
import { Redis } from 'ioredis';
import { startRedis, type RedisOptions, type RedisServer } from './redis.js';
import { REDIS } from './programs.js';
import { ServerProcess } from './server-process.js';

/** A primary with a replica, and a Sentinel that promotes the replica when the primary has been away for half a second. */
export class SentinelSetup {
  readonly name = 'shop';

  private constructor(
    readonly primary: RedisServer,
    readonly replica: RedisServer,
    readonly sentinels: readonly { readonly host: string; readonly port: number }[],
    private readonly process: ServerProcess,
    private readonly connection: Redis,
  ) {}

  static async start(options: RedisOptions = {}): Promise<SentinelSetup> {
    const { server = REDIS } = options;
    const primary = await startRedis(options);
    const replica = await startRedis({ ...options, args: [...(options.args ?? []), '--replicaof', primary.host, String(primary.port)] });
    await until('the replica follows', async () => ((await replica.command('INFO', 'replication')) as string).includes('link_status:up'));
    const port = await freePort();
    const process = new ServerProcess(server.program, (folder) => [join(folder, 'sentinel.conf'), '--sentinel']);
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${process.folder}`,
      `logfile ${join(process.folder, 'log')}`,
      `sentinel monitor shop ${primary.host} ${primary.port} 1`,
      'sentinel down-after-milliseconds shop 500',
      'sentinel failover-timeout shop 2000',
    ];
    writeFileSync(join(process.folder, 'sentinel.conf'), `${lines.join('\n')}\n`);
    const connection = new Redis({ host: '127.0.0.1', port, lazyConnect: true, retryStrategy: () => 50 });
    connection.on('error', () => undefined);
    const setup = new SentinelSetup(primary, replica, [{ host: '127.0.0.1', port }], process, connection);
    try {
      await process.start(async () => (await setup.fact('num-slaves')) === '1');
    } catch (error) {
      await setup.stop();
      throw error;
    }
    return setup;
  }

  /** Resolves when the Sentinel names the replica as the primary, and the replica takes writes. */
  async promoted(): Promise<void> {
    await until('the Sentinel promotes the replica', async () => (await this.fact('port')) === String(this.replica.port));
    // A promotion ends the connections of all.
    const role = (): Promise<unknown> => this.replica.command('ROLE').catch(() => []);
    await until('the replica takes writes', async () => ((await role()) as unknown[])[0] === 'master');
  }

  async stop(): Promise<void> {
    this.connection.disconnect();
    await Promise.all([this.process.stop(), this.primary.stop(), this.replica.stop()]);
  }

  private async fact(wanted: string): Promise<string | undefined> {
    try {
      const facts = (await this.connection.call('SENTINEL', 'MASTER', this.name)) as string[];
      return facts[facts.indexOf(wanted) + 1];
    } catch {
      return undefined;
    }
  }
}

export function startSentinel(options: RedisOptions = {}): Promise<SentinelSetup> {
  return SentinelSetup.start(options);
}
