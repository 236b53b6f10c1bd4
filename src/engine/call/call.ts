import { Attachments } from './attachments.js';
import { AttemptContext } from './attempt-context.js';
import { superseded, type Branch, type BranchOptions } from './branch.js';
import { AttemptFacts, CallFacts } from './facts.js';
import type { Clock } from '../clock.js';
import type { AdmissionContext } from '../contract/admission.js';
import { Outcome, type Served, type Settlement } from '../contract/outcome.js';
import type { Rejection } from '../contract/rejection.js';
import type { Substitute } from '../contract/verdict.js';
import { offAbort, reasonOf, type AbortListener } from '../waiting/abort-listeners.js';
import type { AnswerLink } from '../drivers/answer-link.js';
import type { Stray } from '../pipeline/strays.js';
import type { CallHost } from './call-host.js';
import type { Interruption } from './interruption.js';
import { earliest, limitOf } from './limits.js';
import { Deadline, type DeadlineOwner, type TimerQueue } from '../waiting/timer-queue.js';
import type { Waiter } from '../waiting/waiter.js';

const nobody = (): void => undefined;

const NO_ARGUMENTS: readonly unknown[] = Object.freeze([]);

/** Above every layer. A small integer, which V8 keeps in the field itself. */
const NO_LAYER = 2 ** 30 - 1;

/** The most arguments that a call carries without a list. */
export const MAX_INLINE_ARGUMENTS = 2;

/** Whatever is protected. */
export type Method = (...args: never[]) => unknown;

/** Who hears of the promise that a call rests on. */
export interface CallDriver {
  fulfilled(call: Call, value: unknown): unknown;
  rejected(call: Call, error: unknown): unknown;
}

/** What a call that does not move is waiting for. */
export const WaitingFor = { METHOD: 0, ANSWER: 1, TURN: 2, PAUSE: 3 } as const;

/**
 * The record of one call on its way through a pipeline. Records are used again for later calls, so nothing a user can
 * hold on to refers to one. `cursor` says where the call stands: the layers before it have let it pass and want to be
 * told how it ended.
 */
export class Call implements AbortListener, DeadlineOwner, AdmissionContext {
  target: unknown;
  method: Method = nobody;
  /** Which try this is, from 1 on. */
  attempt = 1;
  previousError: unknown;
  /** Why an inner layer did not let it pass, as long as nobody has looked at the error. */
  rejection: Rejection | undefined;
  outcome: Outcome = Outcome.SUCCESS;
  /** What the payload came from. */
  served: Served = 'method';
  cursor = 0;
  /** The layers before this one are none of its business: it is the record of a branch. */
  floor = 0;
  /** True on the way in, false on the way out. */
  inward = true;
  /** True once something has reached the caller that cannot be taken back: nothing is tried again. */
  committed = false;
  startedAt = Number.NaN;
  /**
   * More happened than a call that was admitted at once and answered by its first attempt: there is more to clear. Whoever
   * writes one of the fields that `clear` leaves alone otherwise says so.
   */
  dirty = false;
  readonly slots: unknown[];
  context: AttemptContext | undefined;
  /** The layers from here on have let pass an attempt whose method was not called yet. */
  uncalledFrom = 0;
  /** When the method was called, by the clock: NaN before that, and where no layer has asked for it. */
  invokedAt = Number.NaN;
  /** The outermost layer that wants to know when the method is called. */
  private clockedFrom = NO_LAYER;
  waitingFor: (typeof WaitingFor)[keyof typeof WaitingFor] = WaitingFor.METHOD;
  /** The promise of the method while it runs. */
  running: Promise<unknown> | undefined;
  /** Runs of the method that go on though their attempts were cut off. */
  strays: Stray[] | undefined;
  waiter: Waiter | undefined;
  /** Stops the timer of a wait. */
  stopWaiting: () => void = nobody;
  /** The application shuts down: the pause before a new attempt ends without one. */
  pauseCancelled = false;
  substitute: Substitute | undefined;
  interruption: Interruption | undefined;
  /** What ties its attempts to the promise that its caller has, where there may be several. */
  link: AnswerLink | undefined;
  /** What few calls have. */
  attachments: Attachments | undefined;
  /** What a tracer remembers of the call. */
  trace: unknown;
  signal: AbortSignal | undefined;
  /** Makes the driver go on; set by whoever waits. */
  wake: () => void = nobody;
  /** Made once for the promise driver. */
  readonly onFulfilled: (value: unknown) => unknown;
  readonly onRejected: (error: unknown) => unknown;
  private settledWith: unknown;
  /** Most methods take an argument or two: those are kept as they are, and a list is made when somebody asks for it. */
  private argumentCount = 0;
  private first: unknown;
  private second: unknown;
  private list: readonly unknown[] | undefined;
  private readonly limits: readonly Deadline[];
  private readonly remembering: readonly number[] | undefined;
  private time = Number.NaN;
  private readonly clock: Clock;
  private readonly deadlines: TimerQueue;

  constructor(
    private readonly host: CallHost<Call>,
    /** Who hears of the promises that it rests on; nobody where an Observable is protected. */
    public driver: CallDriver | undefined,
  ) {
    this.clock = host.environment.clock;
    this.deadlines = host.environment.deadlines;
    this.slots = host.layers.map(() => undefined);
    this.remembering = host.remembering;
    this.limits = host.limiting.map((layer) => new Deadline(this, layer));
    this.onFulfilled = (value) => this.driver!.fulfilled(this, value);
    this.onRejected = (error) => this.driver!.rejected(this, error);
  }

  /** The value or the error that the layers are told of. */
  get payload(): unknown {
    if (this.rejection !== undefined) this.lookAt(this.rejection);
    return this.settledWith;
  }

  set payload(payload: unknown) {
    this.rejection = undefined;
    this.settledWith = payload;
  }

  private lookAt(rejection: Rejection): void {
    this.payload = rejection.error;
  }

  get operationId(): string {
    return this.host.operationId;
  }

  /** The longest time limit of its pipeline, in milliseconds; 0 without one. */
  get longestLimitMs(): number {
    return this.host.longestLimitMs;
  }

  /** The arguments as the caller gave them: what key functions and fallbacks see. */
  get args(): readonly unknown[] {
    if (this.argumentCount === 0) return NO_ARGUMENTS;
    return (this.list ??= this.argumentCount === 1 ? [this.first] : [this.first, this.second]);
  }

  /** Takes the arguments: in a list where they are more than a few. */
  receive(given: number, first: unknown, second: unknown, list: readonly unknown[] | undefined): void {
    this.argumentCount = given;
    this.first = first;
    this.second = second;
    this.list = list;
  }

  /** Calls the method with the arguments as they were given. */
  callMethod(): unknown {
    const method = this.method as (...args: unknown[]) => unknown;
    if (this.argumentCount === 1) return method.call(this.target, this.first);
    if (this.argumentCount === 2) return method.call(this.target, this.first, this.second);
    return method.apply(this.target, this.args as unknown[]);
  }

  /** Makes the value of the answer that the call has got. May throw. */
  produceSubstitute(): unknown {
    const answer = this.substitute!;
    const tracer = this.host.tracer;
    return tracer === undefined ? answer.produce() : tracer.answer(this, () => answer.produce());
  }

  /** The time, read from the clock at most once between two moments at which the call rests. */
  now(): number {
    if (Number.isNaN(this.time)) this.time = this.clock.now();
    return this.time;
  }

  /** Time has passed: the next `now` reads the clock. */
  forgetTime(): void {
    this.time = Number.NaN;
  }

  /** Gives what goes on inside of a layer only so long; `expired` of the layer's strategy is asked when it is over. */
  limit(layer: number, durationMs: number): void {
    this.deadlines.arm(limitOf(this.limits, layer), durationMs, this.now());
  }

  /** How long the layer's limit on this call was when it was set. */
  limitMsOf(layer: number): number {
    return limitOf(this.limits, layer).home!.durationMs;
  }

  unlimit(layer: number): void {
    this.deadlines.disarm(limitOf(this.limits, layer));
  }

  /** What is given from now on may take as long as it likes. */
  unlimitAll(): void {
    for (const limit of this.limits) this.deadlines.disarm(limit);
  }

  /**
   * Whether the attempt that a layer let pass has called the method: true once it did, however it ended. False for one that
   * waited inside, in a queue or for a permit.
   */
  hasInvoked(layer: number): boolean {
    return layer < this.uncalledFrom;
  }

  /**
   * Asks for `invokedAt`, from a layer's `admit`: the first call of the method in the attempt that the layer lets pass. Until
   * the next attempt, which a layer outside begins.
   */
  clockInvocation(layer: number): void {
    this.dirty = true;
    if (layer < this.clockedFrom) this.clockedFrom = layer;
  }

  /** The method is about to be called. */
  invoking(): void {
    this.uncalledFrom = this.slots.length;
    if (this.dirty) this.clockNow();
  }

  private clockNow(): void {
    if (this.clockedFrom !== NO_LAYER && Number.isNaN(this.invokedAt)) this.invokedAt = this.now();
  }

  /** A layer begins another attempt: to those inside, the method was not called yet. */
  beginAgain(layer: number): void {
    this.attempt++;
    this.served = 'method';
    this.previousError = this.outcome === Outcome.SUCCESS ? undefined : this.payload;
    this.attachments?.beginAgain(layer);
    this.uncalledFrom = Math.min(this.uncalledFrom, layer + 1);
    if (this.clockedFrom > layer) this.invokedAt = Number.NaN;
    if (this.strays !== undefined) for (const stray of this.strays) stray.seenBy = Math.min(stray.seenBy, layer + 1);
  }

  /** Where the call waits just now, in words; undefined where it does not. */
  waitDescription(): string | undefined {
    if (this.waitingFor === WaitingFor.TURN) return this.host.waitDescriptionOf(this.cursor);
    return this.waitingFor === WaitingFor.PAUSE ? this.host.waitDescriptionOf(this.cursor - 1) : undefined;
  }

  /** When the first of its time limits passes, as a reading of the clock; undefined where nothing bounds it. */
  get deadline(): number | undefined {
    return this.deadlineBefore(this.slots.length);
  }

  /** The same of the limits outside of a layer. */
  deadlineBefore(layer: number): number | undefined {
    return earliest(this.limits, layer, this.attachments?.branch?.deadline);
  }

  private attach(): Attachments {
    this.dirty = true;
    return (this.attachments ??= new Attachments());
  }

  /** What is known of the call as a whole. */
  get facts(): CallFacts {
    return (this.attach().facts ??= new CallFacts());
  }

  /** What is known of the attempt that is under way. */
  get attemptFacts(): AttemptFacts {
    return (this.attach().attemptFacts ??= new AttemptFacts());
  }

  get mayWait(): boolean {
    return this.attachments?.branch?.purpose !== 'hedge';
  }

  /** Whether it has passed a layer and not left it, or waits at it. */
  isInside(layer: number): boolean {
    return this.cursor > layer || (this.cursor === layer && this.waiter !== undefined);
  }

  /** Asks the layer's `alarm` after so many milliseconds, unless its attempt has ended by then. One a layer: the last one set. */
  alarm(layer: number, durationMs: number): void {
    this.attach().setAlarm(layer, this.deadlines, durationMs, this.now(), () => {
      if (this.isInside(layer)) this.host.ring(this, layer);
    });
  }

  /** Begins another attempt inside of a layer, beside the call's own. The layer is told of its end: `branchEnded`. */
  branch(layer: number, options: BranchOptions): Branch {
    const branch = this.host.startBranch(this, layer, options);
    if (!branch.isDetached) this.attach().branches.push(branch);
    return branch;
  }

  /** Takes those of another call; a list is copied. */
  copyArguments({ argumentCount, first, second, list }: Call): void {
    this.receive(argumentCount, first, second, list === undefined ? undefined : [...list]);
  }

  /**
   * Another attempt has answered: what is inside of the layer is told SUPERSEDED, its branches with it, and the call goes on
   * outwards from the layer with that end. Does nothing where the call has left the layer; one that waits at it is told by its waiter.
   */
  supersede(layer: number, settlement: Settlement): void {
    if (this.cursor > layer) this.interrupt(layer, Outcome.SUPERSEDED, superseded(), settlement);
  }

  /** What a method is told of the attempt that begins. */
  newContext(): AttemptContext {
    this.dirty = true;
    this.context = new AttemptContext(this.attempt, this.previousError, this.operationId, this.deadline, this.startedAt, this.clock);
    return this.context;
  }

  /** Leaves word that the call is cut off at a layer, and wakes it. Where two come in one moment, the outer one counts. */
  interrupt(layer: number, outcome: Outcome, reason: unknown, settlement?: Settlement): void {
    if (this.interruption !== undefined && this.interruption.layer <= layer) return;
    this.dirty = true;
    this.interruption = settlement === undefined ? { layer, outcome, reason } : { layer, outcome, reason, settlement };
    this.waiter?.leave();
    this.wake();
  }

  /** The caller's signal is aborted: the attempt's in the same turn. A method and not a closure, so that only who has a signal pays. */
  aborted(): void {
    const reason = reasonOf(this.signal!);
    const context = this.inward ? this.context : undefined;
    this.interrupt(-1, Outcome.ABORT, reason);
    context?.abandon(reason);
  }

  /** A time limit has passed. */
  expired(layer: number): void {
    this.interrupt(layer, Outcome.TIMEOUT, undefined);
  }

  /** Lets go of everything, so that the record can serve another call. Slots hold only what belongs to strategies. */
  clear(): void {
    this.target = this.payload = this.first = this.second = this.list = undefined;
    this.method = nobody;
    this.cursor = this.uncalledFrom = 0;
    this.inward = true;
    this.committed = false;
    this.time = Number.NaN;
    if (this.wake !== nobody) {
      this.wake = nobody;
      this.running = undefined;
    }
    if (this.dirty) this.clearEvents();
    else if (this.remembering !== undefined) this.clearSlots(this.remembering);
  }

  private clearSlots(layers: readonly number[]): void {
    for (const layer of layers) this.slots[layer] = undefined;
  }

  private clearEvents(): void {
    if (this.signal !== undefined) offAbort(this.signal, this);
    this.attachments?.cut(-1, Outcome.SUPERSEDED, undefined);
    if (this.link !== undefined) this.host.expectsRepeats = this.attempt > 1;
    this.floor = 0;
    this.attachments = this.previousError = this.context = this.signal = this.trace = undefined;
    this.waiter = this.substitute = this.interruption = this.strays = this.link = undefined;
    this.stopWaiting = nobody;
    const { slots } = this;
    for (let index = 0; index < slots.length; index++) slots[index] = undefined;
    this.attempt = 1;
    this.served = 'method';
    this.invokedAt = Number.NaN;
    this.clockedFrom = NO_LAYER;
    this.pauseCancelled = this.dirty = false;
  }
}
