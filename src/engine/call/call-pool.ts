import { Call, type CallDriver } from './call.js';
import type { CallHost } from './call-host.js';

/** How many idle records a pool keeps beside one. */
const MAX_SPARES = 255;

/** The records of the calls of one pipeline, used again and again. */
export class CallPool {
  /** The record that was given back last; most calls find it. */
  private idle: Call | undefined;
  private readonly spares: Call[] = [];

  constructor(private readonly host: CallHost<Call>) {}

  /** A record for a call that begins. */
  take(driver: CallDriver | undefined): Call {
    const call = this.idle ?? this.spares.pop() ?? new Call(this.host, driver);
    this.idle = undefined;
    if (call.driver !== driver) call.driver = driver;
    return call;
  }

  /** The record of a call that is over; nobody may hold on to it. */
  recycle(call: Call): void {
    call.clear();
    if (this.idle === undefined) this.idle = call;
    else if (this.spares.length < MAX_SPARES) this.spares.push(call);
  }
}
