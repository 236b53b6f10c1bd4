import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis, type RedisOptions, type RedisServer } from './redis.js';

/** A server with an ACL file: the default user is locked out, `admin` (password `admin`) may do everything, the rest is given. */
export async function startAclRedis(users: readonly string[], options: RedisOptions = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'bulwark-acl-'));
  const file = join(folder, 'users.acl');
  writeFileSync(file, ['user default off', 'user admin on >admin ~* &* +@all', ...users, ''].join('\n'));
  try {
    const args = [...(options.args ?? []), '--aclfile', file];
    return await startRedis({ ...options, args, username: 'admin', password: 'admin' });
  } finally {
    rmSync(folder, { recursive: true, force: true }); // it is read at the start
  }
}
