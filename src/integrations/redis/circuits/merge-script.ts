import { defineScript } from '../scripts/script.js';
import { RECORD } from './circuit-record.lua.js';
import { WINDOWS } from './circuit-window.lua.js';

/**
 * Merges the counts of several circuits. KEYS: version, changes, the last merge of the instance, then hash and list of each circuit.
 * ARGV: channel, number of the merge, then each circuit's counts.
 */
export const MERGE = defineScript(
  'circuits.merge',
  `${RECORD}${WINDOWS}
local is_new = redis.call('GET', KEYS[3]) ~= ARGV[4]
local out = {}

local function judge(r, sums, longest, b)
  if r.state ~= STATE_CLOSED or sums.failures + sums.slow == 0 then return false end
  if b.consecutive > 0 and longest >= b.consecutive then return true end
  if b.rates == 0 or sums.calls < b.minimum then return false end
  return (sums.failures > 0 and sums.failures / sums.calls >= b.failure_rate) or (sums.slow > 0 and sums.slow / sums.calls >= b.slow_rate)
end

local function merge(key, list, b, runs)
  local r = read_record(key)
  if not r then
    if not is_new then return struct.pack('<IIII', 0, 0, 0, 0) end
    r = new_record(b.generation == string.rep('\\0', 16) and b.next_generation or b.generation, b.state)
    redis.call('HSET', key, 'r', pack_record(r))
  end
  local knows = r.generation == b.generation
  local counts = is_new and (knows or b.generation == string.rep('\\0', 16)) and (r.state == STATE_CLOSED or r.state == STATE_METRICS)
  local in_a_row = tonumber(redis.call('HGET', key, 'f') or '0')
  local before = in_a_row
  if counts then
    if b.leading == b.all then in_a_row = in_a_row + b.all else in_a_row = b.trailing end
  else
    runs = {}
  end
  local sums = { calls = 0, failures = 0, slow = 0 }
  if r.state == STATE_CLOSED or r.state == STATE_METRICS then
    local keep = string.format('%.0f', ttl_of(r, b.idle))
    if b.kind == 0 then sums = merge_buckets(key, b.size, runs) else sums = merge_calls(key, list, b.size, runs, b.counted_for, keep) end
    redis.call('HSET', key, 'f', in_a_row)
    redis.call('PEXPIRE', key, keep)
    local longest = math.max(b.longest, before + b.leading)
    if counts and judge(r, sums, longest, b) then
      redis.call('DEL', list)
      open_circuit(key, r, b.next_generation, b.open_ms, sums)
      knows, in_a_row = false, 0
    end
  end
  local reply = struct.pack('<IIII', sums.calls, sums.failures, sums.slow, in_a_row)
  if knows then return reply end
  return reply .. for_instances(r)
end

for index = 5, #ARGV do
  local b = {}
  local at, count
  b.generation, b.next_generation, b.state, b.kind, b.size, b.minimum, b.rates, b.failure_rate, b.slow_rate, b.consecutive,
    b.open_ms, b.idle, b.counted_for, b.leading, b.longest, b.trailing, count, at =
    struct.unpack('<c16c16BBdIBddIdddIIIH', ARGV[index])
  local runs = {}
  b.all = 0
  for number = 1, count do
    local run = {}
    run.calls, run.failures, run.slow, run.age, at = struct.unpack('<IIId', ARGV[index], at)
    b.all = b.all + run.calls
    runs[number] = run
  end
  local pair = 4 + (index - 5) * 2
  out[index - 4] = merge(KEYS[pair], KEYS[pair + 1], b, runs)
end
if is_new then redis.call('SET', KEYS[3], ARGV[4], 'PX', HOUR) end
return { struct.pack('<dd', tonumber(redis.call('GET', KEYS[1]) or '0'), now), out }
`,
);
