import type { CodeRule } from './rule.js';
import { rule, callback } from './rules.js';

/** A class of errors, for `on` and `ignore`. */
// The arguments of the constructor do not matter to `instanceof`.
export type ErrorClass = abstract new (...args: never[]) => object;

/** Which errors are meant: a class, several, or whatever the function says; it is told the arguments of the call too. */
export type ErrorFilter<Args extends readonly unknown[] = readonly never[]> =
  ErrorClass | readonly ErrorClass[] | ((error: unknown, ...args: Args) => boolean);

/** The three filters that every reactive policy shares. */
export interface FailureOptions<Result = unknown, Args extends readonly unknown[] = readonly never[]> {
  /**
   * Errors that count: a class, a list of classes, or a predicate `(error, ...args)`.
   * @default isTransientError
   */
  on?: ErrorFilter<Args>;
  /** Errors that never count; wins over `on`. */
  ignore?: ErrorFilter<Args>;
  /** A returned value for which this is true counts as a failure. */
  onResult?: (value: Result) => boolean;
}

/** Classes have a prototype that cannot be written, or are made from `Error`; a predicate is any other function. */
export function isErrorClass(value: unknown): value is ErrorClass {
  if (typeof value !== 'function') return false;
  const prototype = Object.getOwnPropertyDescriptor(value, 'prototype');
  return prototype !== undefined && (prototype.writable === false || prototype.value instanceof Error);
}

function errorFilter(extra: { readonly defaultNote?: string } = {}): CodeRule<ErrorFilter> {
  const filter = rule('an error class, a list of error classes, or a function (error, ...args) => boolean', (value) => {
    const accepted = typeof value === 'function' || (Array.isArray(value) && value.length > 0 && value.every(isErrorClass));
    return accepted ? (value as ErrorFilter) : undefined;
  });
  return { ...filter, ...extra, isFunction: true };
}

/** The rules of `FailureOptions`, to be spread into those of a policy. */
export const failureRules = {
  on: errorFilter({ defaultNote: 'isTransientError' }),
  ignore: errorFilter(),
  onResult: callback<(value: unknown) => boolean>('(value) => boolean'),
};
