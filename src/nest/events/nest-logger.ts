import { ConsoleLogger, Logger } from '@nestjs/common';
import type { ResilienceLogger } from '../../engine/telemetry/logger.js';

/** Those of the logger that Nest uses now; a JSON logger gets fields beside the text. */
interface Options {
  readonly json?: boolean;
}

/** Nest 12 prints objects after the message as fields of its record; before that each was a record of its own. */
const TAKES_FIELDS = 'stringifyParams' in ConsoleLogger.prototype;

/** Writes to Nest's logger, as text or structured, whichever it is set to. */
export class NestLogger implements ResilienceLogger {
  private readonly logger: Logger;

  /** @param context What Nest writes in brackets before the message. */
  constructor(context = 'Resilience') {
    this.logger = new Logger(context);
  }

  log(message: string, fields?: object): void {
    this.logger.log(...this.record(message, fields));
  }

  warn(message: string, fields?: object): void {
    this.logger.warn(...this.record(message, fields));
  }

  debug(message: string, fields?: object): void {
    this.logger.debug(...this.record(message, fields));
  }

  error(message: string, cause?: unknown): void {
    if (cause === undefined) this.logger.error(message);
    else this.logger.error(message, cause);
  }

  isDebugOn(): boolean {
    return Logger.isLevelEnabled('debug');
  }

  private record(message: string, fields: object | undefined): [unknown, ...object[]] {
    if (fields === undefined || !isStructured()) return [message];
    return TAKES_FIELDS ? [message, fields] : [{ message, ...fields }];
  }
}

function isStructured(): boolean {
  const inUse: unknown = Reflect.get(Logger, 'staticInstanceRef');
  return inUse instanceof ConsoleLogger && (Reflect.get(inUse, 'options') as Options | undefined)?.json === true;
}
