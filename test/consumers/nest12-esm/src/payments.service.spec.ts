import { ConsoleLogger, Injectable, Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { createResilience, OnResilienceEvent, policies, ResilienceModule, ResilienceService, type EventOf } from 'nestjs-bulwark';
import { FakeClock } from 'nestjs-bulwark/testing';
import { PaymentsService } from './payments.service.js';

@Injectable()
class Listener {
  readonly heard: string[] = [];

  @OnResilienceEvent('retry.*')
  retried({ type, attempt }: EventOf<'retry.*'>): void {
    this.heard.push(`${type} ${attempt}`);
  }
}

describe('PaymentsService', () => {
  it('tells listeners of its retries, once the application has started', async () => {
    const module = await Test.createTestingModule({
      imports: [ResilienceModule.forRoot({ logs: false })],
      providers: [PaymentsService, Listener],
    }).compile();
    await module.init();
    await module.get(PaymentsService).charge(5);
    expect(module.get(Listener).heard).toEqual(['retry.scheduled 1', 'retry.scheduled 2']);
    await module.close();
  });

  it('is protected in the default test of a application in ES modules', async () => {
    const module = await Test.createTestingModule({ imports: [ResilienceModule.forRoot()], providers: [PaymentsService] }).compile();
    const payments = module.get(PaymentsService);
    await expect(payments.charge(5)).resolves.toBe('charged 5');
    await expect(payments.refund()).resolves.toBe('later: no');
    expect(payments.attempts).toBe(3);
    await module.close();
  });

  it('writes the figures of an event as fields where Nest’s console logger writes JSON', async () => {
    const module = await Test.createTestingModule({ imports: [ResilienceModule.forRoot()], providers: [PaymentsService] }).compile();
    const app = module.createNestApplication({ logger: new ConsoleLogger({ json: true }) });
    const lines: string[] = [];
    const { write } = process.stdout;
    process.stdout.write = (text: string | Uint8Array) => lines.push(String(text)) > 0;
    try {
      await app.init();
      app.get(ResilienceService).circuitBreaker('payments').forceOpen();
    } finally {
      process.stdout.write = write;
    }
    await app.close();
    Logger.overrideLogger(false);
    // Nest 12 has fields of their own (`params`), Nest 11 an object as the message.
    const records = lines.map((line) => JSON.parse(line) as { context?: string; message: string | object; params?: object });
    const fields = records.filter(({ context }) => context === 'Resilience').map(({ message, params }) => params ?? message);
    expect(fields.at(-1)).toMatchObject({
      event: 'circuit-breaker.state-forced',
      policyName: 'payments',
      from: 'closed',
      to: 'forced-open',
    });
  });

  it('runs without Nest on a clock that stands still', async () => {
    const clock = new FakeClock();
    const resilience = createResilience({ clock });
    const outcome = expect(resilience.execute(policies.timeout('1s'), () => new Promise(() => undefined))).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
    });
    await clock.advance('1s');
    await outcome;
  });
});
