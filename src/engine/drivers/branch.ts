import { isObservable, type Observable } from 'rxjs';
import { Attachments } from '../call/attachments.js';
import { Branch, shutDown, type BranchOptions } from '../call/branch.js';
import type { Call } from '../call/call.js';
import { Outcome, type Settlement } from '../contract/outcome.js';
import type { Step, Walk } from '../pipeline/walk.js';
import { asPromise, ignoreEnd, interruptible, isThenable } from './promises.js';

/**
 * Begins another attempt inside of a layer, beside that of a call, on a record of its own. It starts a microtask later in the
 * async context of whoever begins it, so that the strategy has it in its hands before it hears of its end.
 */
export function startBranch(pipeline: Walk, parent: Call, layer: number, options: BranchOptions): Branch {
  const call = pipeline.pool.take(undefined);
  const branch = new Branch(layer, options, call);
  branchOff(call, parent, branch);
  const run = new BranchRun(pipeline, call, branch, branch.isDetached ? undefined : parent);
  const { environment, operationId } = pipeline;
  void run.run().catch((error: unknown) => environment.callbackFailed('a branch', operationId, error));
  return branch;
}

/** Makes it the record of a branch of another call, whose record it never refers to. */
function branchOff(call: Call, parent: Call, branch: Branch): void {
  call.copyArguments(parent);
  call.target = parent.target;
  call.method = parent.method;
  call.startedAt = parent.startedAt;
  call.attempt = parent.attempt;
  call.previousError = parent.previousError;
  call.trace = parent.trace;
  call.cursor = call.floor = branch.layer + 1;
  call.dirty = true;
  call.attachments = new Attachments();
  call.attachments.facts = parent.facts;
  call.attachments.branch = branch;
  if (!branch.isDetached) branch.deadline = parent.deadlineBefore(branch.layer);
}

/** Drives the record of a branch: it counts attempts and never calls, and tells no layer outside of its own. */
class BranchRun {
  /** Ends the source of an Observable whose attempt was cut off. */
  private tearDown: (() => void) | undefined;

  constructor(
    private readonly pipeline: Walk,
    private readonly call: Call,
    private readonly branch: Branch,
    private readonly parent: Call | undefined,
  ) {}

  async run(): Promise<void> {
    const { pipeline, call, branch } = this;
    const ended = branch.isDetached ? this.endAtShutdown() : undefined;
    await Promise.resolve();
    for (let step = pipeline.step(call); step !== 'done'; step = pipeline.step(call)) {
      const pending = typeof step === 'string' ? this.perform(step) : step;
      if (pending === undefined) continue;
      let failed = false;
      let payload: unknown;
      try {
        payload = await pending;
      } catch (error) {
        failed = true;
        payload = error;
      }
      if (call.interruption !== undefined) this.tearDown?.();
      this.tearDown = undefined;
      pipeline.settled(call, failed, payload);
    }
    ended?.();
    this.end();
  }

  /** A drain waits for it, for as long as it lasts; one that begins later than that ends at once. Gives what ends that. */
  private endAtShutdown(): () => void {
    const { pipeline, call, branch } = this;
    const { shutdown } = pipeline.environment;
    const end = (): void => call.interrupt(branch.layer, Outcome.ABORT, shutDown());
    if (shutdown.isDraining) end();
    return shutdown.registerWaiter((at) => at === undefined && end());
  }

  /** Starts the method or a substitute; gives what to wait for, or nothing where it ended at once. */
  private perform(step: Exclude<Step, object>): Promise<unknown> | undefined {
    const { pipeline, call } = this;
    let failed = false;
    let payload: unknown;
    let pending: Promise<unknown> | undefined;
    try {
      if (step === 'invoke') pipeline.counts.branchAttempts++;
      payload = step === 'invoke' ? pipeline.invoke(call) : call.produceSubstitute();
      if (isObservable(payload)) pending = this.onlyValueOf(payload);
      else if (isThenable(payload)) pending = asPromise(payload);
    } catch (error) {
      failed = true;
      payload = error;
    }
    if (pending !== undefined) {
      if (step === 'invoke') call.running = pending;
      if (call.interruption === undefined) {
        const { promise, reject } = interruptible(pending);
        call.wake = reject;
        return promise;
      }
      this.tearDown?.();
      ignoreEnd(pending);
    }
    pipeline.settled(call, failed, payload);
    return undefined;
  }

  /** A branch answers for several callers, or for one that may get another answer: one value can be given, a stream cannot. */
  private onlyValueOf(source: Observable<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const values: unknown[] = [];
      const subscription = source.subscribe({
        next: (value) => {
          if (values.push(value) > 1) reject(new TypeError(`${this.call.operationId}: an attempt that is shared must give one value`));
        },
        error: reject,
        complete: () => resolve(values[0]),
      });
      this.tearDown = () => {
        subscription.unsubscribe();
        reject(new Error('unsubscribed'));
      };
    });
  }

  private end(): void {
    const { pipeline, call, branch, parent } = this;
    const { outcome, payload, served } = call;
    const settlement: Settlement = { outcome, payload, served };
    const isHeard = !branch.isOver && (parent === undefined || parent.isInside(branch.layer));
    branch.ended();
    const strategy = pipeline.layers[branch.layer]!;
    try {
      if (isHeard) strategy.branchEnded?.(parent ?? call, branch.layer, branch, settlement);
    } catch (error) {
      pipeline.environment.callbackFailed(strategy.kind, pipeline.operationId, error);
    }
    pipeline.pool.recycle(call);
  }
}
