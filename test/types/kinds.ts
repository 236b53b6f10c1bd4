/** What the type checker knows of kinds: what their rules say, and that the table and the types name the same ones. */
import type { PolicyKind } from '../../src/engine/contract/kind.js';
import { choice, duration, flag, integer, record, text, type OptionsOf, type Rule } from '../../src/options/index.js';
import type { kindTable, PolicyKindName } from '../../src/policies/index.js';

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

export const everyKindHasItsLine: Same<(typeof kindTable)[number]['kind'], PolicyKindName> = true;

const rules = {
  limit: integer({ min: 1, default: 10 }),
  per: duration(),
  mode: choice(['strict', 'loose'], { default: 'strict' }),
  isOn: flag({ default: true }),
  inner: record('inner options', { size: integer({ min: 1 }), wait: duration({ default: '1s' }) }, ['size']),
  name: text(),
} satisfies Record<string, Rule>;

type Resolved = OptionsOf<typeof rules>;

export const quotaKind = {
  kind: 'quota',
  label: 'Quota',
  rules,
  telemetry: { events: {}, counters: [], metrics: [] },
  instance: {
    settings: ({ limit }) => ({ limit }),
    create: (_name, { limit }) => new Set<number>([limit]),
    snapshot: ({ size }) => ({ size }),
  },
  build({ limit, per, mode, isOn, inner }, { instance, name }) {
    const always: [number, 'strict' | 'loose', boolean, string] = [limit, mode, isOn, name];
    const maybe: [number | undefined, number | undefined] = [per, inner?.size];
    // @ts-expect-error what has no default may not be there
    const wrong: number = per;
    // @ts-expect-error there is no such option
    const misspelt = (options: Resolved): number => options.limitt;
    void [always, maybe, wrong, misspelt, instance.has(limit)];
    return [];
  },
} as const satisfies PolicyKind<Resolved, Set<number>, { readonly limit: number }>;
