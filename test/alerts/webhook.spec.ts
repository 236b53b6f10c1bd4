import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SIGNATURE_HEADER, verifySignature, webhookChannel, type Alert, type WebhookChannelOptions } from '../../src/alerts/index.js';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const alert = (id: string): Alert => ({
  id,
  rule: 'circuits',
  severity: 'warning',
  status: 'firing',
  subject: 'payments',
  summary: 'it is open',
  since: '2026-01-01T00:00:00.000Z',
  at: '2026-01-01T00:00:00.000Z',
  suppressed: 0,
});

describe('a webhook', () => {
  const received: Received[] = [];
  let answer: (request: number) => { status: number; headers?: Record<string, string> } | 'nothing';
  let server: Server;
  let url: string;

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString()));
      request.on('end', () => {
        received.push({ headers: request.headers, body });
        const said = answer(received.length);
        if (said !== 'nothing') response.writeHead(said.status, said.headers).end('thanks');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    received.length = 0;
    answer = () => ({ status: 204 });
  });
  const channel = (options: Partial<WebhookChannelOptions> = {}) => webhookChannel({ url, ...options });

  it('is signed, so that the receiver can tell that it is from us and fresh', async () => {
    const hook = channel({ secret: 'hush', headers: { 'X-Team': 'shop' } });
    await hook.send(alert('one'));
    await hook.close();
    const [{ headers, body }] = received as [Received];
    expect(JSON.parse(body)).toEqual(alert('one'));
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'idempotency-key': 'one', 'x-team': 'shop' });
    const signature = headers[SIGNATURE_HEADER.toLowerCase()] as string;
    expect(verifySignature(body, signature, 'hush')).toBe(true);
    expect(verifySignature(`${body} `, signature, 'hush')).toBe(false);
    expect(verifySignature(body, signature, 'other')).toBe(false);
    expect(verifySignature(body, undefined, 'hush')).toBe(false);
    const later = { now: () => 0, setTimer: () => 0, clearTimer: () => undefined, wallTime: () => Date.now() + 600_000 };
    expect(verifySignature(body, signature, 'hush', '5m', later)).toBe(false);
  });

  it('is tried again after a failure with the same idempotency key, as late as the receiver asks', async () => {
    answer = (request) => (request === 1 ? { status: 503, headers: { 'Retry-After': '1' } } : { status: 200 });
    const hook = channel();
    const begun = Date.now();
    await hook.send(alert('two'));
    expect(Date.now() - begun).toBeGreaterThanOrEqual(990);
    expect(received.map(({ headers }) => headers['idempotency-key'])).toEqual(['two', 'two']);
    await hook.close();
  });

  it('is not tried again where the receiver says that it is wrong', async () => {
    answer = () => ({ status: 400 });
    const hook = channel();
    await expect(hook.send(alert('three'))).rejects.toThrow('the receiver answered 400');
    expect(received).toHaveLength(1);
    await hook.close();
  });

  it('is given up where the receiver does not answer', async () => {
    answer = () => 'nothing';
    const hook = channel({ timeout: 30, maxAttempts: 1 });
    await expect(hook.send(alert('four'))).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
    await hook.close();
  });

  it('keeps the order, and drops the oldest of those that wait where there are too many', async () => {
    let free: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (free = resolve));
    const hook = channel({ maxQueue: 2, body: ({ id }) => ({ text: id }) });
    answer = () => {
      free();
      return { status: 200 };
    };
    const sent = ['a', 'b', 'c', 'd'].map((id) => hook.send(alert(id)));
    const ends = await Promise.allSettled(sent);
    await held;
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(received.map(({ body }) => (JSON.parse(body) as { text: string }).text)).toEqual(['a', 'c', 'd']);
    await hook.close();
  });

  it('delivers what waits when the application shuts down, for so long at most', async () => {
    const hook = channel();
    const sent = ['a', 'b', 'c'].map((id) => hook.send(alert(id)));
    await hook.close();
    await Promise.all(sent);
    expect(received).toHaveLength(3);

    answer = () => 'nothing';
    const stuck = channel({ drainTimeout: 30 });
    const ends = Promise.allSettled(['x', 'y'].map((id) => stuck.send(alert(id))));
    await stuck.close();
    expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
