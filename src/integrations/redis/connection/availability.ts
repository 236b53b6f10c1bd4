import type { StoreAvailableEvent, StoreUnavailableEvent } from '../../../core.js';
import type { Environment } from '../../../engine/environment.js';
import type { StoreAvailability } from '../../../policies/shared-store.js';

/**
 * THE STATES OF THE STORE, as the application knows it.
 *
 *     starting ----- every shard is up -----------------> available
 *     starting ----- a second is over ------------------> unavailable
 *     available ---- a shard is down -------------------> unavailable
 *     unavailable -- every shard is up -----------------> available
 *
 * Each change from or to `unavailable` is one event and one line in the log.
 */
export class Availability implements StoreAvailability {
  state: 'starting' | 'available' | 'unavailable' | 'closed' = 'starting';
  private readonly listeners = new Set<(isAvailable: boolean) => void>();
  private readonly startup: Promise<void>;
  private started!: () => void;
  private unavailableSince = 0;

  constructor(
    private readonly environment: Environment,
    private readonly group: string,
    private readonly now: () => number,
  ) {
    this.startup = new Promise((resolve) => (this.started = resolve));
  }

  get isAvailable(): boolean {
    return this.state === 'available';
  }

  get isDegraded(): boolean {
    return this.state === 'unavailable';
  }

  listen(listener: (isAvailable: boolean) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Resolves when it is known how the application starts. */
  whenStarted(): Promise<void> {
    return this.startup;
  }

  up(): void {
    if (this.state === 'available' || this.state === 'closed') return;
    const wasStarting = this.state === 'starting';
    this.state = 'available';
    if (!wasStarting) this.tellAvailable(this.now() - this.unavailableSince);
    this.changed(true);
  }

  down(reason: string): void {
    if (this.state === 'unavailable' || this.state === 'closed') return;
    this.state = 'unavailable';
    this.unavailableSince = this.now();
    this.tellUnavailable(reason);
    this.changed(false);
  }

  close(): void {
    this.state = 'closed';
    this.listeners.clear();
    this.started();
  }

  private changed(isAvailable: boolean): void {
    this.started();
    for (const listener of this.listeners) this.environment.notify('a listener of the store', undefined, () => listener(isAvailable));
  }

  private tellAvailable(unavailableForMs: number): void {
    const { environment, group } = this;
    const { events, logger } = environment;
    if (events.hasListeners('store.available')) events.emit<StoreAvailableEvent>('store.available', undefined, { group, unavailableForMs });
    const line = `the store of "${group}" answers again after ${Math.round(unavailableForMs)} ms`;
    environment.notify('the logger', undefined, () => logger.log?.(line, { group, unavailableForMs }));
  }

  private tellUnavailable(reason: string): void {
    const { environment, group } = this;
    const { events, logger } = environment;
    if (events.hasListeners('store.unavailable')) events.emit<StoreUnavailableEvent>('store.unavailable', undefined, { group, reason });
    const line = `the store of "${group}" cannot be asked: ${reason}; shared policies do what their onStoreFailure says until it can`;
    environment.notify('the logger', undefined, () => logger.warn(line, { group, reason }));
  }
}
