import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Starts the application, sends requests, and tells it to stop while they are under way. */
async function stopUnderLoad(drainTimeout: string, paths: readonly string[]) {
  const child = fork(join(import.meta.dirname, 'fixtures/draining.mjs'), {
    env: { ...process.env, DRAIN: drainTimeout, REQUESTS: String(paths.length), NODE_OPTIONS: '' },
    execArgv: [],
  });
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const [{ url }] = (await once(child, 'message')) as [{ url: string }];
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
});
