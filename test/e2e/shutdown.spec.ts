import { ClientProxyFactory, Transport } from '@nestjs/microservices';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { lastValueFrom } from 'rxjs';
import { freePort } from '../support/free-port.js';

/** An upstream that takes every connection and never says a word. */
let upstream: Server;
const connections = new Set<Socket>();

beforeAll(async () => {
  upstream = createServer((socket) => connections.add(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
});

afterAll(() => {
  for (const connection of connections) connection.destroy();
  upstream.close();
});

/** Starts an application in a process of its own. */
async function run(fixture: string, drainTimeout: string, requests: number, port = 0) {
  const child = fork(join(import.meta.dirname, 'fixtures', fixture), {
    env: {
      ...process.env,
      DRAIN: drainTimeout,
      REQUESTS: String(requests),
      UPSTREAM: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
      PORT: String(port),
      NODE_OPTIONS: '',
    },
    execArgv: [],
  });
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const [{ url }] = (await once(child, 'message')) as [{ url: string }];
  return { child, exit, url };
}

/** Sends requests, and tells the application to stop while they are under way. */
async function stopUnderLoad(drainTimeout: string, paths: readonly string[]) {
  const { child, exit, url } = await run('draining.mjs', drainTimeout, paths.length);
  const answers = paths.map(async (path) => {
    const answer = await fetch(`${url}${path}`, { headers: { connection: 'close' } });
    return `${path} ${answer.status} ${await answer.text()}`;
  });
  await once(child, 'message');
  child.kill('SIGTERM');
  const told = (await Promise.all(answers)).toSorted();
  const [code, signal] = await exit;
  return { told, code, signal };
}

/** The same over TCP; who gets no answer is told that the connection was closed. */
async function stopMicroserviceUnderLoad(drainTimeout: string, patterns: readonly string[]) {
  const port = await freePort();
  const { child, exit } = await run('draining-microservice.mjs', drainTimeout, patterns.length, port);
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
  await client.connect();
  const answers = patterns.map((pattern, id) =>
    lastValueFrom(client.send<string>(pattern, id)).then(
      () => `${pattern} answered`,
      (error: { message?: string }) => `${pattern} ${error.message}`,
    ),
  );
  await once(child, 'message');
  child.kill('SIGTERM');
  const told = (await Promise.all(answers)).toSorted();
  const [code, signal] = await exit;
  await client.close();
  return { told, code, signal };
}

const twenty = Array.from({ length: 20 }, () => '/work');
const UNAVAILABLE = '{"statusCode":503,"message":"Service Unavailable"}';

describe('SIGTERM under load', () => {
  it('answers every accepted request: who runs ends, who waits is turned away, and the process exits by itself', async () => {
    const { told, signal, code } = await stopUnderLoad('0ms', [...twenty, '/retried', '/paced', '/paced']);
    expect(told).toHaveLength(23);
    expect(told.filter((line) => line === '/work 200 worked')).toHaveLength(2);
    expect(told.filter((line) => line === `/work 503 ${UNAVAILABLE}`)).toHaveLength(18);
    expect(told.filter((line) => line.startsWith('/retried 500'))).toHaveLength(1);
    expect(told.filter((line) => line === '/paced 200 paced')).toHaveLength(1);
    expect(told.filter((line) => line.startsWith('/paced 429'))).toHaveLength(1);
    expect(signal ?? code).toBe('SIGTERM');
  });

  it('lets who waits have its turn for up to drainTimeout', async () => {
    const { told, signal, code } = await stopUnderLoad('1m', twenty);
    expect(told.filter((line) => line === '/work 200 worked')).toHaveLength(20);
    expect(signal ?? code).toBe('SIGTERM');
  });

  it('turns away who still waits after drainTimeout', async () => {
    const { told } = await stopUnderLoad('300ms', twenty);
    const served = told.filter((line) => line === '/work 200 worked').length;
    expect(told.filter((line) => line === `/work 503 ${UNAVAILABLE}`)).toHaveLength(20 - served);
    expect(served).toBeGreaterThanOrEqual(2);
    expect(served).toBeLessThan(20);
  });

  it('lets a call to an upstream that hangs end with its timeout, by default too, and a pause that would begin then does not', async () => {
    const { told, signal, code } = await stopUnderLoad('', ['/hung', '/hung', '/work', '/retried']);
    expect(told).toEqual([
      '/hung 504 {"statusCode":504,"message":"Gateway Timeout"}',
      '/hung 504 {"statusCode":504,"message":"Gateway Timeout"}',
      expect.stringMatching(/^\/retried 500/),
      '/work 200 worked',
    ]);
    expect(signal ?? code).toBe('SIGTERM');
  });
});

describe('SIGTERM for a microservice over TCP', () => {
  it('waits for what runs and for who waits, which Nest does not, and a call to an upstream that hangs ends with its timeout', async () => {
    const { told, signal, code } = await stopMicroserviceUnderLoad('', [...Array.from({ length: 12 }, () => 'work'), 'hung']);
    expect(told).toEqual(['hung Internal server error', ...Array.from({ length: 12 }, () => 'work answered')]);
    expect(signal ?? code).toBe('SIGTERM');
  });

  it('ends after drainTimeout where a call has no limit and its upstream hangs', async () => {
    const { told, signal, code } = await stopMicroserviceUnderLoad('300ms', ['unlimited', 'work']);
    expect(told).toEqual([expect.stringMatching(/^unlimited /), 'work answered']);
    expect(signal ?? code).toBe('SIGTERM');
  });
});
