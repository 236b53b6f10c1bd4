import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { CircuitBreaker, Fallback, Retry, Timeout } from '../../src/index.js';
import { FakeClock, ResilienceTestingModule } from '../../src/testing/nest.js';

@Injectable()
class Quotes {
  calls = 0;
  outcome: 'ok' | 'fail' | 'hang' = 'ok';

  @Fallback({ value: 'none' })
  @Retry({ maxAttempts: 3, backoff: '1s' })
  @CircuitBreaker({ consecutiveFailures: 5 })
  @Timeout('10s')
  async fetch(): Promise<string> {
    this.calls++;
    if (this.outcome === 'fail') throw new Error('down');
    return this.outcome === 'ok' ? 'quote' : new Promise(() => undefined);
  }
}

const testing = (module: ReturnType<typeof ResilienceTestingModule.off>) =>
  Test.createTestingModule({ imports: [module], providers: [Quotes] }).compile();

describe('ResilienceTestingModule', () => {
  it('off: the method runs once and bare, and its error is its own', async () => {
    const module = await testing(ResilienceTestingModule.off());
    const quotes = module.get(Quotes);
    quotes.outcome = 'fail';
    await expect(quotes.fetch()).rejects.toThrow('down');
    expect(quotes.calls).toBe(1);
    await module.close();
  });

  it('on: the policies work on a clock that the test moves', async () => {
    const module = await testing(ResilienceTestingModule.on());
    const quotes = module.get(Quotes);
    quotes.outcome = 'hang';
    const answer = quotes.fetch();
    await module.get(FakeClock).advance('32s');
    await expect(answer).resolves.toBe('none');
    expect(quotes.calls).toBe(3);
    await module.close();
  });

  it('on: takes the clock and the options that the test gives', async () => {
    const clock = new FakeClock();
    const module = await testing(ResilienceTestingModule.on({ clock, overrides: { Quotes: { retry: { maxAttempts: 1 } } } }));
    const quotes = module.get(Quotes);
    quotes.outcome = 'fail';
    await expect(quotes.fetch()).resolves.toBe('none');
    expect(quotes.calls).toBe(1);
    expect(module.get(FakeClock)).toBe(clock);
    await module.close();
  });

  it('left out: says what is missing', async () => {
    await expect(Test.createTestingModule({ providers: [Quotes] }).compile()).rejects.toThrow('ResilienceModule.forRoot()');
  });
});
