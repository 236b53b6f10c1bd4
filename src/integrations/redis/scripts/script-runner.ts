import type { CommandWord } from '../connection/store-client.js';
import type { Connection } from '../connection/connection.js';
import type { Script, ScriptArgument, ScriptRunner } from './script.js';

/** What every script of ours answers: the server's time, and what its body returned. */
type Reply = readonly [clock: Buffer, returned?: unknown];

/** Runs scripts on one connection: by their hash, and by their text where the server does not know it (any more). */
export class RedisScriptRunner implements ScriptRunner {
  /** @param now A clock in place of the server's, in tests only. */
  constructor(
    private readonly connection: Connection,
    private readonly now?: () => number,
  ) {}

  async run(script: Script, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    const key = keys[0]!;
    const rest: CommandWord[] = [String(keys.length), ...keys, '', this.now === undefined ? '' : String(this.now())];
    for (const argument of args) rest.push(typeof argument === 'number' ? String(argument) : argument);
    const [, returned = null] = (await this.connection.command(script.name, async (send) => {
      try {
        return await send(key, ['EVALSHA', script.sha1, ...rest]);
      } catch (error) {
        if (!isNoScript(error)) throw error;
        return send(key, ['EVAL', script.source, ...rest]);
      }
    })) as Reply;
    // An error that the body answers with stands where its answer would.
    if (returned instanceof Error) throw returned;
    return returned;
  }
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
