import { until } from '../until.js';
import { freePort } from '../free-port.js';
import { startRedis, type RedisOptions, type RedisServer } from './redis.js';

const SLOTS = 16_384;

/** Three primaries of one Cluster. */
export class RedisCluster {
  private constructor(readonly nodes: readonly RedisServer[]) {}

  static async start(options: RedisOptions = {}): Promise<RedisCluster> {
    const nodes: RedisServer[] = [];
    try {
      for (let index = 0; index < 3; index++) nodes.push(await startNode(options));
      const cluster = new RedisCluster(nodes);
      await cluster.join();
      return cluster;
    } catch (error) {
      await Promise.all(nodes.map((node) => node.stop()));
      throw error;
    }
  }

  get endpoints(): readonly { readonly host: string; readonly port: number }[] {
    return this.nodes.map(({ host, port }) => ({ host, port }));
  }

  /** The node that has the slot of a key. */
  async nodeOf(key: string): Promise<RedisServer> {
    const slot = Number(await this.nodes[0]!.command('CLUSTER', 'KEYSLOT', key));
    const owner = this.nodes.findIndex((_node, index) => slot >= firstSlot(index) && slot < firstSlot(index + 1));
    return this.nodes[owner]!;
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  private async join(): Promise<void> {
    const [first, ...others] = this.nodes;
    for (const [index, node] of this.nodes.entries()) {
      const slots = Array.from({ length: firstSlot(index + 1) - firstSlot(index) }, (_, offset) => firstSlot(index) + offset);
      await node.command('CLUSTER', 'ADDSLOTS', ...slots);
    }
    for (const { host, port } of others) await first!.command('CLUSTER', 'MEET', host, port);
    await until('every node knows the Cluster', async () => {
      const told = await Promise.all(this.nodes.map((node) => node.command('CLUSTER', 'INFO') as Promise<string>));
      return told.every((info) => info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3'));
    });
  }
}

export function startCluster(options: RedisOptions = {}): Promise<RedisCluster> {
  return RedisCluster.start(options);
}

function firstSlot(node: number): number {
  return Math.round((node * SLOTS) / 3);
}

async function startNode(options: RedisOptions): Promise<RedisServer> {
  for (let tries = 1; ; tries++) {
    let port = await freePort();
    while (port > 55_000) port = await freePort(); // the nodes' own connections are 10,000 above
    const args = [
      ...(options.args ?? []),
      '--cluster-enabled',
      'yes',
      '--cluster-config-file',
      'nodes.conf',
      '--cluster-node-timeout',
      '1000',
    ];
    try {
      return await startRedis({ ...options, port, args });
    } catch (error) {
      if (tries === 3) throw error;
    }
  }
}
