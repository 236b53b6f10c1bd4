/** A call as a tracer sees it. */
export interface TracedCall {
  readonly operationId: string;
  /** Which try this is, from 1 on. */
  readonly attempt: number;
  /** At the end of the call: its value, or its error. */
  readonly payload: unknown;
  /** What the tracer remembers of it. */
  trace: unknown;
}

/** How a call ended. */
export type CallOutcome = 'succeeded' | 'failed' | 'aborted';

/** What a layer may do to a call. */
type LayerDoing = 'rejections' | 'repeats' | 'answers' | 'timeouts';

/** Follows calls, e.g. to make spans of them. */
export interface CallTracer {
  began(call: TracedCall): void;
  /** Starts the method of the call, in whatever context the tracer wants. */
  invoke(call: TracedCall, start: () => unknown): unknown;
  /** Starts what answers in place of the method. */
  answer(call: TracedCall, start: () => unknown): unknown;
  /** A layer rejected the call, repeated it, answered for it, or gave it up. */
  counted(call: TracedCall, kind: string, what: LayerDoing): void;
  /** The call had to wait for a place or a permit. */
  waited(call: TracedCall): void;
  ended(call: TracedCall, outcome: CallOutcome): void;
}

/** Where a tracer that fails is reported. */
interface TracerHost {
  notify(callback: string, operationId: string | undefined, call: () => unknown): void;
}

/** How what a tracer was to start has ended. */
type Started = { readonly result: unknown } | { readonly error: unknown };

/** A tracer that harms no call: where it throws, that is reported, and the call goes on as if nobody traced it. */
export class GuardedTracer implements CallTracer {
  constructor(
    private readonly tracer: CallTracer,
    private readonly host: TracerHost,
  ) {}

  began(call: TracedCall): void {
    this.tell(call, () => this.tracer.began(call));
  }

  invoke(call: TracedCall, start: () => unknown): unknown {
    return this.around(call, start, (started) => this.tracer.invoke(call, started));
  }

  answer(call: TracedCall, start: () => unknown): unknown {
    return this.around(call, start, (started) => this.tracer.answer(call, started));
  }

  counted(call: TracedCall, kind: string, what: LayerDoing): void {
    this.tell(call, () => this.tracer.counted(call, kind, what));
  }

  waited(call: TracedCall): void {
    this.tell(call, () => this.tracer.waited(call));
  }

  ended(call: TracedCall, outcome: CallOutcome): void {
    this.tell(call, () => this.tracer.ended(call, outcome));
  }

  /** What was started ends as it did, and is started once, whatever the tracer does before or after. */
  private around(call: TracedCall, start: () => unknown, trace: (start: () => unknown) => unknown): unknown {
    let started: Started | undefined;
    const once = (): unknown => {
      try {
        started ??= { result: start() };
      } catch (error) {
        started = { error };
      }
      if ('error' in started) throw started.error;
      return started.result;
    };
    try {
      return trace(once);
    } catch (error) {
      if (started === undefined || !('error' in started) || started.error !== error)
        this.tell(call, () => {
          throw error;
        });
      return once();
    }
  }

  private tell({ operationId }: TracedCall, call: () => unknown): void {
    this.host.notify('the tracer', operationId, call);
  }
}
