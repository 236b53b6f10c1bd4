import { ResilienceConfigError } from '../engine/error.js';
import { isRecord, Problems, readOptions, rule, formatValue, suggestion, text, type Rule } from '../options/index.js';
import { matchesPattern, type ListenOptions } from '../engine/telemetry/events.js';
import { eventPatterns } from '../policies/index.js';
import type { ExecuteOptions, ResilientOperation } from './options.js';

const callRules = {
  name: text(),
  signal: rule('an AbortSignal', (value) => (isSignal(value) ? value : undefined)),
  args: rule('a list of arguments', (value) => (Array.isArray(value) ? (value as unknown[]) : undefined)),
} satisfies Record<keyof ExecuteOptions, Rule>;

/** Also one of another realm. */
function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null || !('aborted' in value)) return false;
  const { addEventListener, removeEventListener } = value as Record<string, unknown>;
  return typeof addEventListener === 'function' && typeof removeEventListener === 'function';
}

const NO_OPTIONS: ExecuteOptions = {};

/**
 * The options of one call. What is right is not read twice: this is on the way of every call.
 * @throws ResilienceConfigError with all that is wrong with them.
 */
export function readCall(location: string, options: ExecuteOptions = NO_OPTIONS): ExecuteOptions {
  try {
    const { name, signal, args } = options;
    const isRight =
      (name === undefined || (typeof name === 'string' && name !== '')) &&
      (signal === undefined || isSignal(signal)) &&
      (args === undefined || Array.isArray(args));
    if (isRight) return options;
  } catch {
    // Null, or a getter of the user's that throws: the words are found below.
  }
  return readOnce(location, options);
}

/**
 * The same, each option by its rule, and none that is unknown: where a function is wrapped, or something is wrong.
 * @throws ResilienceConfigError with all that is wrong with them.
 */
export function readOnce(location: string, options: ExecuteOptions = NO_OPTIONS): ExecuteOptions {
  const problems = new Problems();
  if (isRecord(options)) problems.at(`${location}:`, (found) => readOptions(callRules, options, found));
  else problems.add(`${location}: the options must be an object, got ${formatValue(options)}`);
  if (problems.messages.length > 0) throw new ResilienceConfigError(problems.messages);
  return options;
}

/**
 * What a task must be.
 * @throws ResilienceConfigError where it is no function.
 */
export function aTask<Task>(location: string, task: Task): Task {
  if (typeof task === 'function') return task;
  throw new ResilienceConfigError([`${location}: the task must be a function, got ${formatValue(task)}`]);
}

/**
 * What brings its own policy.
 * @throws ResilienceConfigError where it does not.
 */
export function anOperation<Operation>(operation: Operation): Operation {
  if (typeof (operation as Partial<ResilientOperation<unknown>> | null | undefined)?.resiliencePolicy === 'function') return operation;
  throw new ResilienceConfigError([
    `executeOperation: an operation has operationId, resiliencePolicy() and execute(), got ${formatValue(operation)}`,
  ]);
}

/**
 * Which events a listener hears.
 * @throws ResilienceConfigError for a pattern that means no event, and for what is no function.
 */
export function readListening(pattern: string, listener: unknown): ListenOptions {
  const problems: string[] = [];
  if (typeof pattern !== 'string') problems.push(`on: a pattern is a text, got ${formatValue(pattern)}`);
  else if (!eventPatterns.includes(pattern))
    problems.push(`on: there is no event ${formatValue(pattern)}${suggestion(pattern, eventPatterns)}`);
  if (typeof listener !== 'function') problems.push(`on: the listener must be a function, got ${formatValue(listener)}`);
  if (problems.length > 0) throw new ResilienceConfigError(problems);
  return { wants: (type) => matchesPattern(pattern, type) };
}
