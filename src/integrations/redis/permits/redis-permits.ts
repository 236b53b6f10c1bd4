import { WAITING_TURNS, type PermitClaim, type PermitGrant, type PermitStore } from '../../../policies/bulkhead/shared/permit-store.js';
import type { RedisContext } from '../redis-context.js';
import type { ScriptArgument } from '../scripts/script.js';
import { exchangeScript } from './permit-script.js';

/** In place of no limit: more than can run anywhere, and exact in a double. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/** The permits of bulkheads, counted by Redis: a hash for each bulkhead and key, all on the shard of the group. */
export class RedisPermits implements PermitStore {
  private readonly channel: string;

  constructor(private readonly context: RedisContext) {
    this.channel = context.keys.channel('permits');
  }

  async exchange(claims: readonly PermitClaim[]): Promise<readonly PermitGrant[]> {
    const { leaseMs, propagationMs } = this.context.settings;
    const args: ScriptArgument[] = [leaseMs, WAITING_TURNS * propagationMs, this.channel];
    for (const { holder, sequence, limit, held, wanted, staying } of claims)
      args.push(holder, sequence, Math.min(limit, NO_LIMIT), held, wanted, staying);
    const keys = claims.map((claim) => this.keyOf(claim));
    const answers = (await this.context.scripts.run(exchangeScript, keys, args)) as readonly (readonly number[])[];
    return answers.map(([granted, inUse, othersWait]) => ({ granted: granted!, inUse: inUse!, othersWait: othersWait === 1 }));
  }

  onFreed(listener: (holder: string) => void): () => void {
    return this.context.channels.subscribe(this.channel, (message) => listener(message.toString()));
  }

  private keyOf({ name, key }: PermitClaim): string {
    return key === undefined ? this.context.keys.ofGroup('permits', name) : this.context.keys.ofGroup('permits', name, key);
  }
}
