/** The same in the ESM and the CommonJS build, so that `instanceof` holds when both are loaded in one process. */
const BRAND = Symbol.for('nestjs-bulwark: the code of a ResilienceError');

/** The brand of the base class. */
const ANY_CODE = 'ERR_RESILIENCE';

/** What an error of the library says about itself. */
export interface ErrorDetails {
  readonly operationId?: string | undefined;
  readonly policyName?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  /** Capture a stack trace. Default false: a rejection must be much cheaper than a call. */
  readonly withStack?: boolean;
}

/** What is the same for all errors of a class; see `describeErrors`. */
export interface ErrorTraits {
  readonly name: string;
  readonly code: string;
  readonly status: number;
  readonly isServiceUnavailable: boolean;
}

/**
 * Base of every error that the library throws by itself. Nest's exception filter answers with `status` and its standard
 * text; the message never reaches a client (`expose` is false).
 */
export abstract class ResilienceError extends Error {
  /** Machine-readable kind, e.g. `ERR_CIRCUIT_OPEN`. */
  declare readonly code: string;
  /** HTTP status that fits, as `status` and `statusCode`. */
  declare readonly status: number;
  declare readonly statusCode: number;
  /** Always false: the message is for logs, not for clients. */
  declare readonly expose: boolean;
  /** True for 503: the service, not the request, is at fault. */
  declare readonly isServiceUnavailable: boolean;
  /** What was protected: `PaymentsClient.charge`. Undefined for an instance used by hand. */
  readonly operationId: string | undefined;
  /** Name of the breaker, bulkhead, limiter or timeout that decided. */
  readonly policyName: string | undefined;
  /** When a new try can succeed at the earliest, in milliseconds from the rejection on, where that is known. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, facts: ErrorDetails) {
    if (facts.withStack === true) super(message);
    else {
      // Capturing frames costs several times as much as the rest of a rejection. Without a limit none are looked for, which costs
      // half of what a limit of 0 does; then there is no text either, so it is written here.
      const limit = Error.stackTraceLimit;
      (Error as { stackTraceLimit: number | undefined }).stackTraceLimit = undefined;
      super(message);
      Error.stackTraceLimit = limit;
      this.stack = `${this.name}: ${message}`;
    }
    this.operationId = facts.operationId;
    this.policyName = facts.policyName;
    this.retryAfterMs = facts.retryAfterMs;
  }

  /** Whether trying again can help. False for an open circuit, a cost above the capacity and a shutdown. */
  get isRetryable(): boolean {
    return true;
  }

  /** Holds across two copies of the library: what counts is the brand and the code, not the class object. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false;
    const code = (value as Record<symbol, unknown>)[BRAND];
    if (code === undefined) return false;
    const own: unknown = Object.hasOwn(this.prototype, BRAND) ? Reflect.get(this.prototype, BRAND) : undefined;
    if (own !== undefined) return own === ANY_CODE || own === code;
    return Object.prototype.isPrototypeOf.call(this.prototype, value);
  }
}

/** `instanceof ResilienceError`, for those who ask it of every error. May throw, where the value does not let itself be read. */
export function isResilienceError(value: unknown): value is ResilienceError {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] !== undefined;
}

/** Whether a class is one of the library's errors, or made from one; holds across two copies of the library. */
export function isResilienceErrorClass(errorClass: object): boolean {
  const { prototype } = errorClass as { readonly prototype?: unknown };
  return typeof prototype === 'object' && prototype !== null && BRAND in prototype;
}

Object.defineProperty(ResilienceError.prototype, BRAND, { value: ANY_CODE });

/** Puts what all errors of a class share on its prototype, so that making one writes only what is its own. */
export function defineErrorTraits(errorClass: { readonly prototype: ResilienceError }, traits: ErrorTraits): void {
  const shared = { ...traits, statusCode: traits.status, expose: false };
  for (const [property, value] of Object.entries(shared)) {
    Object.defineProperty(errorClass.prototype, property, { value, configurable: true, writable: true });
  }
  Object.defineProperty(errorClass.prototype, BRAND, { value: traits.code });
}

/** One bad option, or all of them: thrown at startup, or where a declaration is used for the first time. */
export class ResilienceConfigError extends ResilienceError {
  /** Each mistake in a sentence that names class, method, option and the value got. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const list = problems.length === 1 ? problems[0]! : `${problems.length} mistakes:\n${problems.map((line) => `  - ${line}`).join('\n')}`;
    super(list, { withStack: true });
    this.problems = problems;
  }

  override get isRetryable(): boolean {
    return false;
  }
}
defineErrorTraits(ResilienceConfigError, {
  name: 'ResilienceConfigError',
  code: 'ERR_RESILIENCE_CONFIG',
  status: 500,
  isServiceUnavailable: false,
});

/** So many causes of causes are told. */
const DEEPEST_CAUSE = 3;

/**
 * An error in words, with what caused it: `TypeError: fetch failed (cause: Error: connect ECONNREFUSED 127.0.0.1:80)`. Whatever else
 * was thrown is said by its type, as is an error that does not let itself be read.
 */
export function formatError(error: unknown, depth = 0): string {
  try {
    if (!(error instanceof Error)) return typeof error;
    const { cause } = error;
    const words = `${error.name}: ${error.message}`;
    return cause instanceof Error && depth < DEEPEST_CAUSE ? `${words} (cause: ${formatError(cause, depth + 1)})` : words;
  } catch {
    return typeof error;
  }
}
