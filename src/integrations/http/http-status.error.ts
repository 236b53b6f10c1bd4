/** What is looked at of an answer: that of `fetch`, undici, or anything of that shape. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
}

/**
 * An answer that is an error to whoever protects the call. It has the answer, so that a retry finds `Retry-After` and a
 * breaker the status (400-499 but 408, 425 and 429 are no failures).
 */
export class HttpStatusError<Answer extends HttpAnswer = HttpAnswer> extends Error {
  override readonly name = 'HttpStatusError';
  readonly status: number;

  constructor(readonly response: Answer) {
    super(`the server answered ${response.status}`);
    this.status = response.status;
  }
}

/**
 * Gives an answer that is none of 5xx, 429, 408 and 425 as it is. `fetch` fulfils for every status, so without this a
 * breaker and a retry see nothing of an outage: `throwOnFailure(await fetch(url, { signal }))`.
 * @throws HttpStatusError
 */
export function throwOnFailure<Answer extends HttpAnswer>(answer: Answer): Answer {
  const { status } = answer;
  if (status >= 500 || status === 429 || status === 408 || status === 425) throw new HttpStatusError(answer);
  return answer;
}
