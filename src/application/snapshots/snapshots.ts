import { wallTimeOf } from '../../engine/clock.js';
import type { PolicyKind } from '../../engine/contract/kind.js';
import type { KindTable } from '../../engine/contract/kind-table.js';
import type { Environment } from '../../engine/environment.js';
import type { Registry } from '../../engine/state/registry.js';
import { deferred } from '../../engine/waiting/waiter.js';
import { quoteText } from '../../options/index.js';
import type { SnapshotEntry, SnapshotSession, SnapshotStore } from './snapshot-store.js';

/** What no policy has asked for in so many milliseconds is forgotten: the name is used no more. */
const UNCLAIMED_MS = 7 * 86_400_000;

/** How long a shutdown waits for the last snapshot, whatever the disk does. */
const LAST_SAVE_MS = 5000;

/** From now on snapshots are saved, where a store for them is given, until the end of the drain. */
export function keepSnapshots(store: SnapshotStore | undefined, registry: Registry, environment: Environment, kinds: KindTable): void {
  if (store === undefined) return;
  const snapshots = new Snapshots(store, registry, environment, kinds);
  environment.shutdown.atEnd(() => snapshots.stop());
}

/**
 * Saves the state of named instances every so often and once more at the end of a drain, and gives each new instance what an earlier
 * process saved under its name.
 */
class Snapshots {
  private readonly session: SnapshotSession;
  /** By kind and name, until an instance asks for it. */
  private readonly unclaimed = new Map<string, SnapshotEntry[]>();
  private saving: Promise<void> | undefined;
  private stopped: Promise<void> | undefined;

  constructor(
    private readonly store: SnapshotStore,
    private readonly registry: Registry,
    private readonly environment: Environment,
    private readonly kinds: KindTable,
  ) {
    const { clock, logger } = environment;
    this.session = store.open({
      clock,
      warn: (message) => logger.warn(message),
      log: (message) => logger.log?.(message),
    });
    const now = wallTimeOf(clock);
    for (const entry of this.session.saved) {
      if (now - entry.savedAt > UNCLAIMED_MS) continue;
      const id = idOf(entry);
      this.unclaimed.set(id, [...(this.unclaimed.get(id) ?? []), entry]);
    }
    registry.onCreated = (kind, name, instance) => this.restore(kind, name, instance);
    this.schedule();
  }

  /** Saves for the last time; later calls change nothing that is saved. */
  stop(): Promise<void> {
    return (this.stopped ??= this.end());
  }

  private schedule(): void {
    const { clock, shutdown } = this.environment;
    const timer = clock.setTimer(() => {
      forget();
      if (this.stopped !== undefined) return;
      this.schedule();
      this.environment.background(this.save(), 'snapshots');
    }, this.store.everyMs);
    const forget = shutdown.timer(() => clock.clearTimer(timer));
  }

  /** One at a time: where the disk is slower than `every`, snapshots are left out. */
  private save(): Promise<void> {
    this.saving ??= this.session.save(this.entries()).then(() => {
      this.saving = undefined;
    });
    return this.saving;
  }

  private async end(): Promise<void> {
    const { clock } = this.environment;
    const { promise, resolve } = deferred();
    const timer = clock.setTimer(resolve, LAST_SAVE_MS, true);
    await Promise.race([promise, this.saveLast()]);
    clock.clearTimer(timer);
  }

  private async saveLast(): Promise<void> {
    await this.saving;
    await this.save();
    await this.session.close();
  }

  /** Made one by one while they are written: the state of ten thousand keys is no work for one turn of the event loop. */
  private *entries(): Generator<SnapshotEntry> {
    const { clock } = this.environment;
    for (const entries of this.unclaimed.values()) yield* entries;
    for (const { kind, instance: declared } of this.kinds) {
      if (declared?.save === undefined) continue;
      for (const { name, instance } of this.registry.list(kind)) {
        for (const state of declared.save(instance, clock)) yield { kind, name, savedAt: wallTimeOf(clock), state };
      }
    }
  }

  private restore({ kind, instance: declared }: PolicyKind, name: string, instance: object): void {
    const id = idOf({ kind, name });
    const entries = this.unclaimed.get(id);
    if (entries === undefined || declared?.restore === undefined) return;
    this.unclaimed.delete(id);
    const { clock } = this.environment;
    // A clock that was set back says nothing of how long it was: nothing counts as passed.
    const parts = entries.map(({ state, savedAt }) => ({ state, elapsedMs: Math.max(0, wallTimeOf(clock) - savedAt) }));
    const unusable = declared.restore(instance, parts, clock);
    if (unusable === 0) return;
    this.environment.logger.warn(
      `snapshots: ${unusable} of ${parts.length} parts saved for ${kind} ${quoteText(name)} are not what was written; it starts without them`,
    );
  }
}

function idOf({ kind, name }: Pick<SnapshotEntry, 'kind' | 'name'>): string {
  return `${kind} ${name}`;
}
