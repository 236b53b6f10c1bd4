import type { TimerHandle } from '../../engine/clock.js';
import type { Environment } from '../../engine/environment.js';
import { storeFailed } from '../../policies/shared-store.js';
import { GONE_AFTER_MS, type FleetBeat, type FleetPosition, type FleetPulse, type FleetStore } from '../../policies/fleet-store.js';
import type { CatchUp } from './command-log.js';

/** How often an instance says that it lives. */
const BEAT_MS = 1000;

/** What a heartbeat says and what becomes of the answer. */
export interface HeartbeatOwner {
  beat(position: FleetPosition | undefined): Omit<FleetBeat, 'seen'>;
  /** @param how How it comes to the commands that it has not seen. */
  pulse(pulse: FleetPulse, how: CatchUp): void;
}

/** One heartbeat a second, and at once where there is news; never two at a time. */
export class Heartbeat {
  private position: FleetPosition | undefined;
  private answeredAt = -Infinity;
  private timer: TimerHandle;
  private underWay: Promise<void> | undefined;
  private isWantedAgain = false;
  private isStopped = false;

  constructor(
    private readonly store: FleetStore,
    private readonly owner: HeartbeatOwner,
    private readonly environment: Environment,
  ) {}

  /** Resolves when the store has answered a heartbeat that began from now on, or has failed to. */
  beat(): Promise<void> {
    if (this.isStopped) return Promise.resolve();
    if (this.underWay === undefined) {
      this.underWay = this.one().finally(() => {
        this.underWay = undefined;
        if (this.isWantedAgain && !this.isStopped) this.environment.background(this.beat(), 'the heartbeat');
        this.isWantedAgain = false;
      });
      return this.underWay;
    }
    this.isWantedAgain = true;
    return this.underWay.then(() => this.underWay);
  }

  stop(): void {
    this.isStopped = true;
    this.clearTimer();
  }

  private clearTimer(): void {
    if (this.timer !== undefined) this.environment.clock.clearTimer(this.timer);
    this.timer = undefined;
  }

  private async one(): Promise<void> {
    const { clock } = this.environment;
    this.clearTimer();
    const begunAt = clock.now();
    const seen = this.position;
    try {
      const pulse = await this.store.beat({ ...this.owner.beat(seen), seen });
      if (this.isStopped) return;
      const wasAway = clock.now() - this.answeredAt > GONE_AFTER_MS;
      this.position = pulse.position;
      this.answeredAt = clock.now();
      this.owner.pulse(pulse, seen === undefined ? 'standing' : wasAway || pulse.isCollapsed ? 'last' : 'all');
    } catch (error) {
      storeFailed(this.environment, 'the heartbeat', error); // what was not said now is said with the next one
    }
    if (this.isStopped) return;
    this.timer = clock.setTimer(
      () => this.environment.background(this.beat(), 'the heartbeat'),
      Math.max(0, begunAt + BEAT_MS - clock.now()),
    );
  }
}
