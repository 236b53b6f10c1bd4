/**
 * A circuit in the store is a hash: `r` its record, `f` the failures in a row, and a window for each shape that instances count in
 * (`t<milliseconds of a bucket>`: buckets; `n<size>`: sums, whose runs are a list beside it). A transition deletes all of it and
 * writes a new record. Times are absolute, by the server's clock, as doubles; what goes out has durations instead.
 */
export const RECORD = `
local STATE_CLOSED, STATE_OPEN, STATE_HALF_OPEN, STATE_FORCED, STATE_DISABLED, STATE_METRICS = 0, 1, 2, 3, 4, 5
local FORMAT = '<Bc16c16dddIdIIIII'
local HOUR, MONTH = 3600000, 30 * 86400000

local function unpack_record(text)
  if not text then return nil end
  local r = {}
  r.state, r.generation, r.previous, r.version, r.till, r.opened, r.openings, r.first, r.successes, r.judged, r.calls, r.failures, r.slow =
    struct.unpack(FORMAT, text)
  return r
end

local function pack_record(r)
  return struct.pack(FORMAT, r.state, r.generation, r.previous, r.version, r.till, r.opened, r.openings, r.first, r.successes, r.judged,
    r.calls, r.failures, r.slow)
end

-- As instances get it: how long it is still open, and for how long it has been (-1: it is not).
local function for_instances(r)
  local out = {}
  for name, value in pairs(r) do out[name] = value end
  out.till = math.max(0, r.till - now)
  if r.opened == 0 then out.opened = -1 else out.opened = math.max(0, now - r.opened) end
  return pack_record(out)
end

local function read_record(key)
  return unpack_record(redis.call('HGET', key, 'r'))
end

local function new_record(generation, state)
  return { state = state, generation = generation, previous = string.rep('\\0', 16), version = 0, till = 0, opened = 0, openings = 0,
    first = 0, successes = 0, judged = 0, calls = 0, failures = 0, slow = 0 }
end

local function ttl_of(r, idle)
  if r.state == STATE_CLOSED then return idle end
  if r.state == STATE_OPEN or r.state == STATE_HALF_OPEN then return math.max(24 * HOUR, r.till - now + 24 * HOUR) end
  return MONTH
end

-- KEYS[1] the version of the group, KEYS[2] the list of changes; the channel is the first argument.
local function write_record(key, r)
  local version = math.max((tonumber(redis.call('GET', KEYS[1]) or '0') or 0) + 1, math.floor(now))
  local text = string.format('%.0f', version)
  redis.call('SET', KEYS[1], text, 'PX', MONTH)
  redis.call('ZADD', KEYS[2], text, key)
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -10001)
  redis.call('PEXPIRE', KEYS[2], MONTH)
  r.version = version
  redis.call('DEL', key)
  redis.call('HSET', key, 'r', pack_record(r))
  redis.call('PEXPIRE', key, string.format('%.0f', math.ceil(ttl_of(r, HOUR))))
  -- News only: who may not publish, or is not heard, is met by those who ask.
  redis.pcall('PUBLISH', ARGV[3], struct.pack('<H', #key) .. key .. for_instances(r))
end

local function transit(r, generation, state)
  r.previous, r.generation, r.state = r.generation, generation, state
  r.till, r.successes, r.judged, r.calls, r.failures, r.slow = 0, 0, 0, 0, 0, 0
  if state ~= STATE_OPEN and state ~= STATE_HALF_OPEN then r.opened, r.openings, r.first = 0, 0, 0 end
end

local function open_circuit(key, r, generation, open_ms, judged)
  transit(r, generation, STATE_OPEN)
  r.openings = r.openings + 1
  if r.openings == 1 then r.first = open_ms == 0 and 30000 or open_ms end
  if r.opened == 0 then r.opened = now end
  r.till = now + open_ms
  if judged then r.judged, r.calls, r.failures, r.slow = 1, judged.calls, judged.failures, judged.slow end
  write_record(key, r)
end
`;
