import { escapeText, quoteText } from '../../src/options/index.js';

describe('a text of a stranger', () => {
  it('cannot begin a line, move the cursor, or turn the direction of writing', () => {
    expect(quoteText('acme\n[Nest] 1  LOG\r\u001B[2K')).toBe(String.raw`"acme\n[Nest] 1  LOG\r\u{1b}[2K"`);
    expect(quoteText('a\u0085b\u009Bc\u2028d\u202Ee\u200Bf\u007F')).toBe(String.raw`"a\u{85}b\u{9b}c\u{2028}d\u{202e}e\u{200b}f\u{7f}"`);
  });

  it('cannot end its quotes, nor look like an escape that it is not', () => {
    expect(quoteText('say "no" \\n')).toBe(String.raw`"say \"no\" \\n"`);
  });

  it('is cut at 200 characters, also where it is escaped, and never in the middle of one', () => {
    expect(escapeText('x'.repeat(200))).toBe('x'.repeat(200));
    expect(escapeText('x'.repeat(1_000_000))).toBe(`${'x'.repeat(199)}…`);
    expect(escapeText('\n'.repeat(1000))).toHaveLength(200);
    expect(escapeText('😀'.repeat(300))).toBe(`${'😀'.repeat(99)}…`);
  });

  it('is left alone where there is nothing wrong with it', () => {
    expect(escapeText('Überraschung: Платежи – 决済')).toBe('Überraschung: Платежи – 决済');
    expect(quoteText('')).toBe('""');
  });
});
