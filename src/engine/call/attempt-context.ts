/** What the pipeline tells a protected method about the attempt it is in. */
export class AttemptContext {
  private controller: AbortController | undefined;
  private abandoned: { readonly reason: unknown } | undefined;

  /** @internal */
  constructor(
    /** Which try this is, from 1 on. */
    readonly attempt: number,
    /** Why the try before failed; undefined in the first one. */
    readonly previousError: unknown,
    /** What is protected: `PaymentsClient.charge`. */
    readonly operationId: string,
    /** When the attempt times out, as a reading of the clock (`performance.now()`); undefined where nothing bounds it. */
    readonly deadline: number | undefined,
    private readonly startedAt: number,
    private readonly clock: { now(): number },
  ) {}

  /**
   * Aborts when the attempt is given up: on a timeout, when the caller aborts, when an Observable is unsubscribed.
   * Never because it succeeded, so a response's body can still be read with it. Made when first read.
   */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.abandoned !== undefined) this.controller.abort(this.abandoned.reason);
    }
    return this.controller.signal;
  }

  /** Milliseconds since the operation began, waits and earlier attempts included. */
  elapsed(): number {
    return this.clock.now() - this.startedAt;
  }

  /** @internal Called by the pipeline. */
  abandon(reason: unknown): void {
    this.abandoned = { reason };
    this.controller?.abort(reason);
  }
}
