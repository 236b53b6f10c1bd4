import { Redis } from 'ioredis';
import { StoreKeys } from '../../src/integrations/redis/keys.js';
import { RedisLimitStore } from '../../src/integrations/redis/limits/redis-limit-store.js';
import type { Script, ScriptArgument, ScriptRunner } from '../../src/integrations/redis/scripts/script.js';

/** Runs scripts on a real server, by the time that a test gives in place of the server's. */
export class InjectedTime implements ScriptRunner {
  /** How often a script ran. */
  runs = 0;
  private readonly known = new Set<string>();

  constructor(
    private readonly client: Redis,
    private readonly now: () => number,
  ) {}

  async run({ sha1, source }: Script, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    this.runs++;
    if (!this.known.has(sha1)) await this.client.script('LOAD', source);
    this.known.add(sha1);
    const words = [...keys, '', String(this.now()), ...args];
    const [, body] = (await this.client.callBuffer('EVALSHA', sha1, keys.length, ...words)) as [Buffer, unknown];
    return body;
  }
}

let groups = 0;

/** Limits on a real server by the time of the test, beside those of other tests. */
export function injectedLimits(client: Redis, now: () => number): RedisLimitStore {
  return new RedisLimitStore(new InjectedTime(client, now), new StoreKeys('test', `g${++groups}`));
}
