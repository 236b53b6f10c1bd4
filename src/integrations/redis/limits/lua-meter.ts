/** Token bucket and leaky bucket: when it was written, what was lent then, what a permit was then, what was given back out of turn. */
export const METER = `
local lent, gaps
local function load(raw)
  lent, gaps, expires = 0, 0, 0
  if not raw or #raw ~= 40 then return true end
  local at, unit
  at, lent, unit, gaps, expires = unpackFrom('<ddddd', raw)
  if unit ~= permit then lent, gaps = floor(lent / unit * permit + 0.5), floor(gaps / unit * permit + 0.5) end
  if at < now then lent = lent - (now - at) * rate end
  if lent <= 0.5 then lent = 0 end
  if lent - (paced and 0 or full) <= 0.5 then gaps = 0 end
  return at <= now
end
local function excess(price)
  if paced then return lent end
  return lent + price - full
end
local function availableIn(price)
  local tooMuch = excess(price)
  if tooMuch <= 0.5 then return 0 end
  local time, step = now + tooMuch / rate, now * 2 ^ -52
  while tooMuch - (time - now) * rate > 0.5 do
    time = time + step
    step = step * 2
  end
  return time - now
end
local function takeNow(price, times)
  local tooMuch = paced and lent or lent + price - full
  if tooMuch > 0.5 then return 0 end
  if paced then times = price == 0 and times or 1
  elseif times > 1 and price > 0 then
    times = min(times, max(1, floor((full - lent + 0.5) / price)))
    if times > 1 and lent + times * price - full > 0.5 then times = times - 1 end
  end
  lent = lent + price * times
  return times
end
local function reserve(price) lent = lent + price end
local function line() return max(0, lent - (paced and 0 or full)) end
local function correct(price, place)
  if price < 0 then
    lent = max(lent, min(full, lent - price))
    return
  end
  local queued = line()
  if queued > 0.5 and (place - now) * rate + (paced and price or 0) < queued - 0.5 - rate / 1000 then
    -- Others stand behind the place. The line gets shorter, and theirs keep their times: no more than a full bucket may be given so.
    if paced or gaps + price > full then return end
    gaps = gaps + price
  end
  lent = max(0, lent - price)
end
local function stamp(wait) return now + wait end
local function report()
  local left = paced and (lent <= 0.5 and 1 or 0) or max(0, floor((full - lent + 0.5) / permit))
  return left, lent / rate, now, 0
end
local function save()
  if lent <= 0 then return nil end
  return pack('<dddd', now, lent, permit, gaps), lent / rate
end
`;
