import { createHmac, timingSafeEqual } from 'node:crypto';
import { parseDuration, systemClock, type Clock, type Duration } from '../../../core.js';
import { wallTimeOf } from '../../../engine/clock.js';

/**
 * The header with the signature: `t=<seconds since 1970>,v1=<HMAC-SHA256 of "<t>.<body>" in hex>`, with a further `,v1=...` for each
 * further secret.
 */
export const SIGNATURE_HEADER = 'X-Resilience-Signature';

/** Secrets that are valid at a time, at most. */
export const MAX_SECRETS = 5;

const HEADER = /^t=(\d{1,12})((?:,v1=[0-9a-f]{64}){1,5})$/;

/** What goes into the header: signed with each of the secrets. */
export function signatureOf(body: string, secrets: readonly string[], clock: Clock): string {
  const time = Math.floor(wallTimeOf(clock) / 1000);
  return [`t=${time}`, ...secrets.map((secret) => `v1=${sign(time, body, secret)}`)].join(',');
}

function sign(time: number, body: string | Uint8Array, secret: string): string {
  return createHmac('sha256', secret).update(`${time}.`).update(body).digest('hex');
}

/**
 * For receivers: whether a request was signed with the secret (or with one of several), at most so long ago (`'5m'`, against
 * replays). The body is that which was sent, byte by byte: in Nest `request.rawBody` of an application made with `{ rawBody: true }`.
 */
export function verifySignature(
  body: string | Uint8Array | undefined,
  header: string | readonly string[] | undefined,
  secret: string | readonly string[],
  tolerance: Duration = '5m',
  clock: Clock = systemClock,
): boolean {
  const [, time, signatures] = typeof header === 'string' ? (HEADER.exec(header) ?? []) : [];
  const toleranceMs = parseDuration(tolerance);
  if (body === undefined || time === undefined || signatures === undefined || toleranceMs === undefined) return false;
  if (Math.abs(wallTimeOf(clock) - Number(time) * 1000) > toleranceMs) return false;
  const given = signatures.split(',v1=').slice(1);
  // With an empty secret anybody could sign.
  const secrets = (typeof secret === 'string' ? [secret] : secret).filter((one) => one !== '');
  return secrets.some((one) => {
    const expected = Buffer.from(sign(Number(time), body, one));
    return given.some((signature) => timingSafeEqual(Buffer.from(signature), expected));
  });
}
