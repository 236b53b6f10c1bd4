import { createHash } from 'node:crypto';

/** What is longer in UTF-8 is hashed: keys are often somebody's tokens or addresses, and their length is for others to choose. */
const MAX_BYTES = 64;

/** What would end a part of a key, or a hash tag; and the sign that marks what was replaced. */
const SPECIAL = /[:{}%]/g;

/** Half of a character: in UTF-8 all of them look alike. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** A part of a key, from any text: no two texts give the same part. */
export function keyPart(text: string): string {
  if (LONE_SURROGATE.test(text)) return `%h${digest(Buffer.from(text, 'utf16le'))}`;
  if (Buffer.byteLength(text) > MAX_BYTES) return `%h${digest(text)}`;
  return text.replaceAll(SPECIAL, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** 132 bits: nobody finds two texts with one of them. */
function digest(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

/** The names of all that a group has in the store. */
export class StoreKeys {
  constructor(
    private readonly prefix: string,
    private readonly group: string,
  ) {}

  /** A key on the shard of the group, where breakers, bulkheads, the fleet and the version key are: `{resilience:shop}:circuit:payments`. */
  ofGroup(...parts: readonly string[]): string {
    return [`{${this.prefix}:${this.group}}`, ...parts.map(keyPart)].join(':');
  }

  /** A key on a shard of its own policy's: `{resilience:shop:limit:payments}:user-7`. */
  ofPolicy(kind: string, name: string, ...parts: readonly string[]): string {
    return [`{${this.prefix}:${this.group}:${kind}:${keyPart(name)}}`, ...parts.map(keyPart)].join(':');
  }

  /** What news are published on: `resilience:shop:circuits`. */
  channel(...parts: readonly string[]): string {
    return [this.prefix, this.group, ...parts.map(keyPart)].join(':');
  }
}

/** The part of a key that says on which shard it is; keys of one script have it in common. */
export function tagOf(key: string): string {
  return key.slice(0, key.indexOf('}') + 1);
}
