/** Longer texts of strangers are cut: a log line, an alert and a message stay readable whatever a client sends. */
const MAX_SHOWN = 200;

/** What would begin a new line, move the cursor of a terminal, or turn the direction of writing. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * A text that somebody else chose (a key, an upstream's error message), as it may stand in a line of a log or of an alert: whatever
 * could forge a line is escaped, and what is longer than 200 characters is cut.
 */
export function escapeText(text: string): string {
  // Cut twice: what is cut off is not worth escaping, and escaping makes it longer.
  const escaped = text
    .slice(0, MAX_SHOWN + 1)
    .replaceAll('\\', String.raw`\\`)
    .replaceAll(UNPRINTABLE, escapeOne);
  return escaped.length > MAX_SHOWN ? `${escaped.slice(0, MAX_SHOWN - 1).replace(/[\uD800-\uDBFF]$/, '')}…` : escaped;
}

/** The same in double quotes, for a value within a sentence. */
export function quoteText(text: string): string {
  return `"${escapeText(text).replaceAll('"', String.raw`\"`)}"`;
}

const SHORT: Readonly<Record<string, string>> = { '\n': String.raw`\n`, '\r': String.raw`\r`, '\t': String.raw`\t` };

function escapeOne(character: string): string {
  return SHORT[character] ?? `\\u{${character.codePointAt(0)!.toString(16)}}`;
}
