-- Start a counter afresh, and say when: before that, nodes remember admissions that the store no longer counts.
-- KEYS: limit, log, tat, reset
-- ARGV: the window where no limit is stored (µs)
-- Answers now (µs).

local KEEP = 5000000
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local window = tonumber(redis.call('HGET', KEYS[1], 'window') or ARGV[1])
redis.call('DEL', KEYS[2], KEYS[3])
redis.call('SET', KEYS[4], string.format('%.0f', now), 'PX', string.format('%.0f', math.ceil((window + KEEP) / 1000)))
return now
