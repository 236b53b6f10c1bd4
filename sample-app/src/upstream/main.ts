import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isMode, type Mode, type Side } from './mode.js';

/**
 * The provider: a process of its own that charges and knows the stock, in the mode that it is told.
 * `POST /mode` with `{ "mode": "slow" }` changes it and tells how many calls came since the last change.
 */
let mode: Mode = 'healthy';
let calls: Record<Side, number> = { protected: 0, unprotected: 0 };
/** Charges that run now, and the most that ran at once since the last change. */
let [charging, mostCharges] = [0, 0];

const HEALTHY_MS = 15;
const SLOW_MS = 600;
const AILING_MS = 250;

function answer(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  const side: Side = request.headers['x-side'] === 'unprotected' ? 'unprotected' : 'protected';
  calls[side]++;
  request.resume();
  if (request.url!.startsWith('/charges/')) {
    mostCharges = Math.max(mostCharges, ++charging);
    response.once('close', () => charging--);
  }
  const succeed = (): void => {
    const body = request.url!.startsWith('/stock/') ? { available: 42 } : { receipt: `receipt for ${request.url!.split('/').pop()}` };
    answer(response, 200, body);
  };
  if (mode === 'hanging') return; // never answers
  if (mode === 'refusing') return answer(response, 429, { error: 'slow down' }, { 'retry-after': '1' });
  if (mode === 'failing' && Math.random() < 0.5) return answer(response, 500, { error: 'out of order' });
  if (mode === 'ailing') return void setTimeout(() => answer(response, 500, { error: 'not yet' }), AILING_MS);
  setTimeout(succeed, mode === 'slow' ? SLOW_MS : HEALTHY_MS);
}

function changeMode(request: IncomingMessage, response: ServerResponse): void {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    const { mode: wanted } = JSON.parse(body) as { mode?: unknown };
    if (!isMode(wanted)) return answer(response, 400, { error: `mode must be one of the known ones, got ${JSON.stringify(wanted)}` });
    mode = wanted;
    answer(response, 200, { mode, calls, mostCharges });
    calls = { protected: 0, unprotected: 0 };
    mostCharges = charging;
  });
}

const server = createServer((request, response) => {
  if (request.url === '/mode') changeMode(request, response);
  else serve(request, response);
});
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  if (process.send === undefined) console.log(`provider on http://127.0.0.1:${port}; POST /mode changes its mode`);
  process.send?.({ url: `http://127.0.0.1:${port}` });
});
process.on('disconnect', () => process.exit());
process.on('SIGTERM', () => process.exit());
