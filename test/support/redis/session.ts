import { Environment } from '../../../src/engine/environment.js';
import type { RedisClient } from '../../../src/integrations/redis/connection/recognise.js';
import { readRedisStoreOptions, type RedisStoreOptions } from '../../../src/integrations/redis/options.js';
import { StoreSession } from '../../../src/integrations/redis/store-session.js';

/** What is said in the log. */
export class Log {
  readonly lines: string[] = [];
  readonly warn = (line: string): number => this.lines.push(`warn ${line}`);
  readonly error = (line: string): number => this.lines.push(`error ${line}`);
  readonly log = (line: string): number => this.lines.push(`log ${line}`);

  get warnings(): readonly string[] {
    return this.lines.filter((line) => !line.startsWith('log'));
  }
}

export interface Opening extends Omit<RedisStoreOptions, 'group'> {
  readonly group?: string;
  /** A clock in place of the server's, for all scripts. */
  readonly now?: () => number;
}

/** A connection to a store as an application has it, with its scripts; `await using` stops it. */
export async function openSession({ now, ...options }: Opening) {
  const log = new Log();
  const environment = new Environment({ logger: log });
  const events: { readonly type: string }[] = [];
  environment.events.listen((event) => events.push(event));
  const settings = readRedisStoreOptions({ group: 'test', ...options }, 'redisStore');
  const session = new StoreSession(settings, environment, `{resilience:${settings.group}}:probe`, now);
  await session.start();
  const { scripts, channels, availability, requests } = session;
  const stop = (): Promise<void> => session.stop();
  return { session, scripts, channels, availability, requests, log, events, environment, stop, [Symbol.asyncDispose]: stop };
}

/** A client as its library gives it, however its types are. */
export function asClient(client: object): RedisClient {
  return client as RedisClient;
}
