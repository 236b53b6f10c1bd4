import {
  Controller,
  Get,
  Injectable,
  Module,
  Query,
  Req,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type MiddlewareConsumer,
  type NestInterceptor,
  type NestMiddleware,
  type PipeTransform,
} from '@nestjs/common';
import request from 'supertest';
import { map, type Observable } from 'rxjs';
import { RateLimit, Retry } from '../../src/index.js';
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

interface Visit {
  visitor?: string;
}

@Injectable()
class KnowVisitor implements NestMiddleware {
  private lookups = 0;

  async use(request: Visit, _response: unknown, next: (error?: unknown) => void): Promise<void> {
    request.visitor = await this.lookup();
    next();
  }

  @Retry({ maxAttempts: 3, backoff: 'none' })
  async lookup(): Promise<string> {
    if (++this.lookups % 3 !== 0) throw new Error('not yet');
    return 'known';
  }
}

@Injectable()
class Sign implements NestInterceptor {
  @RateLimit({ limit: 1, per: '1h' })
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((answer) => `${String(answer)}, signed`));
  }
}

@Injectable()
class Enrich implements PipeTransform {
  private enrichments = 0;

  @Retry({ maxAttempts: 2, backoff: 'none' })
  async transform(value: unknown): Promise<unknown> {
    if (++this.enrichments % 2 !== 0) throw new Error('not yet');
    return value;
  }
}

@Controller()
@UseInterceptors(Sign)
class Visited {
  @Get()
  @UsePipes(Enrich)
  answer(@Req() request: Visit, @Query() _query: object): string {
    return `${request.visitor}`;
  }
}

@Module({ controllers: [Visited] })
class VisitedModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(KnowVisitor).forRoutes(Visited);
  }
}

describe('middleware classes, interceptors and pipes', () => {
  it('are protected', async () => {
    const app = await start({ imports: [VisitedModule] });
    expect((await request(app.getHttpServer()).get('/')).text).toBe('known, signed');
    expect((await request(app.getHttpServer()).get('/')).status).toBe(429);
    expect(service(app).metrics('KnowVisitor.lookup')).toMatchObject({ operations: 2, retryAttempts: 4 });
    expect(service(app).metrics('Enrich.transform')).toMatchObject({ operations: 1, retryAttempts: 1 });
  });
});
