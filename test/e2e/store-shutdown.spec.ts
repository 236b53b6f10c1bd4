import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startRedis, startTcpProxy } from '../support/redis/index.js';

const ROOT = join(import.meta.dirname, '../..');
const CORE = join(ROOT, 'dist/esm/core.js');
const REDIS = join(ROOT, 'dist/esm/integrations/redis/index.js');

/** An application that is done at once, as it is built: nothing but our own timers and sockets could keep it. */
const program = (url: string): string => `
  import { createResilience, policies } from '${CORE}';
  import { redisStore } from '${REDIS}';
  const resilience = createResilience({ store: redisStore({ url: '${url}', group: 'end' }), logger: { warn() {}, error() {} } });
  await resilience.ready();
  const policy = policies.bulkhead({ name: 'b', maxConcurrent: 1, shared: true });
  await resilience.execute(policy, () => 1, { name: 'b' });
  await resilience.close();
  process.stdout.write('closed');
`;

const run = promisify(execFile);
const end = async (url: string): Promise<string> =>
  (await run(process.execPath, ['--input-type=module', '--eval', program(url)], { timeout: 20_000, cwd: ROOT })).stdout;

describe('a process with a store', () => {
  it('is looked at as it is built', () => {
    expect([CORE, REDIS].filter((file) => !existsSync(file))).toEqual([]);
  });

  it('ends by itself, and leaves no key without a time to live', async () => {
    const server = await startRedis();
    expect(await end(server.url)).toBe('closed');
    expect([...(await server.keys())].filter(([, ttl]) => ttl < 0)).toEqual([]);
    await server.stop();
  });

  it('ends by itself where the server is stopped, silent, or not there', async () => {
    const server = await startRedis();
    const proxy = await startTcpProxy(server);
    proxy.blackHole();
    expect(await end(proxy.url)).toBe('closed');
    server.pause();
    expect(await end(server.url)).toBe('closed');
    server.resume();
    await server.stop();
    await proxy.stop();
    expect(await end(server.url)).toBe('closed');
  });
});
