import type { EventBase } from '../../../engine/telemetry/events.js';
import { quoteText } from '../../../options/index.js';

/** The facts of events that rules look at. */
export interface PolicyEvent extends EventBase {
  readonly policyName?: string;
  readonly key?: string;
}

/** What an event is about: its policy with the key, or its operation. */
export function subjectOf({ policyName, key, operationId, type }: PolicyEvent): string {
  const what = policyName ?? operationId ?? type;
  return key === undefined ? what : `${what} ${quoteText(key)}`;
}
