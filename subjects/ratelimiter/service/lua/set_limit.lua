-- Store a limit, or remove it where ARGV is empty.
-- KEYS: limit, reset
-- ARGV: algorithm, limit, window (µs), burst
-- Answers 1 if a limit was stored before, else 0.
-- A log holds what its window asks for, so with another window or algorithm a new time of reckoning begins.

local LIMIT_TTL = 2592000000  -- ms
local KEEP = 5000000
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local function int(n) return string.format('%.0f', n) end

local before = redis.call('HMGET', KEYS[1], 'algorithm', 'window')
local window = tonumber(ARGV[3] or before[2] or 0)
if not (ARGV[1] and before[1] == ARGV[1] and before[2] == ARGV[3]) and window > 0 then
  redis.call('SET', KEYS[2], int(now), 'PX', int(math.ceil((window + KEEP) / 1000)))
end
if ARGV[1] then
  redis.call('HSET', KEYS[1], 'algorithm', ARGV[1], 'limit', ARGV[2], 'window', ARGV[3], 'burst', ARGV[4])
  redis.call('PEXPIRE', KEYS[1], int(LIMIT_TTL))
else
  redis.call('DEL', KEYS[1])
end
return before[1] and 1 or 0
