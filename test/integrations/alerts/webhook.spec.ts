import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  SIGNATURE_HEADER,
  verifySignature,
  webhookChannel,
  type Alert,
  type WebhookChannelOptions,
} from '../../../src/integrations/alerts/index.js';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const alert = (id: string, severity: Alert['severity'] = 'warning'): Alert => ({
  id,
  rule: 'circuits',
  severity,
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
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'idempotency-key': '"one"', 'x-team': 'shop' });
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
    expect(received.map(({ headers }) => headers['idempotency-key'])).toEqual(['"two"', '"two"']);
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

  it('lets the least severe make room, and sends the most severe first', async () => {
    const hook = channel({ maxQueue: 3, body: ({ id }) => id });
    const sent = [alert('first', 'info'), ...['i1', 'i2'].map((id) => alert(id, 'info')), alert('c1', 'critical'), alert('w1')];
    const flood = Array.from({ length: 50 }, (_, index) => alert(`flood ${index}`, 'info'));
    const ends = await Promise.allSettled(
      [...sent, ...flood, alert('c2', 'critical'), alert('c3', 'critical')].map((one) => hook.send(one)),
    );
    expect(received.map(({ body }) => JSON.parse(body) as string)).toEqual(['first', 'c1', 'c2', 'c3']);
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
    await hook.close();
  });

  it('arrives whatever the alert is called', async () => {
    const hook = channel();
    await hook.send({ ...alert('Платежи – \n"1"'), rule: 'Платежи – открыт' });
    expect(received[0]!.headers['idempotency-key']).toBe(`"${encodeURIComponent('Платежи – \n"1"')}"`);
    expect(JSON.parse(received[0]!.body)).toMatchObject({ rule: 'Платежи – открыт' });
    await hook.close();
  });

  it('has headers of your own instead of its own, not besides them', async () => {
    const hook = channel({
      headers: { 'content-type': 'application/cloudevents+json', 'IDEMPOTENCY-KEY': 'mine', 'x-resilience-signature': 'no' },
      secret: 'hush',
    });
    await hook.send(alert('own'));
    const [{ headers, body }] = received as [Received];
    expect(headers).toMatchObject({ 'content-type': 'application/cloudevents+json', 'idempotency-key': 'mine' });
    expect(verifySignature(body, headers[SIGNATURE_HEADER.toLowerCase()], 'hush')).toBe(true);
    await hook.close();
  });

  it('is accepted by old and new receivers while its secret is changed', async () => {
    const hook = channel({ secret: ['new', 'old'] });
    await hook.send(alert('rotated'));
    const [{ headers, body }] = received as [Received];
    const signature = headers[SIGNATURE_HEADER.toLowerCase()];
    for (const known of ['new', 'old', ['newest', 'new'], ['old', '']])
      expect(verifySignature(Buffer.from(body), signature, known)).toBe(true);
    for (const known of ['older', '', [], ['']]) expect(verifySignature(body, signature, known)).toBe(false);
    await hook.close();
  });

  it('is sent by a function of your own where that is wanted, which may reject or lie', async () => {
    const seen: string[] = [];
    const hook = channel({ fetch: (to, init) => (seen.push(to), fetch(to, init)) });
    await hook.send(alert('mine'));
    expect([seen, received.length]).toEqual([[url], 1]);
    await hook.close();

    const liar = channel({ fetch: () => Promise.resolve(undefined as unknown as Response), maxAttempts: 1 });
    await expect(liar.send(alert('lie'))).rejects.toThrow(TypeError);
    await liar.close();
  });

  it('does not name its address in an error, as the path is often a secret', async () => {
    const hook = channel({ fetch: (to) => Promise.reject(new Error(`cannot reach ${to}`)), maxAttempts: 1 });
    await expect(hook.send(alert('secret'))).rejects.toThrow('cannot reach ...');
    expect(hook.name).toBe(`webhook ${new URL(url).host}`);
    await hook.close();
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no text');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no text'))],
    ['gives nothing', () => undefined],
    ['gives what is no JSON', () => 1n],
  ])('whose body %s is not sent, nor tried again, and the next one is', async (_how, make) => {
    let asked = 0;
    const hook = channel({ body: ({ id }) => (id === 'bad' ? (asked++, make()) : Promise.resolve({ id })) });
    const ends = await Promise.allSettled([hook.send(alert('bad')), hook.send(alert('good'))]);
    expect(ends).toMatchObject([
      { status: 'rejected', reason: { message: expect.stringMatching(/^body (threw|gave)/) as string } },
      { status: 'fulfilled' },
    ]);
    expect([asked, received.map(({ body }) => body)]).toEqual([1, ['{"id":"good"}']]);
    await hook.close();
  });

  it('rejects what comes after it was closed', async () => {
    const hook = channel();
    await hook.close();
    await hook.close();
    await expect(hook.send(alert('late'))).rejects.toThrow('the application shuts down');
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

describe('options of a webhook', () => {
  const problemsOf = (options: object): readonly string[] => webhookChannel(options as WebhookChannelOptions).problems();

  it('are checked all at once, and none of the secrets among them is shown', () => {
    const problems = problemsOf({
      url: 'https://user:s3cr3t@alerts.example/hook',
      secret: ['s3cr3t', ''],
      headers: { 'a b': 's3cr3t' },
      body: {},
      fetch: 's3cr3t',
      timeout: 'abc',
      maxAttempts: 0,
      maxQueue: 1.5,
      drainTimeout: Number.NaN,
      clock: {},
      maxAtempts: 3,
    });
    expect(problems).toHaveLength(11);
    expect(problems.filter((problem) => problem.includes('s3cr3t') && !problem.startsWith('fetch'))).toEqual([]);
    expect(problems).toContain('has no option "maxAtempts"; did you mean "maxAttempts"?');
    for (const url of ['', 'alerts.example', 'ftp://alerts.example', ['https://a.example'], undefined])
      expect(problemsOf({ url })).toHaveLength(1);
  });

  it('have no secret that is not set, because nobody would see that requests are not signed', () => {
    expect(problemsOf({ url: 'https://alerts.example', secret: undefined })).toEqual([expect.stringContaining('secret must be a text')]);
    expect(problemsOf({ url: 'https://alerts.example', secret: '' })).toHaveLength(1);
    expect(problemsOf({ url: 'https://alerts.example' })).toEqual([]);
  });

  it('that are wrong make send reject, for who uses it without the module', async () => {
    const hook = webhookChannel({ url: 'nowhere' });
    await expect(hook.send(alert('x'))).rejects.toMatchObject({ code: 'ERR_RESILIENCE_CONFIG' });
    await hook.close();
  });
});

it('a signature is not taken from what is no text', () => {
  expect(verifySignature('{}', ['t=1,v1=ff'], 'hush')).toBe(false);
  expect(verifySignature(undefined, 't=1,v1=ff', 'hush')).toBe(false);
  expect(verifySignature('{}', `t=${Math.floor(Date.now() / 1000)},v1=${'0'.repeat(64)}`, 'hush', 'soon' as '5m')).toBe(false);
});
