import { readFileSync } from 'node:fs';
import { Injectable } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { createResilience, type ResilienceOptions } from '../../src/core.js';
import { CircuitBreaker, ResilienceModule, ResilienceService, Retry, type ResilienceModuleOptions } from '../../src/index.js';

const page = readFileSync('docs/configuration.md', 'utf8');
const block = (language: string): string => new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(page)![1]!;
const validate = new Ajv2020({ strict: true }).compile(JSON.parse(readFileSync('schema.json', 'utf8')) as object);

const examples = [
  ['JSON', JSON.parse(block('json')) as object],
  ['YAML', parse(block('yaml')) as object],
] as const;

describe('a configuration file', () => {
  it.each(examples)('of the docs in %s keeps to the schema, and is taken', (_language, file) => {
    expect(validate(file)).toBe(true);
    const options = Object.fromEntries(Object.entries(file).filter(([key]) => key !== '$schema')) as ResilienceOptions;
    expect(() => createResilience(options)).not.toThrow();
  });

  it.each<[string, object, string]>([
    ['an unknown kind', { overrides: { Foo: { retri: {} } } }, '/overrides/Foo'],
    ['an unknown option', { overrides: { Foo: { retry: { maxAttemps: 2 } } } }, '/overrides/Foo/retry'],
    [
      'a number out of range',
      { defaults: { circuitBreaker: { failureRateThreshold: 2 } } },
      '/defaults/circuitBreaker/failureRateThreshold',
    ],
    ['a duration without a unit it knows', { defaults: { timeout: { duration: '2 sec' } } }, '/defaults/timeout/duration'],
    ['a name in an override', { overrides: { Foo: { bulkhead: { name: 'x' } } } }, '/overrides/Foo/bulkhead'],
    ['a kind twice in the order', { order: ['retry', 'retry'] }, '/order'],
  ])('with %s is rejected by the schema, and by the library', (_what, file, place) => {
    expect(validate(file)).toBe(false);
    expect(validate.errors!.map(({ instancePath }) => instancePath)).toContain(place);
    expect(() => createResilience(file)).toThrow();
  });
});

describe('forRootAsync with ConfigService', () => {
  it('takes what the configuration says, and variables over it', async () => {
    @Injectable()
    class PaymentsClient {
      @Retry(4)
      @CircuitBreaker({ name: 'payments' })
      async charge(): Promise<string> {
        return 'ok';
      }
    }
    const file = {
      overrides: { payments: { circuitBreaker: { openDuration: '1m' } } },
      env: { variables: { RESILIENCE_RETRY_MAXATTEMPTS: '2' } },
    };
    const module = await Test.createTestingModule({
      imports: [
        ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => ({ resilience: file })] }),
        ResilienceModule.forRootAsync({
          imports: [ConfigModule],
          inject: [ConfigService],
          useFactory: (config: ConfigService): ResilienceModuleOptions => config.getOrThrow('resilience'),
        }),
      ],
      providers: [PaymentsClient],
    }).compile();
    await module.init();
    const text = String(module.get(ResilienceService).explain('PaymentsClient.charge'));
    expect(text).toContain('openDuration 1m (override payments)');
    expect(text).toContain('maxAttempts 2 (env RESILIENCE_RETRY_MAXATTEMPTS)');
    await module.close();
  });

  it('logs each operation at debug level, and warns of what meets nothing', async () => {
    @Injectable()
    class Orders {
      @Retry(4)
      async place(): Promise<string> {
        return 'ok';
      }
    }
    const told: string[] = [];
    const tell = (message: string): void => void told.push(message);
    const module = await Test.createTestingModule({
      imports: [ResilienceModule.forRoot({ overrides: { Order: { retry: false } }, logger: { warn: tell, error: tell, debug: tell } })],
      providers: [Orders],
    }).compile();
    await module.init();
    expect(told[0]).toBe('overrides: "Order" is no class, method or policy name; did you mean "Orders"?');
    expect(told[1]).toMatch(/^Orders\.place\n {2}retry: maxAttempts 4 \(method\)/);
    await module.close();
  });
});
