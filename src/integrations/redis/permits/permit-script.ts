import { defineScript } from '../scripts/script.js';

/**
 * Decides on claims. `KEYS`: a hash for each bulkhead and key, with a field for each holder and `#` for how often permits were given.
 * `ARGV[3]`: lease; `ARGV[4]`: for how long who waits counts as waiting without asking again, both in milliseconds; `ARGV[5]`: where it is
 * published for whom a permit is kept; then for each key: holder, sequence, limit, held, wanted, staying.
 *
 * Of a holder: held, waiting, when it claimed last, its lease, the sequence of that claim, and when it was served last.
 * A time from the future was written by a server whose clock was ahead: it counts as now, and is written as that.
 */
export const exchangeScript = defineScript(
  'permits',
  `
local FORM = '<dddddd'
local lease, patience, channel = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]

local function before(a, b)
  if a.has ~= b.has then return a.has < b.has end
  if a.served ~= b.served then return a.served < b.served end
  return a.name < b.name
end

-- One after the other: to who has the fewest, of several such to who was served least recently.
local function share(free, asking, wanted)
  if wanted <= free then
    for _, one in ipairs(asking) do one.gets = one.wants end
    return
  end
  while free > 0 do
    local nearest
    for _, one in ipairs(asking) do
      if one.gets < one.wants and (not nearest or before(one, nearest)) then nearest = one end
    end
    nearest.gets, nearest.has, free = nearest.gets + 1, nearest.has + 1, free - 1
  end
end

local function decide(key, holder, sequence, limit, held, wanted, staying)
  local used, longest, served, last, isKnown = 0, lease, 0, 0, false
  local asking, wants, others = {}, 0, 0
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local name = fields[i]
    if name == '#' then
      served = tonumber(fields[i + 1])
    else
      local has, waits, at, its, seq, turn = struct.unpack(FORM, fields[i + 1])
      if at > now then
        at = now
        redis.call('HSET', key, name, struct.pack(FORM, has, waits, at, its, seq, turn))
      end
      local isOver = now - at > its
      if name == holder and not isOver then
        if seq >= sequence then return { 0, 0, 1 } end
        isKnown, last = true, turn
      elseif isOver then
        redis.call('HDEL', key, name)
      else
        used = used + has
        if its > longest then longest = its end
        if waits > 0 and now - at <= patience then
          asking[#asking + 1] = { name = name, has = has, wants = waits, gets = 0, served = turn }
          wants, others = wants + waits, 1
        end
      end
    end
  end
  local me = { name = holder, has = held, wants = wanted, gets = 0, served = last }
  if wanted > 0 then asking[#asking + 1] = me end
  share(math.max(0, limit - used - held), asking, wants + wanted)
  local has, waiting = held + me.gets, math.min(staying, wanted - me.gets)
  if me.gets > 0 then
    last = served + 1
    redis.call('HSET', key, '#', string.format('%.0f', last))
  end
  if has + waiting > 0 then
    redis.call('HSET', key, holder, struct.pack(FORM, has, waiting, now, lease, sequence, last))
    redis.call('PEXPIRE', key, math.ceil(longest))
  elseif isKnown then
    redis.call('HDEL', key, holder)
  end
  for _, one in ipairs(asking) do
    if one ~= me and one.gets > 0 then redis.call('PUBLISH', channel, one.name) end
  end
  return { me.gets, used + has, others }
end

local answers = {}
for i, key in ipairs(KEYS) do
  local from = 6 * i
  answers[i] = decide(key, ARGV[from], tonumber(ARGV[from + 1]), tonumber(ARGV[from + 2]), tonumber(ARGV[from + 3]),
    tonumber(ARGV[from + 4]), tonumber(ARGV[from + 5]))
end
return answers
`,
);
