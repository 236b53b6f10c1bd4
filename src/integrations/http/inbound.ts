import type { ArgumentsHost } from '@nestjs/common';
import { formatValue, suggestion, type Rule } from '../../options/index.js';
import type { ClientRequest } from './client-key.js';

/** What handlers are called by, as `getType()` of a context has it. */
export const INBOUND_TYPES = ['http', 'graphql', 'ws', 'rpc'] as const;
export type InboundType = (typeof INBOUND_TYPES)[number];

/** What came in: who sent it, and where the answer goes, where headers can be put on it. */
export interface Inbound {
  readonly type: InboundType;
  readonly request: ClientRequest;
  readonly response: object | undefined;
}

/** A request of which only the connection is known. */
interface Connected {
  readonly ip?: string;
  readonly headers?: ClientRequest['headers'];
  readonly socket?: { readonly remoteAddress?: string };
}

/**
 * The request of a context by its type, and nothing that the sender could make up as a part of its payload: over GraphQL that of the
 * context object (`req`), over a WebSocket the handshake, over RPC the connection. `undefined` for a context of another library.
 */
export function inboundOf(host: ArgumentsHost): Inbound | undefined {
  switch (host.getType<string>()) {
    case 'http': {
      const http = host.switchToHttp();
      return { type: 'http', request: http.getRequest(), response: http.getResponse() };
    }
    case 'graphql':
      return ofGraphql(host.getArgByIndex<unknown>(2));
    case 'ws':
      return { type: 'ws', request: ofSocket(host.switchToWs().getClient()), response: undefined };
    case 'rpc':
      return { type: 'rpc', request: ofRpc(host.switchToRpc().getContext()), response: undefined };
    default:
      return undefined;
  }
}

/** A list of types, as an option. */
export const contextsRule: Rule<readonly InboundType[]> = {
  expects: `a list of ${INBOUND_TYPES.join(', ')}`,
  read(value, path, problems) {
    if (!Array.isArray(value)) {
      problems.add(`${path} must be ${this.expects}, got ${formatValue(value)}`);
      return undefined;
    }
    for (const one of value as readonly unknown[]) {
      if ((INBOUND_TYPES as readonly unknown[]).includes(one)) continue;
      const hint = typeof one === 'string' ? suggestion(one, INBOUND_TYPES) : '';
      problems.add(`${path} must be of ${INBOUND_TYPES.join(', ')}, got ${formatValue(one)}${hint}`);
    }
    return value as readonly InboundType[];
  },
};

/** `context: ({ req, res }) => ...` of Apollo, `reply` of Fastify and Mercurius, `extra.request` of graphql-ws. */
function ofGraphql(context: unknown): Inbound {
  const { req, request, res, reply, extra } = (context ?? {}) as {
    req?: Connected & { res?: object };
    request?: Connected;
    res?: object;
    reply?: object & { request?: Connected };
    extra?: { request?: Connected };
  };
  const found = req ?? request ?? reply?.request ?? extra?.request;
  return { type: 'graphql', request: connected(found), response: reply ?? res ?? req?.res };
}

/** A client of socket.io has its handshake; a plain WebSocket its socket. */
function ofSocket(client: unknown): ClientRequest {
  const { handshake, _socket } = (client ?? {}) as {
    handshake?: { address?: string; headers?: ClientRequest['headers'] };
    _socket?: { remoteAddress?: string };
  };
  return { ip: handshake?.address ?? _socket?.remoteAddress, headers: handshake?.headers ?? {} };
}

/** Only TCP knows a connection of the caller; elsewhere a broker stands between. */
function ofRpc(context: unknown): ClientRequest {
  const socket = (context as { getSocketRef?(): unknown } | undefined)?.getSocketRef?.() as
    { netSocket?: { remoteAddress?: string }; socket?: { remoteAddress?: string } } | undefined;
  return { ip: socket?.netSocket?.remoteAddress ?? socket?.socket?.remoteAddress, headers: {} };
}

function connected(request: Connected | undefined): ClientRequest {
  if (request?.ip !== undefined && request.headers !== undefined) return request as ClientRequest;
  return { ip: request?.ip ?? request?.socket?.remoteAddress, headers: request?.headers ?? {} };
}
