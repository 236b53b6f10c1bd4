import type { ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { checkNestVersion, tellsInStreams } from '../../src/nest/versions/nest-version.js';

/** As it was in Nest 11.0.0 to 11.2.7 and 12.0.0 to 12.1.3. */
class OldFilter extends BaseExceptionFilter {
  override handleUnknownError(
    error: { statusCode: number; message: string },
    _host: ArgumentsHost,
    adapter: { reply(response: unknown, body: unknown): void },
  ): void {
    adapter.reply(undefined, { statusCode: error.statusCode, message: error.message });
  }
}

describe('the version of Nest', () => {
  it('is fine where its filter keeps to itself what an error says is not for clients', () => {
    expect(() => checkNestVersion()).not.toThrow();
    expect(tellsInStreams()).toBe(false);
  });

  it('stops the start where it does not, and says what to update to', () => {
    expect(() => checkNestVersion(OldFilter.prototype)).toThrow(
      expect.objectContaining({
        code: 'ERR_RESILIENCE_CONFIG',
        message: expect.stringMatching(/Update Nest 11 to 11\.2\.8 or later, Nest 12 to 12\.2\.0 or later: npm install/) as string,
      }) as Error,
    );
  });
});
