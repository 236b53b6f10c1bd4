import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../support/until.js';

const folder = mkdtempSync(join(tmpdir(), 'bulwark-killed-'));
const path = join(folder, 'resilience');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: readonly string[]) =>
  fork(join(import.meta.dirname, 'fixtures/snapshots.mjs'), args, {
    env: { ...process.env, SNAPSHOTS: path, NODE_OPTIONS: '' },
    execArgv: [],
  });

/** The temporary file of a snapshot that is being written just now. */
const isWriting = (): boolean => readdirSync(folder).some((name) => name.endsWith('.tmp'));

describe('a process that is killed in the middle of writing its state', () => {
  it('has all of it again the next time, whenever the kill came', async () => {
    let inTheMiddle = 0;
    for (let round = 0; round < 6; round++) {
      const child = run();
      await once(child, 'message');
      await until('a snapshot is there', () => existsSync(path));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
      await until('another one is being written', isWriting);
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
      if (isWriting()) inTheMiddle++;

      const reader = run('--read');
      const ended = once(reader, 'exit');
      const [told] = await once(reader, 'message');
      expect(told).toEqual({ warnings: [], keys: 3000, isOpen: 'open' });
      await ended;
      // Its lock was taken over, what it left was removed, and nothing but the file is there after an orderly end.
      expect(readdirSync(folder)).toEqual(['resilience']);
    }
    expect(inTheMiddle).toBeGreaterThan(2);
    expect(readFileSync(path, 'utf8').length).toBeGreaterThan(400_000);
  });
});
