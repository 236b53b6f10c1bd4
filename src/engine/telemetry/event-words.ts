import { wordsOfError } from '../error.js';
import type { EventBase } from './events.js';

/** `circuit-breaker.opened` as words. */
export function titleOf(type: string, name?: string): string {
  const [group, what] = type.split('.').map((part) => part.replaceAll('-', ' ')) as [string, string];
  return `${group[0]!.toUpperCase()}${group.slice(1)}${name === undefined ? '' : ` "${name}"`} ${what}`;
}

/** An event as a sentence: `Circuit breaker "payments" opened (calls 10, failures 7, openMs 30000)`. */
export function wordsOf(event: EventBase): string {
  const { event: type, operationId, policyName, ...figures } = fieldsOf(event) as Record<string, unknown> & { event: string };
  const shown = Object.entries(figures).map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const where = typeof operationId === 'string' && operationId !== policyName ? ` in ${operationId}` : '';
  return `${titleOf(type, policyName as string | undefined)}${where}${shown.length === 0 ? '' : ` (${shown.join(', ')})`}`;
}

/** The figures of an event, errors as their messages. */
export function fieldsOf({ type, timestamp: _timestamp, ...facts }: EventBase): Record<string, unknown> {
  const known = Object.entries(facts as Record<string, unknown>).filter(([, value]) => value !== undefined);
  return {
    event: type,
    ...Object.fromEntries(known.map(([name, value]) => [name, value instanceof Error ? wordsOfError(value) : plain(value)])),
  };
}

/** What can stand in a log: whatever else was thrown is said by its type. */
function plain(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) return value;
  if (typeof value === 'number') return Number(value.toFixed(3));
  return typeof value === 'string' || typeof value === 'boolean' ? value : typeof value;
}
