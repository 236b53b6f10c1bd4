import { Deadline, type DeadlineOwner } from '../waiting/timer-queue.js';
import { Call, type CallDriver } from './call.js';
import type { CallHost } from './call-host.js';

/** So many idle records a pool keeps for good. */
const KEPT = 255;

/** So many it keeps for as long as they are wanted now and then. */
const MAX_SPARES = 16_384;

/** Records that nobody wanted for so long are let go. */
const IDLE_MS = 10_000;

/**
 * The records of the calls of one pipeline, used again and again. Where many calls are in flight at a time, as many records are
 * kept: making them anew costs more than the rest of a call.
 */
export class CallPool implements DeadlineOwner {
  /** The record that was given back last; most calls find it. */
  private idle: Call | undefined;
  private readonly spares: Call[] = [];
  /** The fewest spares there were since somebody looked: so many nobody wanted. */
  private fewest = 0;
  private trim: Deadline | undefined;
  private forgetTrim: () => void = () => undefined;

  constructor(private readonly host: CallHost<Call>) {}

  /** A record for a call that begins. */
  take(driver: CallDriver | undefined): Call {
    const call = this.idle ?? this.takeSpare() ?? new Call(this.host, driver);
    this.idle = undefined;
    if (call.driver !== driver) call.driver = driver;
    return call;
  }

  /** The record of a call that is over; nobody may hold on to it. */
  recycle(call: Call): void {
    call.clear();
    if (this.idle === undefined) this.idle = call;
    else this.keep(call);
  }

  /** Lets go of what nobody wanted lately. */
  expired(): void {
    const { spares, fewest } = this;
    this.forgetTrim();
    this.trim = undefined;
    spares.splice(Math.max(KEPT, spares.length - fewest));
    if (spares.length > KEPT) this.trimLater();
  }

  private takeSpare(): Call | undefined {
    const call = this.spares.pop();
    if (this.spares.length < this.fewest) this.fewest = this.spares.length;
    return call;
  }

  private keep(call: Call): void {
    const { isDraining } = this.host.environment.shutdown;
    if (this.spares.length >= (isDraining ? KEPT : MAX_SPARES)) return;
    this.spares.push(call);
    if (this.spares.length > KEPT && this.trim === undefined) this.trimLater();
  }

  private trimLater(): void {
    const { clock, deadlines, shutdown } = this.host.environment;
    const trim = (this.trim = new Deadline(this, 0));
    this.fewest = this.spares.length;
    deadlines.arm(trim, IDLE_MS, clock.now());
    this.forgetTrim = shutdown.timer(() => deadlines.disarm(trim));
  }
}
