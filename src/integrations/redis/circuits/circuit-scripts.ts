import { defineScript } from '../scripts/script.js';
import { RECORD } from './circuit-record.lua.js';

/**
 * The lease of a trial. KEYS: version, changes, hash, leases. ARGV: channel, next generation, lease (or empty), how long it lasts, how many trials at a time,
 * how many successes close.
 */
export const TRIAL = defineScript(
  'circuits.trial',
  `${RECORD}
local key, leases = KEYS[3], KEYS[4]
local r = read_record(key)
if not r then return { 0, false } end
if r.state == STATE_OPEN and now >= r.till then
  transit(r, ARGV[4], STATE_HALF_OPEN)
  redis.call('DEL', leases)
  write_record(key, r)
end
if r.state ~= STATE_HALF_OPEN or ARGV[5] == '' then return { 0, for_instances(r) } end
redis.call('ZREMRANGEBYSCORE', leases, '-inf', string.format('%.17g', now))
local running = redis.call('ZCARD', leases)
local at_most = tonumber(ARGV[7])
-- No more trials than can still count: with the successes so far they would close it.
if running >= at_most or running + r.successes >= math.max(at_most, tonumber(ARGV[8])) then return { 0, for_instances(r) } end
redis.call('ZADD', leases, string.format('%.17g', now + tonumber(ARGV[6])), ARGV[5])
redis.call('PEXPIRE', leases, string.format('%.0f', math.ceil(tonumber(ARGV[6])) + HOUR))
return { 1, for_instances(r) }
`,
);

/**
 * How a trial ended. KEYS: version, changes, hash, leases. ARGV: channel, next generation, generation, lease, passed (1, 0) or not known (-1), successes that
 * close, open time.
 */
export const CONCLUDE = defineScript(
  'circuits.conclude',
  `${RECORD}
local key, leases = KEYS[3], KEYS[4]
local r = read_record(key)
local expiry = redis.call('ZSCORE', leases, ARGV[6])
redis.call('ZREM', leases, ARGV[6])
if not r then return false end
local passed = tonumber(ARGV[7])
local counts = r.state == STATE_HALF_OPEN and r.generation == ARGV[5] and expiry and tonumber(expiry) > now
if not counts or passed < 0 then return for_instances(r) end
if passed == 0 then
  redis.call('DEL', leases)
  open_circuit(key, r, ARGV[4], tonumber(ARGV[9]), nil)
elseif r.successes + 1 >= tonumber(ARGV[8]) then
  redis.call('DEL', leases)
  transit(r, ARGV[4], STATE_CLOSED)
  write_record(key, r)
else
  r.successes = r.successes + 1
  redis.call('HSET', key, 'r', pack_record(r))
end
return for_instances(r)
`,
);

/** A state by hand. KEYS: version, changes, hash. ARGV: channel, next generation, state. */
export const COMMAND = defineScript(
  'circuits.command',
  `${RECORD}
local r = read_record(KEYS[3]) or new_record(string.rep('\\0', 16), STATE_CLOSED)
transit(r, ARGV[4], tonumber(ARGV[5]))
write_record(KEYS[3], r)
return for_instances(r)
`,
);

/** Writes back what an instance knows. KEYS: version, changes, hash. ARGV: channel, record as instances have it. */
export const RESTORE = defineScript(
  'circuits.restore',
  `${RECORD}
local r = read_record(KEYS[3])
local known = unpack_record(ARGV[4])
if r and (r.generation ~= known.previous or known.previous == string.rep('\\0', 16)) then return for_instances(r) end
known.till = now + known.till
if known.opened < 0 then known.opened = 0 else known.opened = now - known.opened end
write_record(KEYS[3], known)
return for_instances(known)
`,
);

/** What the circuits are in. KEYS: their hashes. */
export const READ = defineScript(
  'circuits.read',
  `${RECORD}
local out = {}
for index, key in ipairs(KEYS) do
  local r = read_record(key)
  out[index] = r and for_instances(r) or ''
end
return out
`,
  { writes: false },
);

/** What has changed. KEYS: version, changes. ARGV: the version that is known. Gives the version, or it and what changed since. */
export const CHANGES = defineScript(
  'circuits.changes',
  `
local version = tonumber(redis.call('GET', KEYS[1]) or '0')
local since = tonumber(ARGV[3])
if version == since then return struct.pack('<d', version) end
local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
local is_cut = redis.call('ZCARD', KEYS[2]) >= 10000 and tonumber(first[2]) > since
if version < since or is_cut then return { struct.pack('<d', version), false } end
local changed = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[3], '+inf', 'WITHSCORES', 'LIMIT', 0, 1001)
if #changed > 2000 then return { struct.pack('<d', version), false } end
return { struct.pack('<d', version), changed }
`,
  { writes: false },
);
