/** An answer of Node: Express has it as it is, Fastify in `raw`. */
interface RawResponse {
  readonly writableFinished: boolean;
  once(event: 'close', listener: () => void): unknown;
  off(event: 'close', listener: () => void): unknown;
}

function rawOf(response: object): RawResponse | undefined {
  const raw = (response as { raw?: object }).raw ?? response;
  return 'once' in raw && 'writableFinished' in raw ? (raw as RawResponse) : undefined;
}

/** Hears of a client that goes before its answer is sent; gives what takes it back. */
export function whenGone(response: object, left: () => void): () => void {
  return whenClosed(response, (isSent) => {
    if (!isSent) left();
  });
}

/** Hears of the end of an answer, sent or not; gives what takes it back. */
export function whenClosed(response: object, closed: (isSent: boolean) => void): () => void {
  const raw = rawOf(response);
  const listener = (): void => closed(raw?.writableFinished === true);
  raw?.once('close', listener);
  return () => void raw?.off('close', listener);
}
