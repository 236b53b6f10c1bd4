import { STATUS_CODES } from 'node:http';
import { Catch, Inject, Logger, type ArgumentsHost, type ExceptionFilter, type OnApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { throwError } from 'rxjs';
import { ResilienceError, ResilienceService } from '../index.js';
import { RefusalLog } from './refusal-log.js';

/** What a caller over RPC or a WebSocket gets. The message is the standard text of the status, never that of the error. */
export interface ResilienceFailure {
  readonly status: 'error';
  readonly code: string;
  readonly message: string;
  readonly retryAfterMs?: number;
}

/**
 * Answers for the errors of the library, over HTTP, RPC, GraphQL and WebSockets, without a line at ERROR for each: register
 * it as `{ provide: APP_FILTER, useClass: ResilienceExceptionFilter }`. HTTP answers have the status and the standard text
 * that Nest's own filter would give, and `Retry-After` where it is known.
 */
@Catch(ResilienceError)
export class ResilienceExceptionFilter implements ExceptionFilter<ResilienceError>, OnApplicationShutdown {
  private readonly logger = new Logger('Resilience');
  private readonly refusals: RefusalLog;

  constructor(
    @Inject(ResilienceService) resilience: ResilienceService,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {
    this.refusals = new RefusalLog(this.logger, resilience.environment.clock);
  }

  catch(error: ResilienceError, host: ArgumentsHost): unknown {
    // Not an answer to load but a mistake, in whose stack somebody will want to look.
    if (error.status === 500) this.logger.error(error.message, error.stack);
    else this.refusals.note(error.code, error.message);
    const failure = failureOf(error);
    switch (host.getType<'http' | 'rpc' | 'ws' | 'graphql'>()) {
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
    this.refusals.close();
  }

  private reply(error: ResilienceError, host: ArgumentsHost): void {
    const adapter = this.adapterHost.httpAdapter;
    const response = host.switchToHttp().getResponse<object>();
    if (adapter.isHeadersSent(response) === true) {
      adapter.end(response);
      return;
    }
    if (error.retryAfterMs !== undefined) adapter.setHeader(response, 'Retry-After', String(Math.ceil(error.retryAfterMs / 1000)));
    adapter.reply(response, { statusCode: error.status, message: textOf(error) }, error.status);
  }
}

/** A client of socket.io, or a plain WebSocket: that one has `emit` too, but only for its own side. */
type Socket = { emit(event: string, data: unknown): void } | { readonly readyState: number; send(data: string): void };

/** Both platforms name the event as Nest's own filter does. */
function tellSocket(client: Socket, failure: ResilienceFailure): void {
  if ('readyState' in client) client.send(JSON.stringify({ event: 'exception', data: failure }));
  else client.emit('exception', failure);
}

function textOf({ status }: ResilienceError): string {
  return STATUS_CODES[status] ?? 'Internal Server Error';
}

function failureOf(error: ResilienceError): ResilienceFailure {
  const { code, retryAfterMs } = error;
  return { status: 'error', code, message: textOf(error), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}
