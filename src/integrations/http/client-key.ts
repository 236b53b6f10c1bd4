import { isIPv4, isIPv6 } from 'node:net';

/** What is looked at of a request of Express or Fastify. */
export interface ClientRequest {
  readonly ip?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What counts as one client. */
export interface ClientIpOptions {
  /**
   * How many bits of an IPv6 address tell clients apart, 1 to 128. One customer has a /64 at least, and all 2^64 of its addresses.
   * @default 64
   */
  readonly ipv6Prefix?: number;
}

/** A key for limits from a request. */
export type ClientKey = (request: ClientRequest) => string | undefined;

/** One customer of a provider gets that much at least (RFC 6177). */
const DEFAULT_PREFIX = 64;

/**
 * The address of the client, as a key for limits; of an IPv6 address the network of so many bits: `key: clientIp({ ipv6Prefix: 56 })`.
 * @throws RangeError where the prefix is no integer from 1 to 128
 */
export function clientIp(options: ClientIpOptions): ClientKey;
/**
 * The same with /64 for IPv6: `key: clientIp`. Behind a proxy it is right only where the platform is told how many proxies to trust
 * (`app.set('trust proxy', 1)`, `new FastifyAdapter({ trustProxy: '10.0.0.0/8' })`): a header that anybody can send must not choose
 * the limit.
 */
export function clientIp(request: ClientRequest): string | undefined;
export function clientIp(what: ClientRequest | ClientIpOptions): string | undefined | ClientKey {
  if ('headers' in what) return clientOf(what.ip, DEFAULT_PREFIX);
  const { ipv6Prefix = DEFAULT_PREFIX } = what;
  if (!Number.isInteger(ipv6Prefix) || ipv6Prefix < 1 || ipv6Prefix > 128)
    throw new RangeError(`clientIp: ipv6Prefix must be an integer from 1 to 128, got ${String(ipv6Prefix)}`);
  return ({ ip }) => clientOf(ip, ipv6Prefix);
}

/**
 * A header as a key for limits, e.g. that of an API key; the common limit for whoever does not send it. Only for a header that was
 * checked before: who can make up a new value gets a new limit each time.
 */
export function byHeader(name: string): ClientKey {
  const lower = name.toLowerCase();
  return ({ headers }) => {
    const value = headers[lower];
    return Array.isArray(value) ? value[0] : value;
  };
}

function clientOf(ip: unknown, prefix: number): string | undefined {
  if (typeof ip !== 'string' || ip === '') return undefined;
  const address = ip.split('%', 1)[0]!;
  if (!isIPv6(address)) return ip;
  const groups = groupsOf(address);
  // An IPv4 client of a socket that listens on both (`::ffff:10.0.0.1`) is the same client.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return [groups[6]! >> 8, groups[6]! & 0xff, groups[7]! >> 8, groups[7]! & 0xff].join('.');
  }
  const network = groups.map((group, index) => {
    const bits = Math.min(16, Math.max(0, prefix - index * 16));
    return (group & (0xffff << (16 - bits))).toString(16);
  });
  return `${network.slice(0, Math.ceil(prefix / 16)).join(':')}${prefix > 112 ? '' : '::'}/${prefix}`;
}

/** The eight groups of an address that is known to be one. */
function groupsOf(address: string): readonly number[] {
  const [left = '', right] = address.split('::');
  const before = groupsIn(left);
  const after = right === undefined ? [] : groupsIn(right);
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function groupsIn(text: string): readonly number[] {
  return text.split(':').flatMap((part) => {
    if (part === '') return [];
    if (!isIPv4(part)) return [Number.parseInt(part, 16)];
    const [a, b, c, d] = part.split('.').map(Number) as [number, number, number, number];
    return [a * 256 + b, c * 256 + d];
  });
}
