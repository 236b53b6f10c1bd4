import { COMMAND_KEPT_MS, COMMANDS_KEPT, EVENTS_KEPT, GONE_AFTER_MS, REMEMBERED_MS } from '../../../policies/fleet-store.js';
import { defineScript } from '../scripts/script.js';

/** Whether one id of a stream is later than another one; the empty text is before all. */
const LATER = `
local function later(a, b)
  if b == '' then return true end
  local aTime, aCount = string.match(a, '^(%d+)-(%d+)$')
  local bTime, bCount = string.match(b, '^(%d+)-(%d+)$')
  aTime, aCount, bTime, bCount = tonumber(aTime), tonumber(aCount), tonumber(bTime), tonumber(bCount)
  if aTime ~= bTime then return aTime > bTime end
  return aCount > bCount
end
`;

/**
 * A heartbeat. `KEYS`: epoch, instances, snapshots, watch, stream of commands, last commands, stream of events. `ARGV[3]`: an epoch
 * for a store that has none, then instance, about, snapshot, whether it watches, and what it has seen: epoch, command, event; then its
 * events.
 */
export const beatScript = defineScript(
  'fleet-beat',
  `${LATER}
local instance, about, snapshot, watches = ARGV[4], ARGV[5], ARGV[6], ARGV[7] == '1'
local seenEpoch, seenCommand, seenEvent = ARGV[8], ARGV[9], ARGV[10]

local epoch = redis.call('GET', KEYS[1])
if not epoch then epoch = ARGV[3] end
redis.call('SET', KEYS[1], epoch, 'PX', ${COMMAND_KEPT_MS})
if seenEpoch ~= epoch then seenCommand, seenEvent = '', '' end

redis.call('HSET', KEYS[2], instance, struct.pack('<d', now) .. about)
redis.call('PEXPIRE', KEYS[2], ${2 * REMEMBERED_MS})
if watches then redis.call('SET', KEYS[4], '1', 'PX', ${GONE_AFTER_MS}) end
local watched = redis.call('EXISTS', KEYS[4])
if snapshot ~= '' then
  redis.call('HSET', KEYS[3], instance, snapshot)
  redis.call('PEXPIRE', KEYS[3], ${2 * GONE_AFTER_MS})
end

local members = {}
local fields = redis.call('HGETALL', KEYS[2])
for i = 1, #fields, 2 do
  local at = struct.unpack('<d', fields[i + 1])
  local age = math.max(0, now - at)
  if age > ${REMEMBERED_MS} then
    redis.call('HDEL', KEYS[2], fields[i])
    redis.call('HDEL', KEYS[3], fields[i])
  else
    local shown = watches and redis.call('HGET', KEYS[3], fields[i]) or ''
    members[#members + 1] = { fields[i], math.floor(age), string.sub(fields[i + 1], 9), shown }
  end
end

local last = redis.call('XREVRANGE', KEYS[5], '+', '-', 'COUNT', 1)[1]
local commands, collapsed = {}, 0
if seenCommand == '' then
  collapsed = 1
elseif last and later(last[1], seenCommand) then
  local first = redis.call('XRANGE', KEYS[5], '-', '+', 'COUNT', 1)[1]
  if redis.call('XLEN', KEYS[5]) >= ${COMMANDS_KEPT} and later(first[1], seenCommand) then collapsed = 1 end
  if collapsed == 0 then
    for _, entry in ipairs(redis.call('XRANGE', KEYS[5], '(' .. seenCommand, '+')) do
      commands[#commands + 1] = { entry[1], entry[2][2] }
    end
  end
end
if collapsed == 1 then
  local targets = redis.call('HVALS', KEYS[6])
  for _, value in ipairs(targets) do
    local id, text = string.match(value, '^(%S+) (.*)$')
    if later(id, seenCommand) then commands[#commands + 1] = { id, text } end
  end
end

local events = {}
if watches and seenEvent ~= '' then
  for _, entry in ipairs(redis.call('XRANGE', KEYS[7], '(' .. seenEvent, '+', 'COUNT', 200)) do
    events[#events + 1] = { entry[1], entry[2][2] }
  end
end
if watched == 1 and #ARGV > 10 then
  for i = 11, #ARGV do redis.call('XADD', KEYS[7], 'MAXLEN', ${EVENTS_KEPT}, '*', 'e', ARGV[i]) end
  redis.call('PEXPIRE', KEYS[7], ${REMEMBERED_MS})
end
local lastEvent = redis.call('XREVRANGE', KEYS[7], '+', '-', 'COUNT', 1)[1]
if #events == 200 then lastEvent = events[200] end
return { epoch, last and last[1] or '0-0', lastEvent and lastEvent[1] or '0-0', watched, members, commands, collapsed, events }
`,
);

/** Tells a command. `KEYS`: stream, last commands. `ARGV[3]`: target, text, channel. */
export const tellScript = defineScript(
  'fleet-command',
  `${LATER}
local target, text, channel = ARGV[3], ARGV[4], ARGV[5]
local id = redis.call('XADD', KEYS[1], 'MAXLEN', ${COMMANDS_KEPT}, '*', 'c', text)
redis.call('HSET', KEYS[2], target, id .. ' ' .. text)
if redis.call('HLEN', KEYS[2]) > ${COMMANDS_KEPT} then
  local fields, oldest, oldestId = redis.call('HGETALL', KEYS[2]), nil, nil
  for i = 1, #fields, 2 do
    local of = string.match(fields[i + 1], '^%S+')
    if not oldest or later(oldestId, of) then oldest, oldestId = fields[i], of end
  end
  redis.call('HDEL', KEYS[2], oldest)
end
redis.call('PEXPIRE', KEYS[1], ${COMMAND_KEPT_MS})
redis.call('PEXPIRE', KEYS[2], ${COMMAND_KEPT_MS})
redis.call('PUBLISH', channel, id)
return id
`,
);

/** An instance ends. `KEYS`: instances, snapshots. `ARGV[3]`: instance. */
export const leaveScript = defineScript(
  'fleet-leave',
  `
redis.call('HDEL', KEYS[1], ARGV[3])
redis.call('HDEL', KEYS[2], ARGV[3])
return 1
`,
);
