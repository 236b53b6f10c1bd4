import { Subscriber } from 'rxjs';
import type { Step } from '../pipeline/walk.js';

/** How what was started ended; or what is next, where the pipeline has been told already. */
export type Ending = { readonly failed: boolean; readonly payload: unknown } | { readonly next: Step };

/** Who subscribed to the source. */
export interface SourceListener {
  next(attempt: SourceSubscriber, value: unknown): void;
  ended(attempt: SourceSubscriber): void;
  teardownFailed(error: unknown): void;
}

/** Hears the source of one attempt. A subscriber of its own saves what RxJS puts around a plain observer. */
export class SourceSubscriber extends Subscriber<unknown> {
  /** How it ended. While `subscribe` still runs that is only noted. */
  ending: Ending | undefined;
  latest: unknown;
  /** Values that came while the first one is judged, or while what came then is passed on. */
  meanwhile: unknown[] | undefined;

  constructor(
    private readonly listener: SourceListener,
    /** It is a fallback's. */
    readonly isAnswer: boolean,
  ) {
    super();
  }

  /** Leaves the source. A teardown that throws is reported and harms nobody. */
  stop(): void {
    try {
      this.unsubscribe();
    } catch (error) {
      this.listener.teardownFailed(error);
    }
  }

  protected override _next(value: unknown): void {
    this.listener.next(this, value);
  }

  protected override _error(error: unknown): void {
    this.end({ failed: true, payload: error });
  }

  protected override _complete(): void {
    this.end({ failed: false, payload: this.latest });
  }

  /** Tells of the end that came while the first value was judged. */
  endLater(): void {
    const { ending } = this;
    if (ending === undefined) return;
    if ('failed' in ending && !ending.failed) this.ending = { failed: false, payload: this.latest };
    this.listener.ended(this);
  }

  private end(ending: Ending): void {
    if (this.ending !== undefined) return;
    this.ending = ending;
    this.listener.ended(this);
  }
}
