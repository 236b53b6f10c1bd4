import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { ResilienceError } from '../../index.js';

/** What a client is told of an error: its status and the standard text of that. */
export function standardText(status: number): string {
  return STATUS_CODES[status] ?? 'Internal Server Error';
}

/**
 * The `HttpException` that stands for an error of the library, for a filter of your own that knows only those; any other error as it
 * is. It has the status and its standard text, and the error as its `cause`: what is in the message is for logs.
 */
export function toHttpException<Thrown>(error: Thrown): Thrown | HttpException {
  if (!(error instanceof ResilienceError)) return error;
  const { status } = error;
  return new HttpException({ statusCode: status, message: standardText(status) }, status, { cause: error });
}

/** `Retry-After` in whole seconds, at least one, where it is known when a new try can succeed. */
export function retryAfterSeconds(error: unknown): number | undefined {
  if (!(error instanceof ResilienceError) || error.retryAfterMs === undefined || !Number.isFinite(error.retryAfterMs)) return undefined;
  return Math.max(1, Math.ceil(error.retryAfterMs / 1000));
}
