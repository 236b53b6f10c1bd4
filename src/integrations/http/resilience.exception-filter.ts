import { Catch, Inject, type ArgumentsHost, type ExceptionFilter, type HttpException, type OnApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { throwError } from 'rxjs';
import { ResilienceError, ResilienceService } from '../../index.js';
import type { ResilienceLogger } from '../../core.js';
import { RejectionLog } from './rejection-log.js';
import { retryAfterSeconds, standardText, toHttpException } from './to-http-exception.js';

/** The contexts that there is an answer for. */
const ANSWERED: ReadonlySet<string> = new Set(['http', 'rpc', 'graphql', 'ws']);

/** What a caller over RPC or a WebSocket gets. The message is the standard text of the status, never that of the error. */
export interface ResilienceFailure {
  readonly status: 'error';
  readonly code: string;
  readonly message: string;
  /** Whole milliseconds. */
  readonly retryAfterMs?: number;
}

/**
 * Answers for the errors of the library, over HTTP, RPC, GraphQL and WebSockets, without a line at ERROR for each: register
 * it as `{ provide: APP_FILTER, useClass: ResilienceExceptionFilter }`. HTTP answers have the status and the standard text
 * that Nest's own filter would give, `Retry-After` where it is known, and `Cache-Control: no-store`: a 429 must not be stored
 * (RFC 6585, section 4), whatever the route says about its answers. In a context of another library (a queue, a bot, a command)
 * the error is thrown on. For another body extend it and override `toHttpException`.
 */
@Catch(ResilienceError)
export class ResilienceExceptionFilter implements ExceptionFilter<ResilienceError>, OnApplicationShutdown {
  private readonly logger: ResilienceLogger;
  private readonly rejections: RejectionLog;

  constructor(
    @Inject(ResilienceService) resilience: ResilienceService,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {
    const { clock, logger } = resilience.environment;
    this.logger = logger;
    this.rejections = new RejectionLog(logger, clock);
  }

  catch(error: ResilienceError, host: ArgumentsHost): unknown {
    const type = host.getType<string>();
    if (!ANSWERED.has(type)) throw error;
    // Not an answer to load but a mistake, in whose stack somebody will want to look.
    if (error.status === 500) this.logger.error(error.message, error.stack);
    else this.rejections.count(error.code, error.message);
    const failure = failureOf(error);
    switch (type) {
      case 'rpc':
        return throwError(() => failure);
      case 'graphql': {
        const { code, retryAfterMs } = failure;
        return Object.assign(new Error(failure.message), { extensions: { code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } });
      }
      case 'ws':
        tellSocket(host.switchToWs().getClient<Socket>(), failure);
        return undefined;
      default:
        this.reply(error, host);
        return undefined;
    }
  }

  onApplicationShutdown(): void {
    this.rejections.close();
  }

  /** What an HTTP client gets; `getStatus()` and `getResponse()` of it are the answer. */
  protected toHttpException(error: ResilienceError): HttpException {
    return toHttpException(error) as HttpException;
  }

  private reply(error: ResilienceError, host: ArgumentsHost): void {
    const adapter = this.adapterHost.httpAdapter;
    const response = host.switchToHttp().getResponse<object>();
    if (adapter.isHeadersSent(response) === true) {
      adapter.end(response);
      return;
    }
    const retryAfter = retryAfterSeconds(error);
    if (retryAfter !== undefined) adapter.setHeader(response, 'Retry-After', String(retryAfter));
    adapter.setHeader(response, 'Cache-Control', 'no-store');
    const exception = this.toHttpException(error);
    adapter.reply(response, exception.getResponse(), exception.getStatus());
  }
}

/** A client of socket.io, or a plain WebSocket: that one has `emit` too, but only for its own side. */
type Socket = { emit(event: string, data: unknown): void } | { readonly readyState: number; send(data: string): void };

/** Both platforms name the event as Nest's own filter does. */
function tellSocket(client: Socket, failure: ResilienceFailure): void {
  if ('readyState' in client) client.send(JSON.stringify({ event: 'exception', data: failure }));
  else client.emit('exception', failure);
}

function failureOf({ code, status, retryAfterMs }: ResilienceError): ResilienceFailure {
  const whole = retryAfterMs === undefined || !Number.isFinite(retryAfterMs) ? {} : { retryAfterMs: Math.ceil(retryAfterMs) };
  return { status: 'error', code, message: standardText(status), ...whole };
}
