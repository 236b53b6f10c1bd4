import { isObservable, type Observable, type Subscriber, type Unsubscribable } from 'rxjs';
import { WaitingFor, type Call, type Method } from '../call/call.js';
import type { Pipeline } from '../pipeline/pipeline.js';
import type { Step } from '../pipeline/walk.js';
import { Outcome } from '../contract/outcome.js';
import { deferred } from '../waiting/waiter.js';
import { AnswerStream } from './answer-stream.js';
import { asPromise, ignoreEnd, isThenable } from './promises.js';
import { SourceSubscriber, type Ending, type SourceListener } from './source-subscriber.js';

/** What a driver for Observables needs to know of an operation. */
export interface ObservableOperation {
  readonly pipeline: Pipeline;
  /** Makes the error for a method that gives something else than an Observable. */
  readonly plainValue: (value: unknown) => Error;
  /** Whether time limits end with that first value. */
  readonly endsLimits?: ((first: unknown) => boolean) | undefined;
}

/** How what was started ends where the call was cut off: the pipeline knows more. */
const CUT_OFF: Ending = { failed: true, payload: undefined };

const WAIT_OVER: Ending = { failed: false, payload: undefined };

/** A promise that the call rests on: of a wait, or of a fallback. */
type Wait = object;

/**
 * One subscription. THE OWNER RULE: `this.call` belongs to this run from its making until `finish`, which lets go of it before
 * anybody is told. While the run owns it, it is in one of two states:
 *
 * - walking (`resting` is undefined): `walk` moves the call, and everything else is called from within it. Whoever comes now,
 *   from a user's callback, only leaves word: an unsubscribe or a time limit on the call (`interrupt`), a source on itself
 *   (`SourceSubscriber.ending`). `walk` looks at both before its next move.
 * - resting (`resting` is what the call rests on: a source, or the promise of a wait). What it rests on, and nothing else, may
 *   begin the next walk, by `leaveRest`; whatever was rested on before and reports late is not what is rested on, and is ignored.
 *
 * When it owns no call it is over, or a fallback's Observable still gives values to the caller (`AnswerStream`).
 */
export class ObservableRun implements Unsubscribable, SourceListener {
  private readonly pipeline: Pipeline;
  private call: Call | undefined;
  private resting: SourceSubscriber | Wait | undefined;
  /** The source that was subscribed to last, until it is torn down. */
  private source: SourceSubscriber | undefined;
  /** The value of the outcome has not been passed on yet. */
  private withheld = false;

  constructor(
    private readonly operation: ObservableOperation,
    private readonly subscriber: Subscriber<unknown>,
  ) {
    this.pipeline = operation.pipeline;
    this.call = this.pipeline.pool.take(undefined);
  }

  start(target: unknown, method: Method, args: readonly unknown[], signal: AbortSignal | undefined): void {
    const call = this.call!;
    call.receive(args.length, args[0], args[1], args);
    this.pipeline.begin(call, target, method, signal);
    this.walk(call, this.pipeline.step(call));
  }

  /** The caller has enough, or has been told all. */
  unsubscribe(): void {
    const { call } = this;
    if (call === undefined) return this.tearDown();
    call.interrupt(-1, Outcome.ABORT, undefined);
    if (this.resting === undefined) this.source?.stop();
    else this.cut(this.resting);
  }

  /** Takes the call as far as it gets without resting. */
  private walk(call: Call, first: Step): void {
    for (let step = first; ;) {
      if (step === 'done') return this.finish(call);
      // An attempt's source is torn down before anything else begins, as `retry` of RxJS does.
      this.tearDown();
      if (typeof step !== 'string') return this.restOn(call, step, () => WAIT_OVER);
      this.withheld = false;
      const ending = this.begin(call, step);
      if (ending === undefined) return;
      step = this.tell(call, ending);
    }
  }

  /** Tells the pipeline how what the call rested on has ended, unless it knows; gives what is next. */
  private tell(call: Call, ending: Ending): Step {
    const { pipeline } = this;
    if ('next' in ending) return ending.next;
    const { failed, payload } = ending;
    if (!failed && call.waitingFor === WaitingFor.METHOD && call.interruption === undefined) return pipeline.succeed(call, payload);
    pipeline.settled(call, failed, payload);
    return pipeline.step(call);
  }

  /** Starts the method or an answer; gives its end where it came at once, or where the call was cut off meanwhile. */
  private begin(call: Call, step: 'invoke' | 'answer'): Ending | undefined {
    let pending: Promise<unknown>;
    try {
      const result = step === 'invoke' ? this.pipeline.invoke(call) : call.produceSubstitute();
      if (isObservable(result)) return this.listen(call, result, step === 'answer');
      if (step === 'invoke') return { failed: true, payload: this.operation.plainValue(result) };
      if (!isThenable(result)) return this.withhold(result);
      pending = asPromise(result);
    } catch (error) {
      return { failed: true, payload: error };
    }
    if (call.interruption !== undefined) {
      ignoreEnd(pending);
      return CUT_OFF;
    }
    this.restOn(call, pending, (value) => this.withhold(value));
    return undefined;
  }

  private withhold(value: unknown): Ending {
    this.withheld = true;
    return { failed: false, payload: value };
  }

  private restOn(call: Call, pending: Promise<unknown>, ended: (value: unknown) => Ending): void {
    const wait: Wait = {};
    this.rest(call, wait);
    void pending.then(
      (value) => this.leaveRest(wait, () => ended(value)),
      (error: unknown) => this.leaveRest(wait, () => ({ failed: true, payload: error })),
    );
  }

  private listen(call: Call, source: Observable<unknown>, isAnswer: boolean): Ending | undefined {
    const attempt = new SourceSubscriber(this, isAnswer);
    this.source = attempt;
    call.wake = () => attempt.stop();
    try {
      source.subscribe(attempt);
    } catch (error) {
      if (attempt.closed) this.teardownFailed(error);
      else attempt.ending ??= { failed: true, payload: error };
    }
    if (this.call === undefined) return undefined;
    if (call.interruption !== undefined) return CUT_OFF;
    if (attempt.ending === undefined) this.rest(call, attempt);
    return attempt.ending;
  }

  private rest(call: Call, on: SourceSubscriber | Wait): void {
    const cut = (): void => this.cut(on);
    this.resting = on;
    call.wake = cut;
    if (!this.pipeline.limited) return;
    // A time limit passes in the async context of whoever set the shared timer first: a promise leads back to that of this call.
    const { promise, resolve } = deferred();
    void promise.then(cut, cut);
    call.wake = () => (call.interruption!.layer < 0 ? cut() : resolve());
  }

  /** What the call rested on has ended. */
  private leaveRest(rested: SourceSubscriber | Wait, ending: () => Ending): void {
    const { call } = this;
    if (call === undefined || this.resting !== rested) return;
    this.resting = undefined;
    this.walk(call, this.tell(call, ending()));
  }

  /** The call was cut off while it rested on that. */
  private cut(rested: SourceSubscriber | Wait): void {
    if (this.resting === rested) this.tearDown();
    this.leaveRest(rested, () => CUT_OFF);
  }

  /** The source gives a value. The first one is judged before it is passed on; what comes meanwhile waits for the verdict. */
  next(attempt: SourceSubscriber, value: unknown): void {
    const { call } = this;
    if (call === undefined || call.committed) attempt.passOn(value, this.subscriber);
    else this.judge(call, attempt, value);
  }

  private judge(call: Call, attempt: SourceSubscriber, value: unknown): void {
    const rested = this.resting === attempt;
    this.resting = undefined;
    attempt.hold();
    const verdict = attempt.isAnswer ? this.judgeAnswer(call, attempt, value) : this.judgeValue(call, value);
    if (verdict !== undefined) {
      attempt.drop(verdict);
      if (rested) this.walk(call, this.tell(call, verdict));
      return;
    }
    if (rested && this.call !== undefined) this.rest(call, attempt);
    attempt.release(value, this.subscriber);
  }

  /** The end of the attempt where the value is not good enough, or where the call was cut off meanwhile. */
  private judgeValue(call: Call, value: unknown): Ending | undefined {
    const isBad = this.pipeline.rejects(value);
    if (call.interruption !== undefined) return CUT_OFF;
    if (isBad) return this.withhold(value);
    call.committed = true;
    if (this.operation.endsLimits?.(value) === true) call.unlimitAll();
    return undefined;
  }

  /** The same for a fallback's value. Where it is taken the call is over, and the other values follow. */
  private judgeAnswer(call: Call, attempt: SourceSubscriber, value: unknown): Ending | undefined {
    const { pipeline, subscriber } = this;
    pipeline.settled(call, false, value);
    call.committed = call.substitute === undefined && call.outcome === Outcome.SUCCESS;
    const next = pipeline.step(call);
    if (next !== 'done' || !call.committed || call.outcome !== Outcome.SUCCESS) return { next };
    attempt.listener = new AnswerStream(subscriber, attempt, call.signal, (error) => this.teardownFailed(error));
    this.letGo(call);
    return undefined;
  }

  /** The source failed, or is complete. */
  ended(attempt: SourceSubscriber, ending: Ending): void {
    this.leaveRest(attempt, () => ending);
  }

  teardownFailed(error: unknown): void {
    const { environment, operationId } = this.pipeline;
    environment.callbackFailed('teardown of the source', operationId, error);
  }

  private tearDown(): void {
    const { source } = this;
    this.source = undefined;
    source?.stop();
  }

  private finish(call: Call): void {
    const { subscriber, withheld } = this;
    const { outcome, payload } = call;
    this.letGo(call);
    if (outcome !== Outcome.SUCCESS) subscriber.error(payload);
    else {
      if (withheld) subscriber.next(payload);
      subscriber.complete();
    }
    this.tearDown();
  }

  /** The call is over. */
  private letGo(call: Call): void {
    this.call = undefined;
    this.pipeline.finish(call);
    this.pipeline.pool.recycle(call);
  }
}
