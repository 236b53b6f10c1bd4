import { callback, duration, declare, shorthand, text, type Duration, type OptionsOf, type Rule } from '../../options/index.js';

/** Bounds the time of an attempt, or of the whole operation. At least one of `duration` and `total` is needed. */
export interface TimeoutOptions<Result = unknown> {
  /** Bounds each attempt. */
  duration?: Duration;
  /** Bounds the whole operation, attempts and waits included; only the fallback stands outside. */
  total?: Duration;
  /** Given a value that came too late, e.g. to close the connection that it holds. */
  discard?: (value: Result) => void;
  /** Shown in errors, events and metrics. Default: the operation id. */
  name?: string;
}

/** `policies.timeout(...)`. */
export interface TimeoutPolicy<Result = unknown> extends TimeoutOptions<Result> {
  readonly kind: 'timeout';
}

export const timeoutRules = {
  duration: duration(),
  total: duration(),
  discard: callback<(value: unknown) => void>('(value) => void'),
  name: text({ defaultNote: 'operation id' }),
} satisfies Record<keyof TimeoutOptions, Rule>;

/** Its options as they are resolved. */
export type ResolvedTimeout = OptionsOf<typeof timeoutRules>;

/** Bounds the time: `timeout('2s')` for each attempt, `timeout({ total: '5s' })` for all of them together. */
export function timeout<Result = unknown>(options: Duration | TimeoutOptions<Result>): TimeoutPolicy<Result> {
  return declare('timeout', shorthand('duration', options));
}
