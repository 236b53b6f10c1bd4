import type { Environment } from '../../engine/environment.js';
import { quoteText } from '../../options/index.js';

/**
 * Errors that JavaScript itself throws where code is wrong. `SyntaxError` is not among them: that is what `JSON.parse` says of
 * a dependency's half answer.
 */
const BUGS = new Set(['TypeError', 'ReferenceError', 'RangeError']);

/** So long after a warning the next ones of that fallback are only counted. */
const QUIET_MS = 60_000;

/** Warns where a fallback answers for what looks like a mistake in the code, which nobody would notice otherwise. */
export class ProgrammingErrorNotices {
  private quietUntil = Number.NEGATIVE_INFINITY;
  private untold = 0;

  constructor(private readonly environment: Environment) {}

  /** A fallback answered in place of that error. */
  served(operationId: string, error: unknown): void {
    const words = formatProgrammingError(error);
    if (words === undefined) return;
    const { clock, logger } = this.environment;
    const now = clock.now();
    if (now < this.quietUntil) {
      this.untold++;
      return;
    }
    const more = this.untold === 0 ? '' : ` (and ${this.untold} times more since the last warning)`;
    this.quietUntil = now + QUIET_MS;
    this.untold = 0;
    logger.warn(`${operationId}: a fallback answers for what looks like a mistake in the code: ${words}${more}`);
  }
}

/** What the error says and where it was thrown; undefined for one that does not look like a mistake in the code. */
function formatProgrammingError(error: unknown): string | undefined {
  try {
    // A `TypeError` with a cause is a failure of the network (`fetch failed`).
    if (!(error instanceof Error) || !BUGS.has(error.name) || error.cause !== undefined) return undefined;
    const frame = error.stack?.split('\n').find((line) => /^\s+at /.test(line)) ?? '';
    return quoteText(`${error.name}: ${error.message}`) + frame.replace(/^\s+/, ' ');
  } catch {
    return undefined; // an error that cannot be read
  }
}
