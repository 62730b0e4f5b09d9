-- What the store counts of a key.
-- KEYS: limit, log, tat, reset
-- ARGV: at (µs), and the limit where none is stored: algorithm, limit, window (µs), burst
-- Answers {now, algorithm, limit, window, burst, count, reset}; reset (µs) is 0 where there was none of late.
-- A log is counted in (max(at - window, reset), at]; of gcra there is only the count of now.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local stored = redis.call('HMGET', KEYS[1], 'algorithm', 'limit', 'window', 'burst')
if not stored[1] then stored = {ARGV[2], ARGV[3], ARGV[4], ARGV[5]} end
local algorithm, limit, window, burst = stored[1], tonumber(stored[2]), tonumber(stored[3]), tonumber(stored[4])
local at = tonumber(ARGV[1])
local reset = tonumber(redis.call('GET', KEYS[4]) or 0)

local count = 0
if algorithm == 'gcra' then
  local tat = tonumber(redis.call('GET', KEYS[3]) or now)
  if limit > 0 then count = math.max(0, math.ceil((tat - now) / math.ceil(window / limit))) end
else
  local since = math.max(at - window, reset)
  count = redis.call('ZCOUNT', KEYS[2], string.format('(%.0f', since), string.format('%.0f', at))
end
return {now, algorithm, limit, window, burst, count, reset}
