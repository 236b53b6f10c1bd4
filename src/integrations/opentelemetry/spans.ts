import { context, SpanStatusCode, trace, type Context, type Link, type Span, type Tracer } from '@opentelemetry/api';
import { isObservable, Observable } from 'rxjs';
import { isThenable } from '../../engine/drivers/promises.js';
import { errorClassOf } from '../../engine/telemetry/call-observer.js';
import type { CallOutcome, CallTracer, TracedCall } from '../../engine/telemetry/tracer.js';

/** How a layer's doing is called in a span: as the event of the same thing is. */
const WORDS = { rejections: 'rejected', repeats: 'scheduled', answers: 'served', timeouts: 'exceeded' } as const;

/** A span that is ended once, by whoever comes first. */
class Attempt {
  private open = true;

  constructor(readonly span: Span) {}

  end(error?: { readonly reason: unknown }): void {
    if (!this.open) return;
    this.open = false;
    if (error !== undefined) markFailed(this.span, error.reason);
    this.span.end();
  }
}

/** What is remembered of a call. */
interface Trace {
  readonly span: Span;
  /** In which attempts and fallbacks run. */
  readonly within: Context;
  /** Who called. */
  readonly caller: Context;
  attempt: Attempt | undefined;
  waited: boolean;
}

/**
 * A span for each call of a protected operation, in whose context attempts and fallbacks run, whoever woke the call; one for each
 * attempt where that is wanted.
 */
export class SpanTracer implements CallTracer {
  constructor(
    private readonly tracer: Tracer,
    private readonly everyAttempt: boolean,
  ) {}

  began(call: TracedCall): void {
    const caller = context.active();
    const span = this.tracer.startSpan(call.operationId, { attributes: { 'resilience.operation': call.operationId } }, caller);
    call.trace = { span, within: trace.setSpan(caller, span), caller, attempt: undefined, waited: false } satisfies Trace;
  }

  invoke(call: TracedCall, start: () => unknown): unknown {
    const known = call.trace as Trace | undefined;
    if (known === undefined) return start();
    if (!this.everyAttempt) return inContext(known.within, start);
    const attempt = this.newAttempt(call, known);
    try {
      const result = inContext(trace.setSpan(known.within, attempt.span), start);
      if (isObservable(result)) return ending(result, attempt);
      if (isThenable(result)) {
        result.then(
          () => attempt.end(),
          (reason: unknown) => attempt.end({ reason }),
        );
      } else attempt.end();
      return result;
    } catch (reason) {
      attempt.end({ reason });
      throw reason;
    }
  }

  answer(call: TracedCall, start: () => unknown): unknown {
    const known = call.trace as Trace | undefined;
    return known === undefined ? start() : inContext(known.within, start);
  }

  counted(call: TracedCall, kind: string, what: keyof typeof WORDS): void {
    const known = call.trace as Trace | undefined;
    const group = kind.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    known?.span.addEvent(`${group}.${WORDS[what]}`, { 'resilience.attempt': call.attempt });
    if (what === 'timeouts') known?.attempt?.end({ reason: call.payload });
  }

  waited(call: TracedCall): void {
    const known = call.trace as Trace | undefined;
    if (known !== undefined) known.waited = true;
  }

  ended(call: TracedCall, outcome: CallOutcome): void {
    const known = call.trace as Trace | undefined;
    if (known === undefined) return;
    const { span } = known;
    const succeeded = outcome === 'succeeded';
    known.attempt?.end(succeeded ? undefined : { reason: call.payload });
    span.setAttribute('resilience.attempts', call.attempt);
    span.setAttribute('resilience.outcome', outcome);
    if (!succeeded) markFailed(span, call.payload);
    span.end();
  }

  /** An attempt that follows another one, or that was held up, says so by a link. */
  private newAttempt(call: TracedCall, known: Trace): Attempt {
    const links: Link[] = [];
    if (known.attempt !== undefined) {
      links.push({ context: known.attempt.span.spanContext(), attributes: { 'resilience.link': 'previous attempt' } });
      known.attempt.end();
    }
    const caller = known.waited ? trace.getSpanContext(known.caller) : undefined;
    if (caller !== undefined) links.push({ context: caller, attributes: { 'resilience.link': 'queued by' } });
    known.waited = false;
    const attributes = { 'resilience.operation': call.operationId, 'resilience.attempt': call.attempt };
    const span = this.tracer.startSpan(`${call.operationId} attempt ${call.attempt}`, { attributes, links }, known.within);
    known.attempt = new Attempt(span);
    return known.attempt;
  }
}

/** Starts something in a context; an Observable works when somebody subscribes, so that is where it must be. */
function inContext(within: Context, start: () => unknown): unknown {
  const result = context.with(within, start);
  if (!isObservable(result)) return result;
  return new Observable((subscriber) => context.with(within, () => result.subscribe(subscriber)));
}

function ending(source: Observable<unknown>, attempt: Attempt): Observable<unknown> {
  return new Observable((subscriber) => {
    subscriber.add(() => attempt.end());
    return source.subscribe({
      next: (value) => subscriber.next(value),
      error: (reason: unknown) => {
        attempt.end({ reason });
        subscriber.error(reason);
      },
      complete: () => subscriber.complete(),
    });
  });
}

function markFailed(span: Span, reason: unknown): void {
  const message = reason instanceof Error ? reason.message : undefined;
  span.setAttribute('error.type', errorClassOf(reason));
  span.setStatus({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) });
  if (reason instanceof Error) span.recordException(reason);
}
