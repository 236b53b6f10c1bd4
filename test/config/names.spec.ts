import { createResilience, policies, ResilienceConfigError, type Resilience, type ResilienceOptions } from '../../src/core.js';
import { Lab } from '../support/lab.js';

/** An application with the operation `PaymentsClient.charge` and a breaker, a bulkhead and a limiter called `payments`. */
function application(options: ResilienceOptions = {}): Resilience {
  const { resilience } = new Lab(options);
  resilience.declare(
    'PaymentsClient.charge',
    policies.combine(
      policies.retry(3),
      policies.circuitBreaker({ name: 'payments' }),
      policies.rateLimit({ name: 'payments', limit: 5 }),
      policies.bulkhead({ name: 'payments' }),
    ),
  );
  return resilience;
}

function said(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof ResilienceConfigError) return error.problems;
    throw error;
  }
  return [];
}

const unmet = (options: ResilienceOptions): readonly string[] => application(options).unmatchedOverrides();
const env = (name: string): ResilienceOptions => ({ env: { variables: { [name]: '5' } } });

describe('a name that means nothing', () => {
  it.each<[string, () => readonly string[], string]>([
    [
      'an option',
      () => said(() => createResilience({ overides: {} } as ResilienceOptions)),
      'there is no option "overides"; did you mean "overrides"?',
    ],
    [
      'a kind in defaults',
      () => said(() => createResilience({ defaults: { rety: {} } as never })),
      'defaults: there is no kind "rety"; did you mean "retry"?',
    ],
    [
      'an option in defaults',
      () => said(() => createResilience({ defaults: { retry: { maxAttemps: 1 } as never } })),
      'defaults: retry has no option "maxAttemps"; did you mean "maxAttempts"?',
    ],
    [
      'a kind in the order',
      () => said(() => createResilience({ order: ['retri'] as never })),
      'order names no kind "retri"; did you mean "retry"?',
    ],
    [
      'an option of env',
      () => said(() => createResilience({ env: { prefx: 'X_' } as never })),
      'env: has no option "prefx"; did you mean "prefix"?',
    ],
    [
      'an event',
      () => said(() => createResilience().on('circuit-breakr.*' as never, () => undefined)),
      'on: there is no event "circuit-breakr.*"; did you mean "circuit-breaker.*"?',
    ],
    [
      'a profile',
      () => said(() => createResilience({ profile: 'develop' as never })),
      "profile must be 'production' or 'development', got \"develop\"",
    ],
    [
      'an override',
      () => unmet({ overrides: { PaymentClient: { retry: false } } }),
      'overrides: "PaymentClient" is no class, method or policy name; did you mean "PaymentsClient"?',
    ],
    [
      'a kind that the overridden has not',
      () => unmet({ overrides: { payments: { timeout: { duration: 1 } } } }),
      'overrides: "payments" has no timeout: an override changes only policies that are declared',
    ],
    [
      'a kind in an override',
      () => said(() => application({ overrides: { payments: { retri: {} } as never } })),
      'overrides: "payments": there is no kind "retri"; did you mean "retry"?',
    ],
    [
      'a class in a variable',
      () => unmet(env('RESILIENCE_PAYMENTCLIENT_RETRY_MAXATTEMPTS')),
      'env: RESILIENCE_PAYMENTCLIENT_RETRY_MAXATTEMPTS sets nothing; did you mean RESILIENCE_PAYMENTSCLIENT_RETRY_MAXATTEMPTS?',
    ],
    [
      'an option in a variable',
      () => unmet(env('RESILIENCE_RETRY_MAXATTEMPS')),
      'env: RESILIENCE_RETRY_MAXATTEMPS sets nothing; did you mean RESILIENCE_RETRY_MAXATTEMPTS?',
    ],
    [
      'what is reconfigured',
      () => said(() => application().reconfigure('payment', { bulkhead: { maxConcurrent: 1 } })),
      'reconfigure("payment"): there is no bulkhead of that name; did you mean "payments"?',
    ],
    [
      'a kind that is reconfigured',
      () => said(() => application().reconfigure('payments', { bulkhed: {} } as never)),
      'reconfigure("payments"): there is no kind "bulkhed"; did you mean "bulkhead"?',
    ],
    [
      'an option that is reconfigured',
      () => said(() => application().reconfigure('payments', { bulkhead: { maxConcurent: 1 } as never })),
      'reconfigure("payments"): bulkhead has no option "maxConcurent"; did you mean "maxConcurrent"?',
    ],
    [
      'a breaker by hand',
      () => said(() => application().circuitBreaker('paymnets')),
      'circuitBreaker("paymnets"): there is none of that name; did you mean "payments"? With options, circuitBreaker("paymnets", { ... }) makes one',
    ],
    [
      'a bulkhead by hand',
      () => said(() => application().bulkhead('paymnets')),
      'bulkhead("paymnets"): there is none of that name; did you mean "payments"? With options, bulkhead("paymnets", { ... }) makes one',
    ],
    [
      'a limiter by hand',
      () => said(() => application().rateLimiter('paymnets')),
      'rateLimiter("paymnets"): there is none of that name; did you mean "payments"? With options, rateLimiter("paymnets", { ... }) makes one',
    ],
    [
      'an operation that is explained',
      () => said(() => application().explain('PaymentsClient.chrge')),
      'there is no operation "PaymentsClient.chrge"; did you mean "PaymentsClient.charge"?',
    ],
    [
      'an operation that is measured',
      () => said(() => application().metrics('PaymentsClient.chrge')),
      'there is no operation "PaymentsClient.chrge"; did you mean "PaymentsClient.charge"?',
    ],
    [
      'a kind of policy',
      () => said(() => application().declare('op', { kind: 'retri' } as never)),
      'op: there is no kind "retri"; did you mean "retry"?',
    ],
    [
      'an option of a policy',
      () => said(() => application().declare('op', policies.retry({ maxAttemps: 1 } as never))),
      'op: retry has no option "maxAttemps"; did you mean "maxAttempts"?',
    ],
    [
      'an option of a call',
      () => said(() => application().wrap(policies.retry(), async () => 1, { nam: 'x' } as never)),
      'wrap: has no option "nam"; did you mean "name"?',
    ],
  ])('%s is told with the nearest one', (_what, told, expected) => {
    expect(told().join('\n')).toContain(expected);
  });

  it('is none any more where an operation of that name was made later', async () => {
    const options: ResilienceOptions = {
      overrides: { 'nightly-job': { retry: { maxAttempts: 9 } } },
      ...env('RESILIENCE_NIGHTLY_JOB_RETRY_MAXATTEMPTS'),
    };
    const resilience = application(options);
    expect(resilience.unmatchedOverrides()).toHaveLength(2);
    resilience.declare('nightly-job', policies.retry());
    expect(resilience.unmatchedOverrides()).toEqual([]);
    resilience.reconfigure('nightly-job', { retry: { maxAttempts: 2 } }); // before its first call
    expect(resilience.explain('nightly-job').pipeline[0]!.options['maxAttempts']).toEqual({ value: 2, source: 'reconfigure' });
    await expect(resilience.execute(policies.retry(), () => 'done', { name: 'nightly-job' })).resolves.toBe('done');
  });

  it('is told together with every other mistake, in overrides and in variables', () => {
    expect(
      said(() =>
        createResilience({
          overrides: { A: { retry: { maxAttempts: 0 } } },
          env: { variables: { RESILIENCE_A_RETRY_MAXATTEMPTS: 'many', RESILIENCE_ENABLED: 'perhaps' } },
        }),
      ),
    ).toEqual([
      'overrides: "A": retry maxAttempts must be an integer >= 1 or Infinity, got 0',
      'RESILIENCE_A_RETRY_MAXATTEMPTS must be an integer >= 1 or Infinity, got "many"',
      'RESILIENCE_ENABLED must be true or false, got "perhaps"',
    ]);
  });
});
