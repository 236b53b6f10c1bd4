import { KeyTable } from '../../src/engine/key-table.js';

describe('a key table', () => {
  const make = (capacity: number) => {
    const evicted: string[] = [];
    const table: KeyTable = new KeyTable(capacity, (slot) => evicted.push(table.keyOf(slot)!));
    const use = (key: string): number => table.use(key, () => undefined);
    return { table, evicted, use };
  };

  it('gives a key the same slot again', () => {
    const { use, table } = make(10);
    expect(use('a')).toBe(use('a'));
    expect(use('a')).not.toBe(use('b'));
    expect(table.size).toBe(2);
    expect(table.find('c')).toBeUndefined();
  });

  it('evicts the least recently used key', () => {
    const { use, evicted, table } = make(3);
    ['a', 'b', 'c', 'a', 'd', 'b', 'e'].forEach(use);
    expect(evicted).toEqual(['b', 'c', 'a']);
    expect(table.size).toBe(3);
  });

  it('evicts held keys last, and those in order of use too', () => {
    const { use, evicted, table } = make(3);
    ['a', 'b', 'c'].forEach(use);
    table.hold(use('a'), true);
    table.hold(use('b'), true);
    ['d', 'e'].forEach(use);
    expect(evicted).toEqual(['c', 'd']);
    table.hold(table.find('e')!, true);
    use('f');
    expect(evicted).toEqual(['c', 'd', 'a']);
    expect([...table.heldSlots()].map((slot) => table.keyOf(slot))).toEqual(['b', 'e']);
    table.hold(table.find('b')!, false);
    use('g');
    expect(evicted.at(-1)).toBe('f'); // letting go of a key is a use of it
    use('h');
    expect(evicted.at(-1)).toBe('b');
  });

  it('stays within its capacity over a hundred thousand keys, and grows by what it needs', () => {
    const { use, table } = make(1000);
    for (let index = 0; index < 100_000; index++) use(`key ${index}`);
    expect(table.size).toBe(1000);
    expect(table.find('key 99999')).toBeDefined();
    expect(table.find('key 98999')).toBeUndefined();
  });
});
