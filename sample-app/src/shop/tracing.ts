import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace-base';

/** Spans that wait for the end of their call; a call that is lost must not keep them. */
const MOST_SPANS = 10_000;

/** Tells the first call that was tried twice more and then succeeded. A real shop would export all spans instead. */
class FirstRetriedCall implements SpanProcessor {
  private attempts: ReadableSpan[] = [];
  private isTold = false;

  constructor(private readonly tell: (text: string) => void) {}

  onStart(): void {
    // Only what has ended is told.
  }

  onEnd(span: ReadableSpan): void {
    if (this.isTold) return;
    if (span.attributes['resilience.attempts'] === undefined) {
      this.attempts.push(span);
      if (this.attempts.length > MOST_SPANS) this.attempts.shift();
      return;
    }
    const traceId = span.spanContext().traceId;
    const own = this.attempts.filter((attempt) => attempt.spanContext().traceId === traceId);
    this.attempts = this.attempts.filter((attempt) => !own.includes(attempt));
    if (span.attributes['resilience.attempts'] !== 3 || own.length !== 3) return;
    this.isTold = true;
    this.attempts = [];
    this.tell([line('', span, span), ...own.map((attempt, index) => line(index === 2 ? '└─ ' : '├─ ', attempt, span))].join('\n'));
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** Sets tracing up; to be called before the application is made. */
export function startTracing(tell: (text: string) => void): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new FirstRetriedCall(tell)] }));
}

function milliseconds([seconds, nanoseconds]: [number, number]): number {
  return seconds * 1000 + nanoseconds / 1e6;
}

/** A span as a line: when it began after its call, how long it took, how it ended. */
function line(branch: string, span: ReadableSpan, root: ReadableSpan): string {
  const after = milliseconds(span.startTime) - milliseconds(root.startTime);
  const ended = span.status.code === SpanStatusCode.ERROR ? `failed: ${span.status.message ?? ''}` : 'ok';
  const events = span.events.filter(({ name }) => name !== 'exception').map(({ name }) => name);
  const shown = events.length === 0 ? '' : ` (${events.join(', ')})`;
  // An attempt is named after its call, which stands above it.
  const name = span === root ? span.name : span.name.replace(`${root.name} `, '');
  const text = `${`${branch}${name}`.padEnd(22)} +${after.toFixed(0).padStart(4)} ms ${milliseconds(span.duration).toFixed(0).padStart(5)} ms  ${ended}${shown}`;
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`;
}
