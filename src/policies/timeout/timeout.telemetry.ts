import type { EventBase } from '../../engine/events.js';
import type { TelemetryDeclaration } from '../../engine/kind.js';

export interface TimeoutExceededEvent extends EventBase {
  readonly type: 'timeout.exceeded';
  readonly policyName: string;
  readonly timeoutMs: number;
  /** True where the whole operation was bounded, false for one attempt. */
  readonly isTotal: boolean;
  /** The attempt that was running or waiting. */
  readonly attempt: number;
}

export type TimeoutEvent = TimeoutExceededEvent;

export const timeoutTelemetry = {
  events: { 'timeout.exceeded': 'An attempt, or the whole operation, took too long and was given up.' },
  counters: [{ name: 'timeouts', meaning: 'Attempts and operations that took too long.', tally: 'timeouts' }],
} as const satisfies TelemetryDeclaration;
