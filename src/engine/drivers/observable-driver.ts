import { isObservable, Observable, Subscriber, type Unsubscribable } from 'rxjs';
import { Rest, type Call, type CallDriver, type Method } from '../call.js';
import type { Pipeline, Step } from '../pipeline.js';
import { isThenable } from './promises.js';
import { deferred } from '../waiting/waiter.js';
import { Outcome, type Answer } from '../strategy.js';

/** What a driver for Observables needs to know of an operation. */
export interface ObservableOperation {
  readonly pipeline: Pipeline;
  /** Makes the error for a method that gives something else than an Observable. */
  readonly plainValue: (value: unknown) => Error;
  /** Whether time limits end with that first value. */
  readonly endsLimits?: ((first: unknown) => boolean) | undefined;
}

/**
 * The protected form of a method that gives an Observable: each subscription is a call, each attempt calls the method
 * anew and subscribes to what it gives. An attempt ends when the source completes or fails; once a value was passed
 * on, nothing is tried again. Unsubscribing is the caller's abort.
 */
export function observe(
  operation: ObservableOperation,
  target: unknown,
  method: Method,
  args: readonly unknown[],
  signal?: AbortSignal,
): Observable<unknown> {
  return new Observable((subscriber) => {
    const run = new ObservableRun(operation, subscriber);
    // Before the start: a caller may have enough while a source still gives its values in one turn.
    subscriber.add(run);
    run.start(target, method, args, signal);
  });
}

/** How what was started ended. */
interface Ending {
  readonly failed: boolean;
  readonly payload: unknown;
  /** The pipeline has been told already. */
  readonly heard?: boolean;
}

class ObservableRun implements CallDriver, Unsubscribable {
  private readonly call: Call;
  private readonly pipeline: Pipeline;
  private source: SourceSubscriber | undefined;
  /** While `subscribe` is still running, the end of a source is only noted, so that retries do not nest. */
  private subscribing = false;
  private endedAtOnce: Ending | undefined;
  latest: unknown;
  /** The value of the outcome has not been passed on yet. */
  private withheld = false;
  /** The call is over, and a fallback's Observable still gives values. */
  private streaming = false;
  private over = false;

  constructor(
    private readonly operation: ObservableOperation,
    private readonly subscriber: Subscriber<unknown>,
  ) {
    this.pipeline = operation.pipeline;
    this.call = this.pipeline.take(this);
  }

  start(target: unknown, method: Method, args: readonly unknown[], signal: AbortSignal | undefined): void {
    this.call.receive(args.length, args[0], args[1], args);
    this.pipeline.begin(this.call, target, method, signal);
    this.advance();
  }

  /** A wait is over. */
  fulfilled(): void {
    this.hear(false, undefined);
  }

  rejected(): void {
    this.hear(true, undefined);
  }

  /** The caller has enough, or has been told all. */
  unsubscribe(): void {
    if (this.over) this.source?.unsubscribe();
    else {
      this.call.interrupt(-1, Outcome.ABORT, undefined);
      this.cut(this.source);
    }
  }

  /** Takes the call as far as it gets without waiting. */
  private advance(from?: Step): void {
    for (let step = from ?? this.pipeline.step(this.call); ; step = this.pipeline.step(this.call)) {
      if (step === 'done') return this.finish();
      if (typeof step !== 'string') {
        void step.then(this.call.onFulfilled);
        return;
      }
      this.withheld = false;
      const ended = this.attempt(step);
      if (ended === undefined) return;
      if (ended.heard !== true && this.tell(ended.failed, ended.payload)) return;
    }
  }

  /** Tells the pipeline how what the call rested on has ended; true where that was the end of the call. */
  private tell(failed: boolean, payload: unknown): boolean {
    const { call, pipeline } = this;
    if (failed || call.rest !== Rest.METHOD || call.interruption !== undefined) {
      pipeline.hear(call, failed, payload);
      return false;
    }
    const step = pipeline.succeed(call, payload);
    if (step === undefined) this.close();
    else this.advance(step);
    return true;
  }

  /** Starts the method or an answer; gives its end where it came at once. */
  private attempt(step: 'invoke' | 'answer'): Ending | undefined {
    let result: unknown;
    try {
      result = step === 'invoke' ? this.pipeline.invoke(this.call) : this.call.produceAnswer();
    } catch (error) {
      return { failed: true, payload: error };
    }
    if (isObservable(result)) return this.listen(result, step === 'answer');
    if (step === 'invoke') return { failed: true, payload: this.operation.plainValue(result) };
    if (!isThenable(result)) return this.withhold(result);
    const { answer } = this.call;
    this.whenCutOff(() => this.call.interruption !== undefined && this.hear(true, undefined));
    result.then(
      (value) => this.settled(answer, () => this.withhold(value)),
      (error: unknown) => this.settled(answer, () => ({ failed: true, payload: error })),
    );
    return undefined;
  }

  /** A fallback's promise has settled; nobody is interested any more where the call has been cut off meanwhile. */
  private settled(answer: Answer | undefined, end: () => Ending): void {
    if (this.over || this.call.answer !== answer) return;
    const { failed, payload } = end();
    this.hear(failed, payload);
  }

  private withhold(value: unknown): Ending {
    this.withheld = true;
    return { failed: false, payload: value };
  }

  private listen(source: Observable<unknown>, isAnswer: boolean): Ending | undefined {
    this.latest = undefined;
    this.endedAtOnce = undefined;
    const attempt = new SourceSubscriber(this, isAnswer);
    this.source = attempt;
    this.whenCutOff(() => this.cut(attempt));
    this.subscribing = true;
    source.subscribe(attempt);
    this.subscribing = false;
    return this.endedAtOnce;
  }

  /** The source gives a value. */
  next(value: unknown, isAnswer: boolean): void {
    if (this.endedAtOnce !== undefined) return;
    if (!this.call.committed && !this.streaming) {
      if (isAnswer) return this.firstOfAnswer(value);
      if (this.pipeline.rejects(value)) {
        this.source?.unsubscribe();
        this.withheld = true;
        this.ended(false, value);
        return;
      }
      this.call.committed = true;
      if (this.operation.endsLimits?.(value) === true) this.call.unlimitAll();
    }
    this.latest = value;
    this.subscriber.next(value);
  }

  /** The first value decides whether a fallback's answer is taken; what follows is passed on as it comes. */
  private firstOfAnswer(value: unknown): void {
    this.pipeline.hear(this.call, false, value);
    if (this.call.answer === undefined && this.call.outcome === Outcome.SUCCESS) {
      this.streaming = this.call.committed = true;
      this.advance();
      this.subscriber.next(value);
      return;
    }
    this.source?.unsubscribe();
    if (this.subscribing) this.endedAtOnce = { failed: false, payload: value, heard: true };
    else this.advance();
  }

  /** The source failed, or is complete (with its latest value). */
  ended(failed: boolean, payload: unknown): void {
    if (this.endedAtOnce !== undefined) return;
    if (this.streaming) {
      if (failed) this.subscriber.error(payload);
      else this.subscriber.complete();
    } else if (this.subscribing) this.endedAtOnce = { failed, payload };
    else this.hear(failed, payload);
  }

  /** A time limit passes in the async context of whoever set the shared timer first: a promise leads back to that of this call. */
  private whenCutOff(cut: () => void): void {
    if (!this.pipeline.limited) {
      this.call.wake = cut;
      return;
    }
    const { promise, resolve } = deferred();
    void promise.then(cut);
    this.call.wake = resolve;
  }

  /** The call was cut off while it listened to that attempt. */
  private cut(attempt: SourceSubscriber | undefined): void {
    if (attempt === undefined || this.source !== attempt || this.over) return;
    attempt.unsubscribe();
    this.hear(true, undefined);
  }

  private hear(failed: boolean, payload: unknown): void {
    if (this.over) return;
    this.source = undefined;
    if (!this.tell(failed, payload)) this.advance();
  }

  private finish(): void {
    this.pipeline.finish(this.call);
    this.close();
  }

  private close(): void {
    const { outcome, payload } = this.call;
    this.over = true;
    this.pipeline.recycle(this.call);
    if (this.streaming || this.subscriber.closed) return;
    if (outcome !== Outcome.SUCCESS) this.subscriber.error(payload);
    else {
      if (this.withheld) this.subscriber.next(payload);
      this.subscriber.complete();
    }
  }
}

/** Hears a source. A subscriber of its own saves what RxJS puts around a plain observer. */
class SourceSubscriber extends Subscriber<unknown> {
  constructor(
    private readonly run: ObservableRun,
    private readonly isAnswer: boolean,
  ) {
    super();
  }

  protected override _next(value: unknown): void {
    this.run.next(value, this.isAnswer);
  }

  protected override _error(error: unknown): void {
    this.run.ended(true, error);
    this.unsubscribe();
  }

  protected override _complete(): void {
    this.run.ended(false, this.run.latest);
    this.unsubscribe();
  }
}
