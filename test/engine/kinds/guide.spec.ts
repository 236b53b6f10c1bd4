import { readFileSync } from 'node:fs';
import { Resilience, type Policy } from '../../../src/core.js';
import { FakeClock } from '../../../src/testing/index.js';
import { quarantine, quarantineKind } from './quarantine.js';

const page = readFileSync('docs/write-a-policy.md', 'utf8');
const file = readFileSync('test/engine/kinds/quarantine.ts', 'utf8');

describe('the policy of docs/write-a-policy.md', () => {
  it('stands there as it is compiled here, in under 145 lines', () => {
    expect(page).toContain(file.replaceAll("'../../../src/", "'../../"));
    expect(file.split('\n').length).toBeLessThan(145);
  });

  it('is explained member by member', () => {
    const contract = readFileSync('src/engine/contract/strategy.ts', 'utf8');
    const members = [...contract.slice(contract.indexOf('interface Strategy')).matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map(
      ([, name]) => name!,
    );
    expect(members.length).toBeGreaterThan(15);
    expect(members.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it('works: handed to the library from outside', async () => {
    const clock = new FakeClock();
    const resilience = new Resilience({ clock, kinds: [quarantineKind], overrides: { '*': { quarantine: { duration: '2s' } } as object } });
    const policy = quarantine({ key: (id: string) => id }) as unknown as Policy;
    const fetchOrder = resilience.wrap(policy, async (id: string, fails: boolean) => (fails ? Promise.reject(new Error('down')) : id), {
      name: 'orders',
    });
    await expect(fetchOrder('1', true)).rejects.toThrow('down');
    await expect(fetchOrder('1', false)).rejects.toThrow('orders: a call like this has just failed');
    expect(await fetchOrder('2', false)).toBe('2');
    await clock.advance(2000);
    expect(await fetchOrder('1', false)).toBe('1');
    expect(resilience.metrics().byOperation['orders']).toMatchObject({ quarantined: 1, rejections: 1 });
  });

  it('tells its mistakes at startup', () => {
    const resilience = new Resilience({ kinds: [quarantineKind] });
    const declare = (options: object) => () => resilience.declare('x', { kind: 'quarantine', ...options } as unknown as Policy);
    expect(declare({ key: () => 'a', duration: 'soon' })).toThrow('x: quarantine duration must be a duration > 0');
    expect(declare({})).toThrow('key is required');
    expect(() => new Resilience({ kinds: [quarantineKind, quarantineKind] })).toThrow('there is a kind "quarantine" already');
    expect(() => new Resilience({ kinds: [{ kind: 'half', label: 'Half' }] })).toThrow('kinds must be a list of kinds');
  });
});
