/** Windows: ten buckets of a time, cut by the server's clock, or the runs of the last calls. */
export const WINDOWS = `
local BUCKETS = 10

-- Buckets are numbered from 1970; that of number n has the place n % 10.
local function merge_buckets(key, bucket_ms, runs)
  local field = string.format('t%.17g', bucket_ms)
  local text = redis.call('HGET', key, field)
  local current = math.floor(now / bucket_ms)
  local slots = {}
  local base = current
  if text then
    slots = { struct.unpack('<d' .. string.rep('III', BUCKETS), text) }
    base = table.remove(slots, 1)
  end
  for index = 1, BUCKETS * 3 do slots[index] = slots[index] or 0 end
  -- A base from the future was written by a clock that was ahead: its calls are counted as of now.
  if base < current then
    for number = math.max(base + 1, current - BUCKETS + 1), current do
      local slot = (number % BUCKETS) * 3
      slots[slot + 1], slots[slot + 2], slots[slot + 3] = 0, 0, 0
    end
  end
  for _, run in ipairs(runs) do
    local number = math.floor((now - run.age) / bucket_ms)
    if number > current - BUCKETS then
      local slot = (number % BUCKETS) * 3
      slots[slot + 1] = slots[slot + 1] + run.calls
      slots[slot + 2] = slots[slot + 2] + run.failures
      slots[slot + 3] = slots[slot + 3] + run.slow
    end
  end
  local sums = { calls = 0, failures = 0, slow = 0 }
  for slot = 0, (BUCKETS - 1) * 3, 3 do
    sums.calls = sums.calls + slots[slot + 1]
    sums.failures = sums.failures + slots[slot + 2]
    sums.slow = sums.slow + slots[slot + 3]
  end
  redis.call('HSET', key, field, struct.pack('<d' .. string.rep('III', BUCKETS), current, unpack(slots, 1, BUCKETS * 3)))
  return sums
end

local RUN = '<IIId'
local MAX_RUNS = 2048

local function share(part, calls, all)
  return math.floor(part * calls / all)
end

local function merge_calls(key, list, size, runs, counted_for, keep)
  local field = string.format('n%.0f', size)
  local text = redis.call('HGET', key, field)
  local sums = { calls = 0, failures = 0, slow = 0 }
  if text then sums.calls, sums.failures, sums.slow = struct.unpack('<III', text) else redis.call('DEL', list) end
  for _, run in ipairs(runs) do
    redis.call('RPUSH', list, struct.pack(RUN, run.calls, run.failures, run.slow, now))
    sums.calls, sums.failures, sums.slow = sums.calls + run.calls, sums.failures + run.failures, sums.slow + run.slow
  end
  while sums.calls > size do
    local calls, failures, slow, at = struct.unpack(RUN, redis.call('LINDEX', list, 0))
    if at > now then at = now end
    if now - at < counted_for then break end
    local leaving = math.min(calls, sums.calls - size)
    local failing, slowing = share(failures, leaving, calls), share(slow, leaving, calls)
    sums.calls, sums.failures, sums.slow = sums.calls - leaving, sums.failures - failing, sums.slow - slowing
    if leaving == calls then redis.call('LPOP', list)
    else redis.call('LSET', list, 0, struct.pack(RUN, calls - leaving, failures - failing, slow - slowing, at)) end
  end
  for _ = 1, redis.call('LLEN', list) - MAX_RUNS do
    local calls, failures, slow = struct.unpack(RUN, redis.call('LPOP', list))
    local more, failing, slowing, at = struct.unpack(RUN, redis.call('LINDEX', list, 0))
    redis.call('LSET', list, 0, struct.pack(RUN, calls + more, failures + failing, slow + slowing, at))
  end
  redis.call('HSET', key, field, struct.pack('<III', sums.calls, sums.failures, sums.slow))
  redis.call('PEXPIRE', list, keep)
  return sums
end
`;
