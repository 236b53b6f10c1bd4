import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createResilience, policies } from '../../../src/core.js';
import { redisStore } from '../../../src/integrations/redis/index.js';
import { sharedStoreOf, type SharedStore } from '../../../src/policies/shared-store.js';
import { openSession, startAclRedis } from '../../support/redis/index.js';

const ROOT = join(import.meta.dirname, '../../..');

/** The rules as the page gives them. */
const documented = /^(user resilience .*)$/m.exec(readFileSync(join(ROOT, 'docs/fleet.md'), 'utf8'))![1]!;

/** Every command that a script of ours uses. */
function commandsOfScripts(): ReadonlySet<string> {
  const folder = join(ROOT, 'src/integrations/redis');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8'));
  return new Set(texts.flatMap((text) => [...text.matchAll(/\bp?call\('([A-Z]+)'/g)].map(([, command]) => command!.toLowerCase())));
}

const failuresOf = ({ requests }: SharedStore): number =>
  [...requests.counts.values()].reduce((sum, { error, unavailable }) => sum + error + unavailable, 0);

describe('the least rules of an ACL user', () => {
  it('name every command that is used, and no other', () => {
    const allowed = documented.split(' ').flatMap((word) => (word.startsWith('+') ? [word.slice(1)] : []));
    const ofTheConnection = ['evalsha', 'eval', 'ping', 'subscribe', 'unsubscribe', 'info'];
    const ours = new Set([...commandsOfScripts(), ...ofTheConnection]);
    expect(allowed.filter((command) => !ours.has(command))).toEqual([]);
    expect([...commandsOfScripts()].filter((command) => !allowed.includes(command))).toEqual([]);
  });

  it('are enough for all that is shared, and give nothing else away', async () => {
    const server = await startAclRedis([documented]);
    const url = `redis://resilience:secret@${server.host}:${server.port}`;
    const resilience = createResilience({ store: redisStore({ url, group: 'shop', commandTimeout: '1s' }) });
    await resilience.ready();
    try {
      const store = sharedStoreOf(resilience.environment)!;
      expect(store.availability.isAvailable).toBe(true);
      // What was to be said before there was a connection.
      const before = failuresOf(store);
      const { bulkhead, circuitBreaker, rateLimit, combine } = policies;
      const policy = combine(
        circuitBreaker({ name: 'payments', window: '10s', shared: true }),
        bulkhead({ name: 'payments', maxConcurrent: 5, shared: true }),
        rateLimit({ name: 'payments', limit: 100, per: '1s', shared: true }),
      );
      for (let calls = 0; calls < 5; calls++) expect(await resilience.execute(policy, () => calls, { name: 'charge' })).toBe(calls);
      expect(failuresOf(store)).toBe(before);
      // Another group's keys are not for this user.
      await using other = await openSession({ url, group: 'shop2' });
      expect(other.availability.isAvailable).toBe(false);
      expect(other.log.warnings[0]).toMatch(/NOPERM|No permissions/i);
    } finally {
      await resilience.close();
      await server.stop();
    }
  });
});
