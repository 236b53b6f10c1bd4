import { Controller, Get, Injectable } from '@nestjs/common';
import { Retry, SkipResilience, skipsResilience, Timeout } from '../../src/index.js';
import { closeAll, service, start } from '../support/nest.js';

afterEach(closeAll);

const twice = { maxAttempts: 2, backoff: 'none' } as const;

@Retry(twice)
@Injectable()
class Base {
  calls = 0;

  async protected(): Promise<never> {
    this.calls++;
    throw new Error('no');
  }

  @SkipResilience()
  async free(): Promise<never> {
    this.calls++;
    throw new Error('no');
  }

  @SkipResilience()
  @Timeout('1s')
  async above(): Promise<never> {
    this.calls++;
    throw new Error('no');
  }

  @Timeout('1s')
  @SkipResilience()
  async below(): Promise<never> {
    this.calls++;
    throw new Error('no');
  }
}

async function callsOf(instance: Base, method: 'protected' | 'free' | 'above' | 'below'): Promise<number> {
  instance.calls = 0;
  await expect(instance[method]()).rejects.toThrow('no');
  return instance.calls;
}

describe('@SkipResilience()', () => {
  it('leaves a method with what stands on itself only, in whichever order, also where it is inherited', async () => {
    @Retry({ maxAttempts: 3, backoff: 'none' })
    @Injectable()
    class Sub extends Base {}
    const app = await start({ providers: [Base, Sub] });
    for (const [type, attempts] of [
      [Base, 2],
      [Sub, 3],
    ] as const) {
      const instance = app.get(type);
      expect(await callsOf(instance, 'protected')).toBe(attempts);
      for (const method of ['free', 'above', 'below'] as const) expect(await callsOf(instance, method)).toBe(1);
    }
    const kinds = Object.fromEntries(
      service(app)
        .list()
        .map(({ operationId, policies }) => [operationId, policies.map(({ kind }) => kind)]),
    );
    expect(kinds).toEqual({
      'Base.protected': ['retry'],
      'Base.above': ['timeout'],
      'Base.below': ['timeout'],
      'Sub.protected': ['retry'],
      'Sub.above': ['timeout'],
      'Sub.below': ['timeout'],
    });
  });

  it('takes the policies of a base class from a whole class', async () => {
    @SkipResilience()
    @Injectable()
    class Free extends Base {}
    const app = await start({ providers: [Base, Free] });
    expect(await callsOf(app.get(Free), 'protected')).toBe(1);
    expect(await callsOf(app.get(Base), 'protected')).toBe(2);
  });

  it('is told of a handler and of its class to whoever protects routes', () => {
    @SkipResilience()
    class Whole {}
    @Controller()
    class Part {
      @Get()
      @SkipResilience()
      free(): void {}

      @Get()
      other(): void {}
    }
    const { free, other } = Object.fromEntries(
      ['free', 'other'].map((name) => [name, Object.getOwnPropertyDescriptor(Part.prototype, name)!.value as object]),
    ) as { free: object; other: object };
    expect([skipsResilience(free, Part), skipsResilience(other, Part), skipsResilience(other, Whole)]).toEqual([true, false, true]);
  });
});
