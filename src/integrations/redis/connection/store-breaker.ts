import { systemClock } from '../../../engine/clock.js';
import { tagOf } from '../keys.js';
import type { Availability } from './availability.js';
import type { LinkOwner } from './link.js';
import { Shard } from './shard.js';
import type { StoreClient } from './store-client.js';
import { failureOf } from './store-failure.js';

/** A store of which nothing was heard for so long is asked whether it still answers. */
const SILENCE_MS = 1000;

/** How long a start waits for the store. */
const STARTUP_MS = 1000;

/** Hash tags that are known at a time; each rate limit has one. */
const MAX_SHARDS = 1000;

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Asks a shard whether it can be read and written. */
export type Probe = (shard: Shard) => Promise<void>;

/**
 * Keeps commands from servers that do not answer, and finds out when they do again. A single server is one shard; of a Cluster each
 * hash tag is taken for one, as which server has it is the client's business.
 */
export class StoreBreaker implements LinkOwner {
  private readonly main: Shard;
  private readonly shards = new Map<string, Shard>();
  private startedAt: number | undefined;
  private isConnected = false;

  constructor(
    private readonly availability: Availability,
    /** The key of the group that probes write. */
    probeKey: string,
    private readonly client: Pick<StoreClient, 'isCluster' | 'lastError'>,
    private readonly probe: Probe,
  ) {
    this.main = new Shard(probeKey);
    this.shards.set(tagOf(probeKey), this.main);
  }

  /** The one that has a key. */
  shardOf(key: string): Shard {
    if (!this.client.isCluster) return this.main;
    const tag = tagOf(key);
    let shard = this.shards.get(tag);
    if (shard === undefined) {
      if (this.shards.size >= MAX_SHARDS) this.forgetOne();
      shard = new Shard(`${tag}:probe`);
      this.shards.set(tag, shard);
    }
    return shard;
  }

  /** Asks one of which nothing is known; several who want to know wait for one answer. */
  introduce(shard: Shard): Promise<void> {
    shard.probe ??= this.find(shard);
    return shard.probe;
  }

  heard(shard: Shard): void {
    shard.heard(systemClock.now());
  }

  /** A command failed; what is the asker's own mistake is none of the store's. */
  failed(shard: Shard, error: unknown): void {
    const now = systemClock.now();
    const failure = failureOf(error);
    if (failure === undefined) return shard.heard(now);
    shard.failed(reasonOf(error), failure === 'unable', now);
    this.judge();
  }

  ready(): void {
    this.isConnected = true;
    this.look(systemClock.now());
  }

  lost(): void {
    this.isConnected = false;
    for (const shard of this.shards.values()) shard.disconnected(systemClock.now());
    this.judge();
  }

  /** Every now and then. */
  look(now: number): void {
    this.startedAt ??= now;
    if (this.availability.state === 'starting' && now - this.startedAt >= STARTUP_MS) this.availability.down(this.reason(this.main));
    if (!this.isConnected) return;
    for (const shard of this.shards.values()) {
      const isDue = shard.state === 'up' ? shard === this.main && now - shard.heardAt >= SILENCE_MS : now >= shard.nextProbeAt;
      if (isDue && shard.probe === undefined) shard.probe = this.find(shard);
    }
  }

  private async find(shard: Shard): Promise<void> {
    try {
      await this.probe(shard);
      shard.answeredProbe(systemClock.now());
    } catch (error) {
      shard.failed(reasonOf(error), true, systemClock.now());
    }
    shard.probe = undefined;
    this.judge();
  }

  /** Why a shard cannot be asked. */
  reason({ reason }: Shard): string {
    const { lastError } = this.client;
    return this.isConnected || lastError === undefined ? reason : `${reason}: ${lastError}`;
  }

  private judge(): void {
    const down = [...this.shards.values()].find(({ state }) => state === 'down');
    if (down === undefined) {
      if (this.main.state === 'up') this.availability.up();
    } else if (this.availability.state !== 'starting') this.availability.down(this.reason(down));
  }

  /** The one that came first, but for the group's own. */
  private forgetOne(): void {
    for (const [tag, shard] of this.shards) if (shard !== this.main) return void this.shards.delete(tag);
  }
}
