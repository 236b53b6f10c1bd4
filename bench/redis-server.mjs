/** A server of the bench's own, on a free port, without persistence; ends with `stop`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';

export async function startServer() {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'].map(String);
  const program = process.env.REDIS_SERVER ?? 'redis-server';
  const child = spawn(program, args, { stdio: 'ignore' });
  const failed = once(child, 'error').then(() => {
    throw new Error(`${program} cannot be started; npm run setup says how to get it`);
  });
  failed.catch(() => undefined);
  process.once('exit', () => child.kill('SIGKILL'));
  const admin = new Redis({ host: '127.0.0.1', port, retryStrategy: () => 50 });
  admin.on('error', () => undefined);
  await Promise.race([admin.ping(), failed]);
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    admin,
    /** Seconds of the CPU since its start, and its version. */
    async used() {
      const facts = Object.fromEntries(
        (await admin.info())
          .split('\r\n')
          .map((line) => line.split(':'))
          .filter(({ length }) => length === 2),
      );
      return {
        cpuS: Number(facts.used_cpu_user) + Number(facts.used_cpu_sys),
        version: facts.redis_version,
      };
    },
    /** Commands that clients have sent since its start, our own aside: what scripts call within the server is none. */
    async commands() {
      const lines = (await admin.info('commandstats')).matchAll(/^cmdstat_(evalsha|eval|ping|publish|subscribe):calls=(\d+)/gm);
      return [...lines].reduce((sum, [, , calls]) => sum + Number(calls), 0);
    },
    async stop() {
      admin.disconnect();
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}
