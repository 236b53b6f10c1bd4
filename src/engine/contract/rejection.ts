import type { ErrorDetails, ResilienceError } from '../error.js';

/**
 * Why an attempt was not let pass: what its error will say, in a few fields. Making an error costs more than all the rest of a
 * rejection, and where a fallback answers nobody looks at it; so it is made for the first one who does. A rejection of this kind
 * never blames the request.
 */
export abstract class Rejection implements ErrorDetails {
  private made: ResilienceError | undefined;

  constructor(
    readonly operationId: string | undefined,
    readonly policyName: string,
    readonly withStack: boolean,
    readonly retryAfterMs?: number,
  ) {}

  /** Whether trying again can help, as its error says it. */
  abstract readonly isRetryable: boolean;

  /** The same one for all who ask. */
  get error(): ResilienceError {
    return (this.made ??= this.toError());
  }

  protected abstract toError(): ResilienceError;
}
