import { STATUS_CODES } from 'node:http';
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { catchError, throwError, type Observable } from 'rxjs';
import { ResilienceError } from '../../engine/error.js';

/** What `@Sse` leaves on a handler. */
const SSE_METADATA = '__sse__';

/**
 * Gives the errors of the library that go through an `@Sse` route the standard text of their status, for versions of Nest
 * that write the text of an error into the stream.
 */
@Injectable()
export class StreamErrorsInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (Reflect.getMetadata(SSE_METADATA, context.getHandler()) === undefined) return next.handle();
    return next.handle().pipe(catchError((error: unknown) => throwError(() => (error instanceof ResilienceError ? masked(error) : error))));
  }
}

/** The same error to whoever looks at its code, with another text and itself as the cause. */
function masked(error: ResilienceError): Error {
  const copy = new Error(STATUS_CODES[error.status] ?? 'Error', { cause: error });
  delete copy.stack;
  Object.setPrototypeOf(copy, Object.getPrototypeOf(error) as object);
  return Object.assign(copy, error);
}
