/**
 * Whose state a call uses: text, or a value whose text is meant. `undefined` and `null` mean the common state. Texts of
 * more than 128 characters are kept as their SHA-256 hash.
 */
export type Key = string | number | bigint | boolean | null | undefined;
