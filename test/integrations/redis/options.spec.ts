import { Redis } from 'ioredis';
import { redisStore } from '../../../src/integrations/redis/index.js';
import { ResilienceConfigError } from '../../../src/core.js';

const problemsOf = (options: object): readonly string[] => {
  try {
    redisStore(options as never);
  } catch (error) {
    if (error instanceof ResilienceConfigError) return error.problems;
    throw error;
  }
  return [];
};

describe('the options of a store', () => {
  it('need a group, and one of client and url', () => {
    expect(problemsOf({})).toEqual([
      'redisStore: group is required: a text of 1 to 64 characters without spaces and any of * ? [ ] { } :',
      'redisStore: one of client and url is required',
    ]);
    expect(problemsOf({ group: 'shop', url: 'redis://cache' })).toEqual([]);
    expect(problemsOf({ group: 'shop', url: 'valkeys://user:secret@cache:6380/1' })).toEqual([]);
  });

  it('are told all at once, and no password among them', () => {
    const problems = problemsOf({
      url: 'http://user:secret@cache',
      client: { password: 'secret' },
      connection: 'secret',
      group: 'a:b',
      prefix: '{x}',
      commandTimeout: '0ms',
      onStoreFailure: 'locl',
      propagation: -1,
      lease: 'long',
      expectedInstances: 0,
      instance: '',
      lese: 1,
    });
    expect(problems.join('\n')).not.toContain('secret');
    const named = ['url', 'client', 'connection', 'group', 'prefix', 'commandTimeout', 'onStoreFailure', 'propagation', 'lease'];
    for (const option of [...named, 'expectedInstances', 'instance'])
      expect(problems.filter((problem) => problem.startsWith(`redisStore: ${option} `)).length).toBeGreaterThanOrEqual(1);
    expect(problems.join('\n')).toMatch(/has no option "lese"; did you mean "lease"|has no option "lese"/);
    expect(problems).toContain('redisStore: client and url cannot be given both');
  });

  it('take no client that changes our keys or answers', () => {
    const client = new Redis({ lazyConnect: true, keyPrefix: 'app:', stringNumbers: true });
    expect(problemsOf({ group: 'shop', client })).toEqual([
      'redisStore: client has the option keyPrefix: make one without it for the store',
      'redisStore: client has the option stringNumbers: make one without it for the store',
    ]);
    expect(problemsOf({ group: 'shop', client: new Redis({ lazyConnect: true }) })).toEqual([]);
  });

  it.each(['*', '?', '[', ']', '{', '}', ':', ' ', '\n', '', 'x'.repeat(65)])('have no group %j', (group) => {
    expect(problemsOf({ group, url: 'redis://cache' }).length).toBe(1);
  });
});
