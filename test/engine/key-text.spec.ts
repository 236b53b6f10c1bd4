import { keyText } from '../../src/engine/state/key-text.js';

const text = (key: unknown): string | undefined => keyText(key, 'the key function of @X', 'op');

describe('the text of a key', () => {
  it.each<[unknown, string | undefined]>([
    ['a', 'a'],
    ['', ''],
    [0, '0'],
    [-0, '0'],
    [Number.NaN, 'NaN'],
    [Infinity, 'Infinity'],
    [42n, '42'],
    [false, 'false'],
    [undefined, undefined],
    [null, undefined],
    ['x'.repeat(128), 'x'.repeat(128)],
  ])('of %p is %p', (key, expected) => {
    expect(text(key)).toBe(expected);
  });

  it.each<[string, unknown]>([
    ['an array', ['a']],
    ['an empty array', []],
    ['an object', { id: 1 }],
    ['a text object', Object('a')],
    ['a date', new Date(0)],
    ['a function', () => 'a'],
    ['a symbol', Symbol('a')],
    ['an object with a getter that throws', Object.defineProperty({}, 'a', { enumerable: true, get: () => { throw new Error('hostile'); } })], // prettier-ignore
  ])('there is none of %s: each request would have a state of its own', (_what, key) => {
    expect(() => text(key)).toThrow(/^op: the key function of @X must give text, a number, a bigint or a boolean, got /);
  });

  it('there is none of a promise, and its rejection ends nobody', async () => {
    expect(() => text(Promise.reject(new Error('async key')))).toThrow('got a promise');
    await new Promise(setImmediate);
  });

  it('longer than 128 characters is a hash, another one for each key', () => {
    const long = 'x'.repeat(200_000);
    expect(text(long)).toMatch(/^sha256:[\w-]{43}$/);
    expect(text(long)).toBe(text(long));
    expect(text(`${long}y`)).not.toBe(text(long));
    expect(text(10n ** 200n)).toMatch(/^sha256:/);
    const half = (unit: string): string => `${'x'.repeat(200)}${unit}`;
    expect(text(half('\uD800'))).not.toBe(text(half('\uD801'))); // both are U+FFFD in UTF-8
  });
});
