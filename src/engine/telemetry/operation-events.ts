import type { EventBase } from './events.js';

/** An operation succeeded or failed, after all that its policies did. */
export interface OperationEvent extends EventBase {
  readonly type: 'operation.succeeded' | 'operation.failed';
  /** Milliseconds from the call to the answer. NaN where listening began during the call. */
  readonly durationMs: number;
  readonly attempts: number;
  /** Of a failed one. */
  readonly error?: unknown;
}

/** A function of the user's threw where the call went on without it. */
export interface CallbackFailedEvent extends EventBase {
  readonly type: 'callback.failed';
  /** Which one: `@Retry onRetry`. */
  readonly callback: string;
  readonly error: unknown;
}

/** `reconfigure` changed the policies of a name. */
export interface ConfigChangedEvent extends EventBase {
  readonly type: 'config.changed';
  readonly policyName: string;
  readonly kind: string;
  /** The options that were given, durations in milliseconds. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** A command was given to what policies of a name share, by hand. */
export interface ControlAppliedEvent extends EventBase {
  readonly type: 'control.applied';
  readonly policyName: string;
  readonly kind: string;
  readonly command: string;
  /** The key that it was for; undefined for the common one, or for all. */
  readonly key: string | undefined;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Why, and who wanted it, where that was said. */
  readonly reason: string | undefined;
  readonly by: string | undefined;
}

/** All that the engine itself tells, whatever the policies. */
export type EngineEvent = OperationEvent | CallbackFailedEvent | ConfigChangedEvent | ControlAppliedEvent;
