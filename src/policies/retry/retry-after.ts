import { lookAfter } from '../../engine/drivers/promises.js';

/**
 * The least delay that an error asks for, in milliseconds: its `retryAfterMs`, or the `Retry-After` header of its
 * response, in seconds or as a date (RFC 9110, section 10.2.3).
 */
export function retryAfterOf(error: unknown, wallTime: () => number): number | undefined {
  try {
    return readRetryAfter(error, wallTime);
  } catch {
    return undefined; // an error, or headers, that cannot be read ask for nothing
  }
}

function readRetryAfter(error: unknown, wallTime: () => number): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { retryAfterMs, response } = error as { retryAfterMs?: unknown; response?: unknown };
  if (typeof retryAfterMs === 'number') return retryAfterMs >= 0 ? retryAfterMs : undefined;
  if (typeof response !== 'object' || response === null) return undefined;
  return parseRetryAfter(headerOf((response as { headers?: unknown }).headers), wallTime);
}

/** `120` (seconds) or `Fri, 31 Dec 1999 23:59:59 GMT`; undefined for anything else. A date that has passed is 0. */
export function parseRetryAfter(header: unknown, wallTime: () => number): number | undefined {
  const value = Array.isArray(header) ? (header as unknown[])[0] : header;
  if (typeof value === 'number') return value >= 0 ? value * 1000 : undefined;
  if (typeof value !== 'string') return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(value)) return Number(value) * 1000;
  const date = /[a-z]/i.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - wallTime());
}

/** From `Headers` of fetch, `AxiosHeaders`, or a plain object with names in any case. */
function headerOf(headers: unknown): unknown {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const { get } = headers as { get?: unknown };
  if (typeof get === 'function') {
    const value: unknown = get.call(headers, 'retry-after');
    // Headers that answer later: their promise says nothing now, and its rejection is nobody else's.
    lookAfter(value, () => undefined);
    return value;
  }
  const entry = Object.entries(headers).find(([name]) => name.toLowerCase() === 'retry-after');
  return entry?.[1];
}
