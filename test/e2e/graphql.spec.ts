import 'reflect-metadata';
import type { INestApplication } from '@nestjs/common';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { APP_FILTER } from '@nestjs/core';
import { Args, Field, GraphQLModule, Int, ObjectType, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import request from 'supertest';
import { ResilienceExceptionFilter } from '../../src/integrations/http/index.js';
import { CircuitBreaker, Fallback, RateLimit, Retry } from '../../src/index.js';
import { closeAll, service, start } from '../support/nest.js';

let asked = 0;

@ObjectType()
class Order {
  @Field(() => Int)
  id!: number;
}

@Resolver(() => Order)
class OrdersResolver {
  @Query(() => Order)
  @Retry({ maxAttempts: 3, backoff: 'none' })
  async order(@Args('id', { type: () => Int }) id: number): Promise<Order> {
    if (++asked % 3 !== 0) throw new Error('not yet');
    return { id };
  }

  @ResolveField(() => Int)
  @Fallback('unknownPrice')
  async price(@Parent() order: Order): Promise<number> {
    if (order.id === 7) throw new Error('no price list');
    return order.id * 100;
  }

  async unknownPrice(_order: Order, _error: unknown): Promise<number> {
    return -1;
  }

  @Query(() => String)
  @RateLimit({ limit: 1, per: '1h' })
  async limited(): Promise<string> {
    return 'once';
  }

  @Query(() => String, { nullable: true })
  @CircuitBreaker({ name: 'broken', consecutiveFailures: 1, openDuration: '1h' })
  async broken(): Promise<string> {
    throw new Error('inner text');
  }
}

describe('over GraphQL', () => {
  let app: INestApplication;

  beforeAll(async () => {
    app = await start({
      imports: [GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true })],
      providers: [OrdersResolver, { provide: APP_FILTER, useClass: ResilienceExceptionFilter }],
    });
  });
  afterAll(closeAll);

  interface Reply {
    readonly data: Record<string, unknown> | null;
    readonly errors?: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[];
  }

  async function query(text: string): Promise<Reply> {
    const { body } = await request(app.getHttpServer()).post('/graphql').send({ query: text });
    return body as Reply;
  }

  it('queries and field resolvers are protected', async () => {
    expect(await query('{ order(id: 2) { id price } }')).toEqual({ data: { order: { id: 2, price: 200 } } });
    expect(await query('{ order(id: 7) { id price } }')).toEqual({ data: { order: { id: 7, price: -1 } } });
    expect(service(app).metrics('OrdersResolver.order')).toMatchObject({ retryAttempts: 4, successes: 2 });
    expect(service(app).metrics('OrdersResolver.price')).toMatchObject({ fallbacksServed: 1, successes: 2 });
  });

  it('a rejection has its code in the extensions, and nothing of the inside', async () => {
    expect((await query('{ limited }')).data).toEqual({ limited: 'once' });
    const { errors: [limited] = [] } = await query('{ limited }');
    expect(limited).toMatchObject({ message: 'Too Many Requests', extensions: { code: 'ERR_RATE_LIMITED' } });
    expect(limited!.extensions['retryAfterMs']).toBeGreaterThan(3_000_000);

    await query('{ broken }');
    const { data, errors: [open] = [] } = await query('{ broken }');
    expect(data).toEqual({ broken: null });
    expect(open).toMatchObject({ message: 'Service Unavailable', extensions: { code: 'ERR_CIRCUIT_OPEN' } });
  });
});
