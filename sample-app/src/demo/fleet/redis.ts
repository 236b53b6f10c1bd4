import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { freePort } from '../free-port.js';

/** A Redis of the demo's own, without persistence: after a restart it knows nothing. */
export class RedisProgram {
  private child: ChildProcess | undefined;
  private port = 0;

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it, on the same port as before. */
  async start(): Promise<void> {
    if (this.port === 0) this.port = await freePort();
    const program = process.env['REDIS_SERVER'] ?? 'redis-server';
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    this.child = spawn(program, args, { stdio: 'ignore' });
    const missing = once(this.child, 'error').then(() => {
      throw new Error(`${program} cannot be started. On Debian: sudo apt-get install redis-server; REDIS_SERVER names another one`);
    });
    missing.catch(() => undefined); // nobody waits for it any more once it listens
    while (!(await Promise.race([listens(this.port), missing]))) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const outcome = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'close').then(() => false)]).catch(
    () => false,
  );
  socket.destroy();
  return outcome;
}
