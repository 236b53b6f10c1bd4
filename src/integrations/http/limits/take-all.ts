import type { Inbound } from '../inbound.js';
import { whenGone } from '../when-gone.js';
import type { Limit, LimitArguments } from './limit.js';

/**
 * Takes a permit of every limit, or of none where one is short; false where the client has gone while it waited. Limits that a store
 * counts are asked first, as only its answer says whether they are short: what some of them gave goes back where another limit is.
 */
export async function takeAll(limits: readonly Limit[], args: LimitArguments<never>, { response }: Inbound): Promise<boolean> {
  const short = limits.find((limit) => limit.isShort(args));
  if (short !== undefined) return take([short], args);
  const shared = limits.filter(({ isShared }) => isShared);
  const local = limits.filter(({ isShared }) => !isShared);
  if (!limits.some(({ waits }) => waits)) return takeInOrder(shared, local, args);
  const stop = new AbortController();
  let isGone = false;
  const forget = whenGone(response ?? {}, () => {
    isGone = true;
    stop.abort();
  });
  try {
    return await takeInOrder(shared, local, args, stop.signal);
  } catch (error) {
    // Who still waits for another limit waits for nothing.
    stop.abort();
    if (isGone) return false;
    throw error;
  } finally {
    forget();
  }
}

async function takeInOrder(
  shared: readonly Limit[],
  local: readonly Limit[],
  args: LimitArguments<never>,
  signal?: AbortSignal,
): Promise<boolean> {
  if (shared.length === 0) return take(local, args, signal);
  const askedAt = shared.map((limit) => limit.now());
  const answers = await Promise.allSettled(shared.map((limit) => limit.take(args, signal)));
  const giveBack = (): void => {
    for (const [index, { status }] of answers.entries()) if (status === 'fulfilled') shared[index]!.giveBack(args, askedAt[index]!);
  };
  try {
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
    // Others may have come while the store was asked.
    const short = local.find((limit) => limit.isShort(args));
    return await take(short === undefined ? local : [short], args, signal);
  } catch (error) {
    giveBack();
    throw error;
  }
}

async function take(limits: readonly Limit[], args: LimitArguments<never>, signal?: AbortSignal): Promise<boolean> {
  await Promise.all(limits.map((limit) => limit.take(args, signal)));
  return true;
}
