import { systemClock } from '../../../engine/clock.js';
import type { StoreOutcome } from '../../../policies/shared-store.js';
import type { Connection } from '../connection/connection.js';
import type { PendingCommand } from '../connection/pending-command.js';
import type { Shard } from '../connection/shard.js';
import type { StoreBreaker } from '../connection/store-breaker.js';
import type { CommandWord } from '../connection/store-client.js';
import { asStoreError, isDemoted } from '../connection/store-failure.js';
import { StoreTimeoutError, StoreUnavailableError } from '../connection/store.error.js';
import type { StoreRequests } from '../store-requests.js';
import { LATE, type Script, type ScriptArgument, type ScriptRunner } from './script.js';

/** So many times a question is sent that the server refuses as too late. */
const MOST_TRIES = 3;

/** What every script of ours answers: the server's time, and what its body returned. */
type Reply = readonly [clock: Buffer, returned?: unknown];

/** Runs scripts on one connection: by their hash, and by their text where the server does not know it (any more). */
export class RedisScriptRunner implements ScriptRunner {
  constructor(
    private readonly connection: Connection,
    private readonly breaker: StoreBreaker,
    private readonly requests: StoreRequests,
    /** A clock in place of the server's, in tests only. */
    private readonly now?: () => number,
  ) {}

  async run(script: Script, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    this.connection.begin();
    const shard = this.breaker.shardOf(keys[0]!);
    if (shard.state === 'down' || !this.connection.isReady) {
      this.requests.count(script.name, 'unavailable');
      throw new StoreUnavailableError(`${script.name}: the store cannot be asked (${this.breaker.reason(shard)})`, {});
    }
    try {
      const returned = await this.ask(shard, script, keys, args);
      this.breaker.heard(shard);
      return returned;
    } catch (error) {
      this.breaker.failed(shard, error);
      throw error;
    }
  }

  /** The same whatever is known of the shard: a probe. */
  async ask(shard: Shard, script: Script, keys: readonly string[], args: readonly ScriptArgument[] = []): Promise<unknown> {
    const begun = systemClock.now();
    try {
      const reply = await this.connection.command(script.name, (command) => this.work(command, shard, script, keys, args));
      // An error that the body answers with stands where its answer would.
      const [, returned = null] = reply as Reply;
      if (returned instanceof Error) throw returned;
      this.requests.answered(script.name, systemClock.now() - begun);
      return returned;
    } catch (error) {
      const told = asStoreError(error, script.name);
      this.requests.count(script.name, outcomeOf(told));
      // Who has become a replica stays one: the client has to look for the new primary.
      if (isDemoted(error)) this.connection.link.renew(systemClock.now());
      throw told;
    }
  }

  private async work(
    command: PendingCommand,
    shard: Shard,
    script: Script,
    keys: readonly string[],
    args: readonly ScriptArgument[],
  ): Promise<unknown> {
    // Without knowing the server's clock there is no deadline to give.
    if (script.writes && !shard.clock.isKnown) await this.breaker.introduce(shard);
    for (let tries = 1; ; tries++) {
      const deadline = script.writes && shard.clock.isKnown ? String(shard.clock.earliest(command.dueAt)) : '';
      const rest: CommandWord[] = [String(keys.length), ...keys, deadline, this.now === undefined ? '' : String(this.now())];
      for (const argument of args) rest.push(typeof argument === 'number' ? String(argument) : argument);
      const sentAt = systemClock.now();
      try {
        const reply = (await this.evaluate(command, script, keys[0]!, rest)) as Reply;
        shard.clock.observe(reply[0].readDoubleLE(), sentAt, systemClock.now());
        return reply;
      } catch (error) {
        const clock = lateBy(error);
        if (clock === undefined) throw error;
        shard.clock.observe(clock, sentAt, systemClock.now());
        // Either our clock or the server's was set, or our own event loop kept the question back: nothing of it is the store's fault.
        if (tries === MOST_TRIES || !(command.extend() || command.isPending))
          throw new StoreTimeoutError(`${script.name}: the store got it too late`, {});
      }
    }
  }

  private async evaluate(command: PendingCommand, script: Script, key: string, rest: readonly CommandWord[]): Promise<unknown> {
    try {
      return await this.connection.send(key, ['EVALSHA', script.sha1, ...rest]);
    } catch (error) {
      if (!command.isPending || !(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return this.connection.send(key, ['EVAL', script.source, ...rest]);
    }
  }
}

/** The server's time, where it has refused what came too late. */
function lateBy(error: unknown): number | undefined {
  return error instanceof Error && error.message.startsWith(`${LATE} `) ? Number(error.message.slice(LATE.length + 1)) : undefined;
}

function outcomeOf(error: Error): StoreOutcome {
  if (error instanceof StoreTimeoutError) return 'timeout';
  return error instanceof StoreUnavailableError ? 'unavailable' : 'error';
}
