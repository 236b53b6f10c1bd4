import { dirname } from 'node:path';
import { kindTable } from '../../src/policies/index.js';
import { codeOf, roomOf, sources } from './sources.js';

const files = [...sources()];

/** Where something stands that has one place, and why it may stand elsewhere too. */
const PLACES: readonly { readonly what: RegExp; readonly where: Record<string, string> }[] = [
  { what: /\bsetTimeout\b|\bclearTimeout\b/, where: { 'engine/clock.ts': 'the one place of timers' } },
  { what: /\bsetInterval\b/, where: {} },
  { what: /\bperformance\.now\b|\bDate\.now\b|\bnew Date\(/, where: { 'engine/clock.ts': 'the one place of time' } },
  { what: /\bMath\.random\b/, where: { 'engine/clock.ts': 'the one place of chance' } },
  { what: /\bconsole\./, where: {} },
  {
    what: /\bsetImmediate\b/,
    where: {
      'testing/fake-clock.ts': 'lets promises settle in a test',
      'integrations/redis/connection/pending-command.ts': 'reads what has arrived before it judges that nothing has',
      'engine/waiting/turn-end.ts': 'the one place that waits for the end of a turn',
      'nest/resilience.module.ts': 'lets the last answers be written before the servers close',
    },
  },
  {
    what: /\bprocess\.(?!emitWarning)/,
    where: {
      'config/environment-variables.ts': 'reads the variables, where the application says so',
      'application/snapshots/file/file-lock.ts': 'writes whose the lock is, and looks whether that process is alive',
    },
  },
];

/** Files over 200 lines, each with its reason. */
const LONG_FILES: Record<string, string> = {
  'engine/pipeline/pipeline.ts': 'the walk of a call in one piece: enter, leave, wait, cut off',
  'engine/call/call.ts': 'the record of a call, field by field',
  'engine/drivers/promise.ts': 'the short way and the long way of one call, in sight of each other',
  'engine/drivers/observable-run.ts': 'one run of one Observable, all its ends in sight of each other',
  'policies/circuit-breaker/circuit.ts': 'every change of the state of a circuit, in one place',
  'policies/circuit-breaker/shared/shared-circuit.ts': 'what a circuit knows of the fleet, and every way in which that changes its state',
  'policies/circuit-breaker/shared/circuit-group.ts': 'all that goes to the store and when, in one place',
  'policies/bulkhead/bulkhead.ts': 'the public face of a bulkhead, half of it doc comments',
  'policies/bulkhead/shared/shared-partition.ts': 'all that happens to the places of one key where a store decides',
  'policies/circuit-breaker/circuit-breaker.ts': 'the public face of a breaker, half of it doc comments',
  'policies/rate-limit/shared/exact/exact-permits.ts': 'every end of an ask, in sight of each other',
  'policies/rate-limit/shared/leased/leased-permits.ts': 'the life of a batch and of those that wait for it, in one piece',
  'policies/circuit-breaker/circuit-breaker.telemetry.ts': 'its events and its metrics, declared in one place',
  'policies/retry/retry.policy.ts': 'all options of a retry with their meaning',
  'application/fleet/fleet.ts': 'the public face of the fleet, and what its heartbeats say and bring',
  'application/resilience.ts': 'the public face of the library, half of it doc comments',
};

/** Files over 250 lines, until they are split. */
const VERY_LONG_FILES = [
  'application/resilience.ts',
  'engine/call/call.ts',
  'engine/pipeline/pipeline.ts',
  'policies/circuit-breaker/circuit-breaker.ts',
  'policies/circuit-breaker/shared/shared-circuit.ts',
];

/** Files that may name a kind of policy, beside its folder, the table and the decorators. */
const NAMES_KINDS: Record<string, string> = {
  'application/profiles.ts': 'says how each of them is set in a whole service',
  'testing/resilience-testing.module.ts': 'switches fallbacks off too',
  'policies/index.ts': 'the kind table',
  'nest/decorators.ts': 'the decorators',
  'nest/explorer.ts': 'warns of a queue that a method and those that it calls share',
  'core.ts': 'exports each kind',
  'index.ts': 'exports the decorators',
  'nest/index.ts': 'exports the decorators',
  'application/resilience.ts': 'gives the instances that can be used by hand',
  'integrations/redis/connection/make-client.ts': 'an option of a client is called so',
  'integrations/http/limits/limit.ts': 'limits requests by one of them',
  'integrations/alerts/rules.ts': 'a rule on the use of each of them',
  'integrations/alerts/rule-settings.ts': 'the options of those rules',
  'integrations/alerts/rule-names.ts': 'what those rules may name',
  'integrations/alerts/detectors/detectors.ts': 'what the rules look at',
  'integrations/alerts/webhook/webhook-channel.ts': 'is protected by our own policies',
  'integrations/terminus/resilience.health.ts': 'a method for each of them',
  'integrations/terminus/index.ts': 'exports their options',
};

describe('the house', () => {
  it.each(PLACES.map((place) => [String(place.what), place] as const))('has %s in its one place', (_name, { what, where }) => {
    const elsewhere = files.filter(([file, text]) => !Object.hasOwn(where, file) && what.test(codeOf(text))).map(([file]) => file);
    expect(elsewhere).toEqual([]);
  });

  it('has files of about two hundred lines, and a reason for each longer one', () => {
    const long = files.filter(([, text]) => text.split('\n').length > 201).map(([file]) => file);
    expect(long.toSorted()).toEqual(Object.keys(LONG_FILES).toSorted());
    const veryLong = files.filter(([, text]) => text.split('\n').length > 251).map(([file]) => file);
    expect(veryLong.toSorted()).toEqual(VERY_LONG_FILES);
  });

  it('has no folder of more than sixteen files, and none that says nothing', () => {
    const folders = new Map<string, number>();
    for (const [file] of files) folders.set(dirname(file), (folders.get(dirname(file)) ?? 0) + 1);
    expect([...folders].filter(([, count]) => count > 16)).toEqual([]);
    // State that instances share is called so in the field; code that several files need is not.
    const named = files.map(([file]) => file.replace(/^policies\/[\w-]+\/shared\//, ''));
    expect(named.filter((file) => /(utils?|helpers?|common|shared|manager|types)(\.ts|\/)/.test(file))).toEqual([]);
  });

  it('names a kind of policy only in its folder, the table and the decorators', () => {
    const names = kindTable
      .flatMap(({ kind, label }) => [kind, label])
      .filter((name) => !['timeout', 'Timeout', 'retry', 'fallback'].includes(name));
    const pattern = new RegExp(`\\b(${names.join('|')}|[rR]etry(?!After)|[fF]allback)(Strategy|Kind|Options|Policy)?\\b`);
    const naming = files.filter(
      ([file, text]) => !roomOf(file).startsWith('policies/') && !Object.hasOwn(NAMES_KINDS, file) && pattern.test(codeOf(text)),
    );
    expect(naming.map(([file, text]) => `${file}: ${pattern.exec(codeOf(text))![0]}`)).toEqual([]);
  });

  it('silences no check without a reason beside it', () => {
    const silenced = files.flatMap(([file, text]) =>
      [...text.matchAll(/^(.*)\n.*(ts-ignore|ts-expect-error|(oxlint|eslint)-disable).*$/gm)]
        .filter(([, before]) => !before!.trim().startsWith('//'))
        .map(() => file),
    );
    expect(silenced).toEqual([]);
    expect(files.filter(([, text]) => /\b(TODO|FIXME|XXX|HACK)\b/.test(text)).map(([file]) => file)).toEqual([]);
  });

  it('says of few things that they are of another type than they seem, each with its reason above it', () => {
    const forced = files.flatMap(([file, text]) =>
      [...text.matchAll(/^(.*)\n.*\bas unknown as\b.*$/gm)].map(([, before]) => ({ file, isReasoned: before!.trim().startsWith('//') })),
    );
    expect(forced.filter(({ isReasoned }) => !isReasoned)).toEqual([]);
    expect(forced.length).toBeLessThan(10);
  });

  it('documents what users see', () => {
    const bare = files
      .filter(([file]) => /\.(policy|error)\.ts$|^application\/resilience\.ts$|decorators\.ts$/.test(file))
      .flatMap(([file, text]) =>
        [...text.matchAll(/(^|\n)(?!.*\*\/)(.*)\nexport (?:abstract )?(?:class|function|interface) (\w+)/g)]
          .filter(([, , before]) => !/(\*\/|^\s*@|\);?|[,;{}>])\s*$/.test(before!))
          .map(([, , , name]) => `${file}: ${name}`),
      );
    expect(bare).toEqual([]);
  });
});
