/** When it was written, when the window began (one that is still to come has a line before it), what is used of it, what a permit was then. */
export const FIXED = `
local start, used
local function isOver() return used == 0 or now >= start + rate end
local function load(raw)
  start, used, expires = now, 0, 0
  if not raw or #raw ~= 40 then return true end
  local at, unit
  at, start, used, unit, expires = unpackFrom('<ddddd', raw)
  if unit ~= permit then used = floor(used / unit * permit + 0.5) end
  local isPast = at <= now
  if not isPast then start = start - (at - now) end
  if isOver() then start, used = now, 0 end
  return isPast
end
local function availableIn(price)
  if used + price <= full then return max(0, start - now) end
  return start + rate - now
end
local function takeNow(price, times)
  if start > now then return 0 end
  if price > 0 then times = min(times, max(0, floor((full - used) / price))) end
  used = used + price * times
  return times
end
local function reserve(price)
  if used + price <= full then used = used + price
  else start, used = start + rate, price end
end
local function correct(price, window)
  if price < 0 then
    if start <= now then used = max(used, min(full, used - price)) end
  elseif window == start then used = max(0, used - price) end
end
local function stamp() return start end
local function report()
  local ends = start + rate - now
  return start > now and 0 or max(0, floor((full - used) / permit)), used == 0 and 0 or ends, start, ends
end
local function save()
  if used <= 0 then return nil end
  return pack('<dddd', now, start, used, permit), start + rate - now
end
`;

/** When it was written, number of the window, what is used of it and of the one before, what a permit and the length were then. */
export const SLIDING = `
local window, current, previous
local function windowAt(time)
  local number = floor(time / rate)
  if (number + 1) * rate <= time then return number + 1 end
  if number * rate > time then return number - 1 end
  return number
end
local function enter(number)
  if number == window then return end
  previous = number == window + 1 and current or 0
  current, window = 0, number
end
local function load(raw)
  window, current, previous, expires = windowAt(now), 0, 0, 0
  if not raw or #raw ~= 56 then return true end
  local at, number, unit, length
  at, number, current, previous, unit, length, expires = unpackFrom('<ddddddd', raw)
  if unit ~= permit then current, previous = floor(current / unit * permit + 0.5), floor(previous / unit * permit + 0.5) end
  if length ~= rate then
    local before = floor(now / length)
    local share = before + 1 - now / length
    local used = (number == before and current or 0) + (number == before and previous or number == before - 1 and current or 0) * share
    number, current, previous = window, ceil(used), 0
  end
  if at > now then number = number - (windowAt(at) - window) end
  local here = window
  window = number
  if here > window or (current == 0 and previous == 0) then enter(here) end
  return at <= now
end
local function weighed(time) return previous * ((window + 1) * rate - time) end
local function fitsNow(price) return weighed(now) + (current + price - full) * rate <= 0.5 end
local function fits(time, price)
  local number = windowAt(time)
  if number <= window then return weighed(time) + (current + price - full) * rate <= 0.5 end
  local before = number == window + 1 and current or 0
  return before * ((number + 1) * rate - time) + (price - full) * rate <= 0.5
end
local function roomAt(number, before, room)
  if before <= room then return number * rate end
  return (number + 1 - room / before) * rate
end
local function availableAt(price)
  local from = max(now, window * rate)
  if fits(from, price) then return from end
  local room = full - current - price
  local time = max(from, room >= 0 and roomAt(window, previous, room) or roomAt(window + 1, current, full - price))
  local step = time * 2 ^ -52
  while not fits(time, price) do
    time = time + step
    step = step * 2
  end
  return time
end
local function availableIn(price) return availableAt(price) - now end
local function takeNow(price, times)
  if window * rate > now then return 0 end
  if price == 0 then return fitsNow(0) and times or 0 end
  local fit = min(times, max(0, floor((full * rate - weighed(now) - current * rate + 0.5) / (price * rate))))
  while fit > 0 and not fitsNow(price * fit) do fit = fit - 1 end
  while fit < times and fitsNow(price * (fit + 1)) do fit = fit + 1 end
  current = current + price * fit
  return fit
end
local function reserve(price)
  local number = windowAt(availableAt(price))
  if number > window then enter(number) end
  current = current + price
end
local function correct(price, number)
  if price < 0 then
    if window * rate <= now then current = max(current, min(full, current - price)) end
  elseif number == window then current = max(0, current - price)
  elseif number == window - 1 then previous = max(0, previous - price) end
end
local function stamp() return window end
local function report()
  local left, reset = 0, 0
  if window * rate <= now then left = max(0, floor((full * rate - current * rate - weighed(now) + 0.5) / (permit * rate))) end
  if current ~= 0 or previous ~= 0 then reset = (window + (current == 0 and 1 or 2)) * rate - now end
  return left, reset, window, (window + 1) * rate - now
end
local function save()
  if current <= 0 and previous <= 0 then return nil end
  return pack('<dddddd', now, window, current, previous, permit, rate), (window + (current == 0 and 1 or 2)) * rate - now
end
`;
