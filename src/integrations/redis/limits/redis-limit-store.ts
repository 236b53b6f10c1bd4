import { countingUnits, refillUnits } from '../../../policies/rate-limit/counting/units.js';
import type {
  Correction,
  LimitStore,
  Patience,
  PermitAnswer,
  PermitAsk,
  SharedLimit,
  Turn,
} from '../../../policies/rate-limit/shared/limit-store.js';
import { keyPart, type StoreKeys } from '../keys.js';
import { defineScript, type Script, type ScriptArgument, type ScriptRunner } from '../scripts/script.js';
import { limitScript } from './lua.js';

const scriptsOf = (counting: Parameters<typeof limitScript>[0]): { readonly take: Script; readonly correct: Script } => ({
  take: defineScript('limits.take', limitScript(counting, 'take')),
  correct: defineScript('limits.correct', limitScript(counting, 'correct')),
});
const METER = scriptsOf('meter');
const FIXED = scriptsOf('fixed');
const SLIDING = scriptsOf('sliding');

/** Doubles of one answer before its turns. */
const WIDTH = 6;
const BYTES = 8;

/** What the scripts need of a limit, made once. */
interface CountedLimit {
  readonly take: Script;
  readonly correct: Script;
  /** What a permit is in the units of the scripts. */
  unitsOf(cost: number): number;
  readonly rate: readonly string[];
  readonly isPaced: boolean;
  keyOf(key: string | undefined): string;
}

/** Permits in Redis or Valkey: one key for each limit and key, one script for all that is asked in one go. */
export class RedisLimitStore implements LimitStore {
  private readonly counted = new WeakMap<SharedLimit, CountedLimit>();

  constructor(
    private readonly scripts: ScriptRunner,
    private readonly keys: StoreKeys,
  ) {}

  async take(limit: SharedLimit, asks: readonly PermitAsk[], patience: Patience | undefined): Promise<readonly PermitAnswer[]> {
    const counted = this.countedOf(limit);
    const args: ScriptArgument[] = [...counted.rate, textOf(patience?.maxWaitMs), counted.isPaced ? textOf(patience?.maxQueue) : ''];
    const keys = asks.map(({ key }) => counted.keyOf(key));
    // Where each is one permit of another key the script may read all of them at once.
    if (asks.some(({ cost, times }) => cost !== 1 || times !== 1) || new Set(keys).size < keys.length) {
      for (const { cost, times } of asks) args.push(counted.unitsOf(cost), times);
    }
    const reply = (await this.scripts.run(counted.take, keys, args)) as Buffer;
    return answersFrom(reply, asks.length, patience !== undefined);
  }

  giveBack(limit: SharedLimit, permits: readonly Correction[]): Promise<unknown> {
    return this.correct(limit, permits, 1);
  }

  charge(limit: SharedLimit, permits: readonly Correction[]): Promise<unknown> {
    return this.correct(limit, permits, -1);
  }

  private correct(limit: SharedLimit, permits: readonly Correction[], sign: 1 | -1): Promise<unknown> {
    const counted = this.countedOf(limit);
    const args: ScriptArgument[] = [...counted.rate];
    for (const { cost, stamp } of permits) args.push(sign * counted.unitsOf(cost), stamp);
    return this.scripts.run(
      counted.correct,
      permits.map(({ key }) => counted.keyOf(key)),
      args,
    );
  }

  private countedOf(limit: SharedLimit): CountedLimit {
    let counted = this.counted.get(limit);
    if (counted === undefined) this.counted.set(limit, (counted = countedLimit(limit, this.keys)));
    return counted;
  }
}

function countedLimit(limit: SharedLimit, keys: StoreKeys): CountedLimit {
  const { name, algorithm, perMs, burst } = limit;
  const isPaced = algorithm === 'leaky-bucket';
  const isBucket = isPaced || algorithm === 'token-bucket';
  const scripts = isBucket ? METER : algorithm === 'fixed-window' ? FIXED : SLIDING;
  const units = isBucket ? refillUnits(limit, burst) : countingUnits(limit.limit, algorithm === 'fixed-window' ? 1 : perMs);
  const full = (isBucket ? burst : limit.limit) * units.permit;
  // Another way of counting has other states, which say nothing here. Keys are short, as each is sent with every question.
  const common = keys.ofPolicy('limit', name, algorithm.charAt(0));
  return {
    ...scripts,
    unitsOf: (cost) => units.of(cost),
    isPaced,
    rate: [full, units.permit, isBucket ? units.perMs : perMs, isPaced ? 1 : 0].map(String),
    keyOf: (key) => (key === undefined ? common : `${common}:${keyPart(key)}`),
  };
}

/** Nothing waits: ''. Infinity, which Lua does not read in all its versions, is a number beyond all waits. */
function textOf(value: number | undefined): string {
  return value === undefined ? '' : String(Math.min(value, Number.MAX_VALUE));
}

function answersFrom(reply: Buffer, count: number, hasTurns: boolean): readonly PermitAnswer[] {
  const answers: PermitAnswer[] = [];
  let at = 0;
  for (let index = 0; index < count; index++) {
    const double = (offset: number): number => reply.readDoubleLE(at + offset * BYTES);
    const granted = double(0);
    answers.push({
      granted,
      retryAfterMs: double(1),
      remaining: double(2),
      resetAfterMs: double(3),
      stamp: double(4),
      windowEndsInMs: double(5),
      ...(hasTurns ? { turns: turnsFrom(reply, at + WIDTH * BYTES, granted) } : {}),
    });
    at += (WIDTH + (hasTurns ? 2 * granted : 0)) * BYTES;
  }
  return answers;
}

function turnsFrom(reply: Buffer, from: number, count: number): readonly Turn[] {
  return Array.from({ length: count }, (_, index) => {
    const at = from + index * 2 * BYTES;
    return { waitMs: reply.readDoubleLE(at), stamp: reply.readDoubleLE(at + BYTES) };
  });
}
