import { Controller, Get, Injectable, UseGuards, type CanActivate } from '@nestjs/common';
import request from 'supertest';
import { Retry } from '../../src/index.js';
import { closeAll, service, start } from '../support/nest.js';

afterEach(closeAll);

let calls = 0;

@Injectable()
class AskRemote implements CanActivate {
  @Retry({ maxAttempts: 3, backoff: 'none' })
  async canActivate(): Promise<boolean> {
    if (++calls % 3 !== 0) throw new Error('not yet');
    return true;
  }
}

@Injectable()
class BadGuard implements CanActivate {
  @Retry({ maxAttempts: -1 })
  async canActivate(): Promise<boolean> {
    return true;
  }
}

@Controller()
@UseGuards(AskRemote)
class Guarded {
  @Get()
  answer(): string {
    return 'in';
  }
}

@Controller()
@UseGuards(BadGuard)
class BadlyGuarded {
  @Get()
  answer(): string {
    return 'in';
  }
}

describe('a guard, which discovery does not see', () => {
  it('is protected, and listed at startup', async () => {
    const app = await start({ controllers: [Guarded] });
    expect(
      service(app)
        .list()
        .map(({ operationId }) => operationId),
    ).toEqual(['AskRemote.canActivate']);
    expect((await request(app.getHttpServer()).get('/')).text).toBe('in');
    expect(calls).toBe(3);
  });

  it('has its mistakes told at startup too', async () => {
    await expect(start({ controllers: [BadlyGuarded] })).rejects.toThrow(
      'BadGuard.canActivate: @Retry maxAttempts must be an integer >= 1 or Infinity, got -1',
    );
  });
});
