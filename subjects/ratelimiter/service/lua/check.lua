-- One check: count it if the limit allows it.
-- KEYS: limit, log, tat (one hash tag)
-- ARGV: cost, deadline (µs), id, and the limit where none is stored: algorithm, limit, window (µs), burst
-- Answers {now} after the deadline: the caller has given up by then, so the check must not count.
-- Else {now, allowed, stored, algorithm, limit, window, burst, remaining, more_in, retry_in}, times in µs:
-- more_in is when the next unit becomes available, retry_in when this cost does (-1: never).

local KEEP = 5000000          -- entries outlive their window, so that counts of a moment ago can be told
local LIMIT_TTL = 2592000000  -- ms; a limit that is used never lapses

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local cost = tonumber(ARGV[1])
if now > tonumber(ARGV[2]) then return {now} end

local function int(n) return string.format('%.0f', n) end

local stored = redis.call('HMGET', KEYS[1], 'algorithm', 'limit', 'window', 'burst')
local is_stored = stored[1] and 1 or 0
if is_stored == 1 then
  if redis.call('PTTL', KEYS[1]) < LIMIT_TTL / 2 then redis.call('PEXPIRE', KEYS[1], int(LIMIT_TTL)) end
else
  stored = {ARGV[4], ARGV[5], ARGV[6], ARGV[7]}
end
local algorithm, limit, window, burst = stored[1], tonumber(stored[2]), tonumber(stored[3]), tonumber(stored[4])

local function answer(allowed, remaining, more_in, retry_in)
  return {now, allowed, is_stored, algorithm, limit, window, burst, math.max(0, remaining), more_in, retry_in}
end

if algorithm == 'gcra' and limit > 0 then
  local interval = math.ceil(window / limit)
  local room = now + burst * interval
  local tat = tonumber(redis.call('GET', KEYS[3]) or now)
  local eased = tat > room  -- the limit was raised, or its burst lowered: what was owed under the old one is forgiven
  tat = math.min(math.max(tat, now), room)
  local allowed = tat + cost * interval <= room
  local retry_in = cost > burst and -1 or math.max(0, tat + cost * interval - room)
  if allowed then tat = tat + cost * interval end
  if allowed or eased then
    redis.call('SET', KEYS[3], int(tat), 'PX', int(math.ceil((tat - now) / 1000)))
  end
  local remaining = math.floor((room - tat) / interval)
  local more_in = remaining < burst and tat + (remaining + 1) * interval - room or 0
  return answer(allowed and 1 or 0, remaining, more_in, allowed and 0 or retry_in)
end

redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', int(now - window - KEEP))
local since = '(' .. int(now - window)
local used = redis.call('ZCOUNT', KEYS[2], since, '+inf')
local allowed = used + cost <= limit
local retry_in = 0
if allowed then
  for n = 1, cost do redis.call('ZADD', KEYS[2], int(now), ARGV[3] .. ':' .. n) end
  redis.call('PEXPIRE', KEYS[2], int(math.ceil((window + KEEP) / 1000)))
  used = used + cost
elseif cost > limit then
  retry_in = -1
end

-- In how many µs the nth of the entries that count leaves the window.
local function leaves_in(nth)
  local entry = redis.call('ZRANGEBYSCORE', KEYS[2], since, '+inf', 'WITHSCORES', 'LIMIT', nth - 1, 1)
  return entry[2] and tonumber(entry[2]) + window - now or 0
end

if not allowed and retry_in == 0 then retry_in = leaves_in(used + cost - limit) end
return answer(allowed and 1 or 0, limit - used, leaves_in(math.max(1, used - limit + 1)), retry_in)
