import { lookAfter } from '../drivers/promises.js';

/** Where warnings go: the Nest logger in an application, `process.emitWarning` elsewhere. */
export interface ResilienceLogger {
  /** `fields` are the figures of an event, for a log that is structured. */
  warn(message: string, fields?: object): void;
  error(message: string, cause?: unknown): void;
  /** Told of what is set up, and of changes for the better. */
  log?(message: string, fields?: object): void;
  /** Told at startup what protects each operation, and of single attempts and rejections. */
  debug?(message: string, fields?: object): void;
  /** Whether `debug` would be written just now. */
  isDebugOn?(): boolean;
}

export const processWarnings: ResilienceLogger = {
  warn: (message) => process.emitWarning(message, 'ResilienceWarning'),
  error: (message, cause) =>
    process.emitWarning(
      cause instanceof Error ? `${message}\n${cause.stack ?? cause.message}` : `${message}: ${String(cause)}`,
      'ResilienceWarning',
    ),
};

/** The levels that a logger may do without. */
const OPTIONAL = ['log', 'debug'] as const;

/**
 * The same logger, of which nobody need fear that it throws, or gives a promise that is rejected: it is called from within
 * calls and timers. What it fails at is said by `process.emitWarning`, once; an error that it was to tell of, each time.
 */
export function guardedLogger(logger: ResilienceLogger): ResilienceLogger {
  let isKnownToFail = false;
  const failed = (broken: unknown): void => {
    if (isKnownToFail) return;
    isKnownToFail = true;
    processWarnings.error('the logger failed', broken);
  };
  const guarded: ResilienceLogger = {
    warn: (...said) => attempt(() => logger.warn(...said), failed),
    error: (...said) =>
      attempt(
        () => logger.error(...said),
        (broken) => {
          processWarnings.error(...said);
          failed(broken);
        },
      ),
  };
  for (const level of OPTIONAL)
    if (logger[level] !== undefined) guarded[level] = (...said) => attempt(() => logger[level]?.(...said), failed);
  if (logger.isDebugOn !== undefined) guarded.isDebugOn = () => isDebugOn(logger, failed);
  return guarded;
}

function attempt(write: () => unknown, otherwise: (broken: unknown) => void): void {
  try {
    lookAfter(write(), otherwise);
  } catch (broken) {
    otherwise(broken);
  }
}

function isDebugOn(logger: ResilienceLogger, failed: (broken: unknown) => void): boolean {
  try {
    return logger.isDebugOn!();
  } catch (broken) {
    failed(broken);
    return true;
  }
}
