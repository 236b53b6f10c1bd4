/** What is looked at of a request of Express or Fastify. */
export interface ClientRequest {
  readonly ip?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/**
 * The address of the client, as a key for limits. Behind a proxy it is right only where the platform is told how many
 * proxies to trust (`app.set('trust proxy', 1)`, `new FastifyAdapter({ trustProxy: '10.0.0.0/8' })`): a header that anybody can send must
 * not choose the limit.
 */
export function clientIp({ ip }: ClientRequest): string | undefined {
  // An IPv4 client of a socket that listens on both is the same client.
  return ip?.startsWith('::ffff:') === true ? ip.slice('::ffff:'.length) : ip;
}

/** A header as a key for limits, e.g. that of an API key; the common limit for whoever does not send it. */
export function byHeader(name: string): (request: ClientRequest) => string | undefined {
  const lower = name.toLowerCase();
  return ({ headers }) => {
    const value = headers[lower];
    return Array.isArray(value) ? value[0] : value;
  };
}
