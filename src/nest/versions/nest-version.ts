import { IntrinsicException } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { ResilienceConfigError } from '../../engine/error.js';

/** What is looked at of Nest's own exception filter. */
interface OwnFilter {
  handleUnknownError(error: unknown, host: unknown, adapter: unknown): void;
  getHttpErrorMessage?: unknown;
}

const MESSAGE = 'a probe of what clients are told';

/**
 * Nest 11 before 11.2.8 and Nest 12 before 12.2.0 send clients the text of an error that says `expose: false`, with the names
 * and keys that stand in it. The filter itself is asked: its version is nowhere to be read at run time in both builds.
 * @throws ResilienceConfigError where it would tell.
 */
export function checkNestVersion(filter: object = BaseExceptionFilter.prototype): void {
  let told = '';
  const adapter = { isHeadersSent: () => false, reply: (_response: unknown, body: unknown) => (told = JSON.stringify(body)) };
  // One that it does not log.
  const probe = Object.assign(new IntrinsicException(MESSAGE), { status: 503, statusCode: 503, expose: false });
  (Object.create(filter) as OwnFilter).handleUnknownError(probe, { getArgByIndex: () => undefined }, adapter);
  if (!told.includes(MESSAGE)) return;
  throw new ResilienceConfigError([
    'this version of @nestjs/core sends clients the text of errors that is not meant for them (names, figures and keys). Update Nest 11 to 11.2.8 or later, ' +
      'Nest 12 to 12.2.0 or later: npm install @nestjs/common@^11.2.8 @nestjs/core@^11.2.8 (or @^12.2.0)',
  ]);
}

/** Nest 12 before 12.3.0 hides such texts in its filter, and not in the stream of an `@Sse` route. */
export function tellsInStreams(filter: object = BaseExceptionFilter.prototype): boolean {
  return (filter as OwnFilter).getHttpErrorMessage === undefined;
}
