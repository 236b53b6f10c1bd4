import fc from 'fast-check';
import { keyPart, StoreKeys, tagOf } from '../../../src/integrations/redis/keys.js';

const keys = new StoreKeys('resilience', 'shop');

describe('keys in the store', () => {
  it('of breakers, bulkheads and the fleet are on the shard of the group, and those of limits on one of each limit', () => {
    expect(keys.ofGroup('circuit', 'payments')).toBe('{resilience:shop}:circuit:payments');
    expect(keys.ofPolicy('limit', 'payments', 'user-7')).toBe('{resilience:shop:limit:payments}:user-7');
    expect([tagOf(keys.ofGroup('x', 'a}b')), tagOf(keys.ofPolicy('limit', 'a}b', 'c}'))]).toEqual([
      '{resilience:shop}',
      '{resilience:shop:limit:a%7Db}',
    ]);
    expect(keys.channel('circuits')).toBe('resilience:shop:circuits');
  });

  it('have no sign of a name that means something in a key', () => {
    expect(keyPart('a:b{c}d%3A')).toBe('a%3Ab%7Bc%7Dd%253A');
  });

  it('are at most as long as 64 bytes of a name make them', () => {
    expect(keyPart('x'.repeat(64))).toBe('x'.repeat(64));
    expect(keyPart('x'.repeat(65))).toMatch(/^%h[\w-]{22}$/);
    expect(keyPart('ü'.repeat(33))).toMatch(/^%h[\w-]{22}$/);
  });

  it('are never the same for two names', () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 90 }),
      fc.string({ unit: fc.constantFrom('\ud800', '\udc00', '%', ':', 'h'), maxLength: 70 }),
    );
    fc.assert(
      fc.property(name, name, (a, b) => a === b || !Buffer.from(keyPart(a)).equals(Buffer.from(keyPart(b)))),
      { numRuns: 2000 },
    );
  });
});
