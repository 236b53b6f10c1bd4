import { Injectable, Module } from '@nestjs/common';
import { policies, Resilience, ResilienceConfigError, ResilienceModule } from '../../src/index.js';
import { closeAll, service, start } from '../support/nest.js';

afterEach(closeAll);

@Injectable()
class Billing {
  calls = 0;

  @Resilience('billing')
  async bill(): Promise<string> {
    if (++this.calls < 3) throw new Error('not yet');
    return 'billed';
  }
}

@Module({
  imports: [ResilienceModule.forFeature({ presets: { billing: policies.retry({ maxAttempts: 3, backoff: 'none' }) } })],
  providers: [Billing],
})
class BillingModule {}

describe('forFeature', () => {
  it('gives a feature module presets of its own', async () => {
    const app = await start({ imports: [BillingModule] });
    await expect(app.get(Billing, { strict: false }).bill()).resolves.toBe('billed');
    expect(String(service(app).explain('Billing.bill'))).toContain('maxAttempts 3 (preset billing)');
  });

  it('may say the same as another module, but nothing else under the same name', async () => {
    const same = ResilienceModule.forFeature({ presets: { billing: policies.retry({ maxAttempts: 3, backoff: 'none' }) } });
    await expect(start({ imports: [BillingModule, same] })).resolves.toBeDefined();
    const other = ResilienceModule.forFeature({ presets: { billing: policies.retry(9) } });
    await expect(start({ imports: [BillingModule, other] })).rejects.toThrow('preset "billing" is there already, with another policy');
  });

  it('says that it was given none', () => {
    expect(() => ResilienceModule.forFeature(undefined as never)).toThrow(
      'ResilienceModule.forFeature: presets must be an object of policies, got undefined',
    );
  });

  it('says what is wrong with a preset', async () => {
    const wrong = ResilienceModule.forFeature({ presets: { odd: { kind: 'retri' } as unknown as ReturnType<typeof policies.retry> } });
    await expect(start({ imports: [wrong] })).rejects.toThrow(ResilienceConfigError);
  });
});
