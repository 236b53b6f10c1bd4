import type { Subscriber } from 'rxjs';
import { offAbort, onAbort, reasonOf, type AbortListener } from '../waiting/abort-listeners.js';
import type { Ending, SourceListener, SourceSubscriber } from './source-subscriber.js';

/**
 * The first value of a fallback's Observable was taken, and its call is over: its other values and its end go to the caller as
 * they come, until the caller's signal aborts.
 */
export class AnswerStream implements SourceListener, AbortListener {
  constructor(
    private readonly subscriber: Subscriber<unknown>,
    private readonly source: SourceSubscriber,
    private readonly signal: AbortSignal | undefined,
    readonly teardownFailed: (error: unknown) => void,
  ) {
    if (signal === undefined) return;
    onAbort(signal, this);
    subscriber.add(() => offAbort(signal, this));
  }

  next(source: SourceSubscriber, value: unknown): void {
    source.passOn(value, this.subscriber);
  }

  ended(_source: SourceSubscriber, ending: Ending): void {
    if ('failed' in ending && ending.failed) this.subscriber.error(ending.payload);
    else this.subscriber.complete();
  }

  aborted(): void {
    this.source.stop();
    this.subscriber.error(reasonOf(this.signal!));
  }
}
