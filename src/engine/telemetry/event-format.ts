import { formatError } from '../error.js';
import { escapeText, quoteText } from '../../options/index.js';
import type { EventBase } from './events.js';

/** `circuit-breaker.opened` as words. */
export function eventTitle(type: string, name?: string): string {
  const [group, what] = type.split('.').map((part) => part.replaceAll('-', ' ')) as [string, string];
  return `${group[0]!.toUpperCase()}${group.slice(1)}${name === undefined ? '' : ` "${name}"`} ${what}`;
}

/** An event as a sentence: `Circuit breaker "payments" opened (calls 10, failures 7, openMs 30000)`. What strangers chose is quoted. */
export function formatEvent({ type, timestamp: _timestamp, ...event }: EventBase): string {
  const { operationId, policyName, ...facts } = event as Record<string, unknown>;
  const shown = known(facts).map(([name, value]) => `${name} ${wordOf(name, value)}`);
  const where = typeof operationId === 'string' && operationId !== policyName ? ` in ${escapeText(operationId)}` : '';
  const title = eventTitle(type, typeof policyName === 'string' ? escapeText(policyName) : undefined);
  return `${title}${where}${shown.length === 0 ? '' : ` (${shown.join(', ')})`}`;
}

/** The figures of an event, errors as their messages; no text is longer than 200 characters. */
export function fieldsOf({ type, timestamp: _timestamp, ...facts }: EventBase): Record<string, unknown> {
  const fields = known(facts).map(([name, value]) => [name, typeof value === 'string' ? escapeText(value) : value]);
  return { event: type, ...(Object.fromEntries(fields) as Record<string, unknown>) };
}

/** What an event says, in a form that can stand in a log. */
function known(facts: object): readonly (readonly [string, unknown])[] {
  return Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]: [string, unknown]) => [name, plain(value)]);
}

/** A state, a reason, a name: nothing that could be taken for something else in a line of the log. */
const WORD = /^[\w.:#/-]{1,64}$/;

function wordOf(name: string, value: unknown): string {
  if (typeof value !== 'string') return escapeText(JSON.stringify(value));
  return name !== 'key' && WORD.test(value) ? value : quoteText(value);
}

/** Whatever else was thrown is said by its type. */
function plain(value: unknown): unknown {
  if (value instanceof Error) return formatError(value);
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) return value;
  if (typeof value === 'number') return Number(value.toFixed(3));
  return typeof value === 'string' || typeof value === 'boolean' ? value : typeof value;
}
