import { isObservable } from 'rxjs';
import { WaitingFor, type Call, type CallDriver, type Method } from '../call/call.js';
import type { Pipeline } from '../pipeline/pipeline.js';
import type { Move, Step } from '../pipeline/walk.js';
import { rollBack } from '../pipeline/cut-off.js';
import { AnswerLink } from './answer-link.js';
import { asPromise, ignoreEnd, interruptible, isThenable, rejectSoon } from './promises.js';
import { Outcome } from '../contract/outcome.js';

/**
 * Drives calls of one pipeline that give promises. A call that is admitted at once and answered by its first attempt
 * costs one promise beside the method's own; a time limit adds one more. Whatever takes longer goes on in `drive`.
 */
export class PromiseDriver implements CallDriver {
  /** @param plainValue Makes the error for a method that gives a plain value where only promises are allowed. */
  constructor(
    readonly pipeline: Pipeline,
    private readonly plainValue: ((value: unknown) => Error) | undefined,
  ) {}

  /** A record with the arguments of a call: as they are where they are few, else in a list. */
  take(given: number, first: unknown, second: unknown, list: readonly unknown[] | undefined): Call {
    const call = this.pipeline.pool.take(this);
    call.receive(given, first, second, list);
    return call;
  }

  /** Starts a call. Few functions stand between the caller and the method: they are in the stack of what it throws at once. */
  start(call: Call, target: unknown, method: Method, signal: AbortSignal | undefined): Promise<unknown> {
    const { pipeline } = this;
    pipeline.begin(call, target, method, signal);
    const move = call.inward ? pipeline.enter(call) : 'walk';
    if (move !== 'invoke') return this.startElsewhere(call, move);
    const pending = this.invoke(call);
    if (pending === undefined) return this.toPromise(call, this.advance(call));
    return pipeline.expectsRepeats ? this.linked(call, pending) : pending.then(call.onFulfilled, call.onRejected);
  }

  /** The call before took several attempts, so this one may do so too: it is ready for it. */
  private linked(call: Call, pending: Promise<unknown>): Promise<unknown> {
    const link = new AnswerLink();
    const promise = link.open();
    call.dirty = true;
    call.link = link;
    link.tie(pending.then(call.onFulfilled, call.onRejected));
    return promise;
  }

  /** The call begins with a wait or a rejection. */
  private startElsewhere(call: Call, move: Move): Promise<unknown> {
    return this.toPromise(call, (move === 'walk' ? undefined : this.perform(call, move)) ?? this.advance(call));
  }

  /** What the caller gets: what follows the promise that the call rests on, or its end. */
  private toPromise(call: Call, pending: Promise<unknown> | undefined): Promise<unknown> {
    if (pending !== undefined) return pending.then(call.onFulfilled, call.onRejected);
    const { outcome, payload } = call;
    this.end(call);
    return outcome === Outcome.SUCCESS ? Promise.resolve(payload) : rejectSoon(payload);
  }

  /** Takes the call as far as it gets without waiting: gives what to wait for, or nothing at its end. */
  private advance(call: Call): Promise<unknown> | undefined {
    for (;;) {
      const step = this.pipeline.step(call);
      if (step === 'done') return undefined;
      const pending = this.perform(call, step);
      if (pending !== undefined) return pending;
    }
  }

  private perform(call: Call, step: Step): Promise<unknown> | undefined {
    if (step === 'invoke') return this.invoke(call);
    if (step === 'answer') return this.answer(call);
    return step === 'done' ? undefined : step;
  }

  /** By a time limit, or by the caller's signal. */
  private canBeCutOff(call: Call): boolean {
    return this.pipeline.limited || call.signal !== undefined;
  }

  /** What the call rests on, so that it can be cut off. */
  private interruptible(call: Call, pending: Promise<unknown>): Promise<unknown> {
    if (!this.canBeCutOff(call)) return pending;
    const { promise, reject } = interruptible(pending);
    call.wake = reject;
    return promise;
  }

  /**
   * Runs a call of a method of which nobody knows whether it gives promises or Observables. Where it gives an
   * Observable, that is returned and the call is taken back as if it had never been.
   */
  runDetecting(target: unknown, method: Method, args: readonly unknown[], signal: AbortSignal): unknown {
    let source: unknown;
    const watched = function (this: unknown, ...given: never[]): unknown {
      const result = method.apply(this, given);
      if (source === undefined && isObservable(result)) source = result;
      return result;
    };
    const call = this.take(args.length, args[0], args[1], args);
    this.pipeline.begin(call, target, watched, signal);
    for (;;) {
      const step = this.pipeline.step(call);
      const pending = step === 'invoke' ? this.invoke(call, () => source !== undefined) : this.perform(call, step);
      if (source !== undefined) {
        rollBack(this.pipeline, call);
        this.pipeline.pool.recycle(call);
        return source;
      }
      if (pending !== undefined || step === 'done') return this.toPromise(call, pending);
    }
  }

  /** @param isForeign Where it says so, the result is none of this driver's business. */
  private invoke(call: Call, isForeign?: () => boolean): Promise<unknown> | undefined {
    let result: unknown;
    let running: Promise<unknown> | undefined;
    try {
      result = this.pipeline.invoke(call);
      if (isForeign !== undefined && isForeign()) return undefined;
      if (isThenable(result)) running = asPromise(result);
    } catch (error) {
      this.pipeline.settled(call, true, error);
      return undefined;
    }
    if (running === undefined) return this.plain(call, result);
    return this.canBeCutOff(call) ? this.running(call, running) : running;
  }

  private running(call: Call, running: Promise<unknown>): Promise<unknown> | undefined {
    call.running = running;
    if (call.interruption === undefined) return this.interruptible(call, running);
    this.pipeline.settled(call, true, undefined); // cut off by what the method did before its first await
    return undefined;
  }

  /** The method gave no promise. */
  private plain(call: Call, result: unknown): undefined {
    if (this.plainValue === undefined) this.pipeline.settled(call, false, result);
    else this.pipeline.settled(call, true, this.plainValue(result));
  }

  private answer(call: Call): Promise<unknown> | undefined {
    let failed = false;
    let result: unknown;
    let pending: Promise<unknown> | undefined;
    try {
      result = call.produceSubstitute();
      if (isThenable(result)) pending = asPromise(result);
    } catch (error) {
      failed = true;
      result = error;
    }
    if (pending !== undefined) {
      if (call.interruption === undefined) return this.interruptible(call, pending);
      ignoreEnd(pending);
    }
    this.pipeline.settled(call, failed, result);
    return undefined;
  }

  /** The first promise of a call has its value: most often that of the method, and the end of the call. */
  fulfilled(call: Call, value: unknown): unknown {
    if (call.waitingFor !== WaitingFor.METHOD || call.interruption !== undefined) return this.settled(call, false, value);
    const step = this.pipeline.succeed(call, value);
    if (step !== 'done') return this.continueCall(call, step);
    if (call.dirty) return this.close(call);
    this.end(call); // as most calls do: with the value that is in hand
    return value;
  }

  /** The first promise of a call was rejected. */
  rejected(call: Call, error: unknown): unknown {
    return this.settled(call, true, error);
  }

  private settled(call: Call, failed: boolean, payload: unknown): unknown {
    this.pipeline.settled(call, failed, payload);
    return this.continueCall(call, this.pipeline.step(call));
  }

  private continueCall(call: Call, first: Step): unknown {
    const { link } = call;
    let step = first;
    while (step === 'answer' || step === 'invoke') {
      if (step === 'invoke' && link === undefined) return this.link(call);
      const pending = this.perform(call, step);
      if (pending !== undefined) {
        const handled = pending.then(call.onFulfilled, call.onRejected);
        return link === undefined ? handled : link.tie(handled);
      }
      step = this.pipeline.step(call);
    }
    return step === 'done' ? this.close(call) : this.drive(call, step);
  }

  /** Another attempt begins when the caller's promise is in hand. */
  private link(call: Call): AnswerLink {
    this.pipeline.expectsRepeats = true;
    // It may be cut off meanwhile, so the pipeline is asked again.
    return (call.link = new AnswerLink(() => this.continueCall(call, this.pipeline.step(call))));
  }

  /** The long way: waits, and attempts after them. `await` keeps the caller's frames in stack traces. */
  private async drive(call: Call, first: Step): Promise<unknown> {
    const { pipeline } = this;
    let step = first;
    for (; step !== 'done'; step = pipeline.step(call)) {
      const pending = step === 'invoke' ? this.invoke(call) : step === 'answer' ? this.answer(call) : step;
      if (pending === undefined) continue;
      let failed = false;
      let payload: unknown;
      try {
        payload = await pending;
      } catch (error) {
        failed = true;
        payload = error;
      }
      pipeline.settled(call, failed, payload);
    }
    return this.close(call);
  }

  private close(call: Call): unknown {
    const { outcome, payload, link } = call;
    this.end(call);
    if (outcome === Outcome.SUCCESS) return payload;
    if (link !== undefined) return link.fail(payload);
    throw payload;
  }

  private end(call: Call): void {
    this.pipeline.finish(call);
    this.pipeline.pool.recycle(call);
  }
}
