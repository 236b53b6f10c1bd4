import { METER } from './lua-meter.js';
import { FIXED, SLIDING } from './lua-windows.js';

/**
 * The ways of counting of `policies/rate-limit/counting`, operation by operation in the same order, so that the same doubles come out.
 * Each defines, for the state of one key:
 *
 * - `load(raw)`: reads it as of now; false where it was written at a time that is still to come (the clock of a new master is behind):
 *   that one is written back in any case
 * - `availableIn(price)`: milliseconds until `price` units can be taken, in turn
 * - `takeNow(price, times)`: takes `price` as often as it can be had now; gives how often
 * - `reserve(price)`: takes it at the time that `availableIn` gives
 * - `correct(price, stamp)`: gives units back, or (negative) takes as much of them as there is
 * - `stamp(wait)`: the window, or the place in the line, of what was taken with that wait
 * - `report()`: what is left in permits, milliseconds until all are back, the stamp, and milliseconds until the window ends
 * - `save()`: the state in bytes and for how many milliseconds it means something; nil where it means nothing
 *
 * Numbers are kept as doubles: text would cut them to 14 digits. What is called for each key is little, as a script holds up the server.
 */

const PARAMETERS = `
local full, permit, rate, paced = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6] == '1'
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min
local pack, unpackFrom, call = struct.pack, struct.unpack, redis.call
local keeps = ARGV[2] ~= '' and 3600000 or nil
local expires
`;

/**
 * A rejected ask writes nothing: nobody keeps a key alive, or a server busy, by asking in vain. A key lives longer than its state means
 * something, and says until when: as long as that is enough it is only overwritten, which is half the work of setting it anew.
 */
const STORE = `
local function store(key)
  local state, lasts = save()
  if not state then
    call('DEL', key)
  elseif now + lasts < expires then
    call('SETRANGE', key, '0', state)
  else
    local lives = keeps or ceil(2 * lasts) + 1000
    call('SET', key, state .. pack('<d', now + lives), 'PX', lives)
  end
end
`;

/**
 * ARGV[7]: the longest wait in milliseconds, '' where nobody waits. ARGV[8]: the longest line of a leaky bucket in permits, '' without
 * one. Then the price in units and how many times, for each key; nothing where each is one permit of another key. Gives six doubles for each
 * key, and where there is a longest wait two more for each that was granted.
 */
const TAKE = `
local patience, longest, priced = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9] ~= nil
local raws, out, at = not priced and call('MGET', unpack(KEYS)), {}, 0
for i = 1, #KEYS do
  local price, times = permit, 1
  if priced then price, times = tonumber(ARGV[7 + 2 * i]), tonumber(ARGV[8 + 2 * i]) end
  local write, granted, retry, first = not load(raws and raws[i] or not raws and call('GET', KEYS[i])), 0, 0, at + 6
  if not patience then
    granted = takeNow(price, times)
    if granted < times then retry = availableIn(price) end
  else
    while granted < times do
      local wait = availableIn(price)
      if wait > patience or (longest and wait > 0 and ceil(lent / permit) - 1 >= longest) then
        retry = wait
        break
      end
      reserve(price)
      out[first + 2 * granted + 1], out[first + 2 * granted + 2] = wait, stamp(wait)
      granted = granted + 1
    end
  end
  if write or (granted > 0 and price > 0) then store(KEYS[i]) end
  out[at + 1], out[at + 2] = granted, retry
  out[at + 3], out[at + 4], out[at + 5], out[at + 6] = report()
  at = first + (patience and 2 * granted or 0)
end
return pack('<' .. string.rep('d', at), unpack(out, 1, at))
`;

/** For each key the units that are given back, negative where they are used up beside the store, and the stamp of their answer. */
const CORRECT = `
for i = 1, #KEYS do
  local raw = call('GET', KEYS[i])
  local price = tonumber(ARGV[5 + 2 * i])
  if raw or price < 0 then
    load(raw)
    correct(price, tonumber(ARGV[6 + 2 * i]))
    store(KEYS[i])
  end
end
return #KEYS
`;

const COUNTING = { meter: METER, fixed: FIXED, sliding: SLIDING } as const;

/** The bodies of the scripts: one of each operation for each way of counting. */
export function limitScript(counting: keyof typeof COUNTING, operation: 'take' | 'correct'): string {
  return [PARAMETERS, COUNTING[counting], STORE, operation === 'take' ? TAKE : CORRECT].join('');
}
