import { Subscriber } from 'rxjs';
import type { Step } from '../pipeline/walk.js';

/** How what was started ended; or what is next, where the pipeline has been told already. */
export type Ending = { readonly failed: boolean; readonly payload: unknown } | { readonly next: Step };

/** Who subscribed to the source. */
export interface SourceListener {
  next(attempt: SourceSubscriber, value: unknown): void;
  ended(attempt: SourceSubscriber, ending: Ending): void;
  teardownFailed(error: unknown): void;
}

/** Hears the source of one attempt. A subscriber of its own saves what RxJS puts around a plain observer. */
export class SourceSubscriber extends Subscriber<unknown> {
  /** How it ended. While `subscribe` still runs that is only noted. */
  ending: Ending | undefined;
  private latest: unknown;
  /** Values that came while the first one is judged, or while what came then is passed on. */
  private meanwhile: unknown[] | undefined;

  constructor(
    /** Who hears of it just now. */
    public listener: SourceListener,
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

  /** What comes from now on waits for the verdict on the first value. */
  hold(): void {
    this.meanwhile = [];
  }

  /** The first value was not taken, and what came meanwhile goes with it. */
  drop(ending: Ending): void {
    this.meanwhile = undefined;
    this.ending = ending;
    this.stop();
  }

  /** The first value was taken: it is passed on with what came meanwhile, and then the end that came meanwhile is told. */
  release(first: unknown, to: Subscriber<unknown>): void {
    // What the source gives while the caller takes these waits its turn too: the loop sees what is added to the list.
    const values = (this.meanwhile ??= []);
    values.unshift(first);
    for (const value of values) this.passOn(value, to);
    this.meanwhile = undefined;
    if (this.ending !== undefined) this.tellEnd(this.ending);
  }

  passOn(value: unknown, to: Subscriber<unknown>): void {
    this.latest = value;
    to.next(value);
  }

  protected override _next(value: unknown): void {
    if (this.meanwhile === undefined) this.listener.next(this, value);
    else this.meanwhile.push(value);
  }

  protected override _error(error: unknown): void {
    this.end({ failed: true, payload: error });
  }

  protected override _complete(): void {
    this.end({ failed: false, payload: this.latest });
  }

  private end(ending: Ending): void {
    if (this.ending !== undefined) return;
    this.ending = ending;
    if (this.meanwhile === undefined) this.listener.ended(this, ending);
  }

  private tellEnd(ending: Ending): void {
    if ('failed' in ending && !ending.failed) this.ending = { failed: false, payload: this.latest };
    this.listener.ended(this, this.ending ?? ending);
  }
}
