import { KeyTable } from '../../src/engine/state/key-table.js';

describe('a key table', () => {
  const make = (capacity: number) => {
    const evicted: string[] = [];
    const table: KeyTable = new KeyTable(capacity, (_slot, key) => evicted.push(key));
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

  it('keeps both orders whole where the owner lets go of a slot while it is evicted', () => {
    const evicted: string[] = [];
    const table: KeyTable = new KeyTable(3, (slot, key) => {
      evicted.push(key);
      table.hold(slot, false);
    });
    const use = (key: string): number => table.use(key, () => undefined);
    for (const key of ['a', 'b', 'c']) table.hold(use(key), true);
    ['d', 'e', 'f'].forEach(use);
    expect(evicted).toEqual(['a', 'd', 'e']);
    for (const key of ['b', 'c']) table.hold(table.find(key)!, false);
    ['g', 'h', 'i'].forEach(use);
    expect(evicted.slice(3)).toEqual(['f', 'b', 'c']);
    expect([table.size, [...table.heldSlots()]]).toEqual([3, []]);
  });

  describe('that knows how much is left to a key', () => {
    const withLeft = (capacity: number) => {
      const left = new Map<string, number>();
      const evicted: string[] = [];
      const table: KeyTable = new KeyTable(
        capacity,
        (_slot, key) => evicted.push(key),
        () => (slot) => left.get(table.keyOf(slot)!) ?? 5,
      );
      return { left, evicted, table, use: (key: string): number => table.use(key, () => undefined) };
    };

    it('evicts of some from the old end the one with the most left', () => {
      const { left, evicted, use } = withLeft(3);
      ['a', 'b', 'c'].forEach(use);
      left.set('a', 1).set('b', 4).set('c', 4);
      ['d', 'e'].forEach(use);
      expect(evicted).toEqual(['b', 'd']);
    });

    it('spares an exhausted key however many others come, and wherever exhausted ones stand beside it', () => {
      const { left, table, use } = withLeft(1000);
      for (let index = 0; index < 50; index++) left.set(`login ${index}`, 0);
      [...left.keys()].forEach(use);
      for (let index = 0; index < 100_000; index++) use(`cheap ${index}`);
      expect([...left.keys()].filter((key) => table.find(key) === undefined)).toEqual([]);
      expect(table.size).toBe(1000);
    });

    it('forgets an exhausted key once its permits are back, or where all are exhausted', () => {
      const { left, evicted, use } = withLeft(3);
      left.set('a', 0);
      ['a', 'b', 'c', 'd'].forEach(use);
      expect(evicted).toEqual(['b']);
      left.set('a', 5);
      use('e');
      expect(evicted).toEqual(['b', 'a']);
      for (const key of ['c', 'd', 'e']) left.set(key, 0);
      use('f');
      expect(evicted).toEqual(['b', 'a', 'c']);
    });
  });
});
