import { createHash } from 'node:crypto';

/** A Lua script as the server keeps it: by the SHA-1 of its text. */
export interface Script {
  /** For messages and metrics. */
  readonly name: string;
  readonly source: string;
  readonly sha1: string;
  /** Whether it does nothing after its deadline. */
  readonly writes: boolean;
}

/** What a script is given beside its keys; a number arrives as it is written in JavaScript, with all its digits. */
export type ScriptArgument = string | Buffer | number;

/** Runs scripts in the store. */
export interface ScriptRunner {
  /**
   * What the body returns: integers as numbers, texts as Buffers, lists as arrays, nil and false as null.
   * @param keys All of one hash tag.
   * @throws StoreUnavailableError where nothing was sent or the connection broke, StoreTimeoutError where no answer came in time, and
   * the server's own error.
   */
  run(script: Script, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown>;
}

/** Where the body's own arguments begin, counted as Lua does: `ARGV[3]`. */
export const FIRST_ARGUMENT = 3;

/** A script whose deadline had passed says so with the server's time, and has written nothing. */
export const LATE = 'LATE';

const REFUSES_WHEN_LATE = `
local deadline = tonumber(ARGV[1])
if deadline and clock > deadline then return redis.error_reply('${LATE} ' .. string.format('%.3f', clock)) end`;

/**
 * A script from its body. Before it runs, the server's clock is read once: the body has \`now\`, in milliseconds since 1970 with
 * fractions. \`ARGV[1]\` is a deadline by that clock, or empty: beyond it a script that writes does nothing and says \`LATE\`, because
 * whoever asked has given up by then. \`ARGV[2]\` stands for \`now\` in tests that have a clock of their own. The body's own arguments
 * begin at \`ARGV[3]\`. What it returns goes out beside the server's time.
 *
 * Keys and what users say are arguments, and never part of a script's text.
 * @param options.writes False for what may run late.
 */
export function defineScript(name: string, body: string, { writes = true }: { readonly writes?: boolean } = {}): Script {
  const source = `-- ${name}
local time = redis.call('TIME')
local clock = time[1] * 1000 + time[2] / 1000${writes ? REFUSES_WHEN_LATE : ''}
local now = tonumber(ARGV[2]) or clock
local function body()
${body.trim()}
end
return { struct.pack('<d', clock), (body()) }`;
  return { name, source, writes, sha1: createHash('sha1').update(source).digest('hex') };
}
