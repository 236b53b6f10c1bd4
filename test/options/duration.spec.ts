import { describeDuration, nearest, parseDuration, Problems, formatValue, suggestion } from '../../src/options/index.js';

describe('a duration', () => {
  it.each([
    [0, 0],
    [250, 250],
    [1.5, 1.5],
    ['250ms', 250],
    ['10s', 10_000],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
  ])('%p is %p ms', (written, milliseconds) => {
    expect(parseDuration(written)).toBe(milliseconds);
  });

  it.each([-1, Number.NaN, Infinity, '', '10', '10 s', '-5s', '10sec', 's', '1e3ms', null, undefined, {}, []])('%p is none', (value) => {
    expect(parseDuration(value)).toBeUndefined();
  });

  it.each([
    [0.2, '1 ms'],
    [850, '850 ms'],
    [12_300, '12.3 s'],
    [90_000, '90 s'],
    [300_000, '5 min'],
  ])('%p ms reads %p', (milliseconds, words) => {
    expect(describeDuration(milliseconds)).toBe(words);
  });
});

describe('the nearest name', () => {
  it('is found whatever the case, when few letters differ', () => {
    expect(nearest('maxattempt', ['maxAttempts', 'backoff'])).toBe('maxAttempts');
    expect(suggestion('jiter', ['jitter'])).toBe('; did you mean "jitter"?');
  });

  it('is none when nothing is near, or nothing is known', () => {
    expect(nearest('colour', ['maxAttempts', 'backoff'])).toBeUndefined();
    expect(suggestion('x', [])).toBe('');
  });
});

describe('a problem', () => {
  it('is told once', () => {
    const problems = new Problems();
    problems.add('one');
    problems.add('one');
    expect(problems.messages).toEqual(['one']);
  });

  it('says where it was found', () => {
    const problems = new Problems();
    problems.at('here:', (inner) => inner.add('one'));
    expect(problems.messages).toEqual(['here: one']);
  });
});

describe('a value in a message', () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;

  it.each([
    ['text', '"text"'],
    [12, '12'],
    [undefined, 'undefined'],
    [[1, 'a'], '[1, "a"]'],
    [{ a: 1 }, '{"a":1}'],
    [circular, 'an object'],
    [function named() {}, 'function named'],
    [() => 1, 'a function'],
    [10n, '10'],
    [Symbol('s'), 'Symbol(s)'],
  ])('%p is shown as %p', (value, shown) => {
    expect(formatValue(value)).toBe(shown);
  });

  it('is cut where it is long', () => {
    expect(formatValue('x'.repeat(200))).toHaveLength(82);
  });
});
