-- A node's sign of life.
-- KEYS: nodes (a hash; each field holds "last seen (µs) address")
-- ARGV: name, address
-- Answers {now, name, value, name, value...}; with no ARGV only that.

local TTL = 2592000000  -- ms
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
if ARGV[1] then
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %s', now, ARGV[2]))
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', TTL))
end
local answer = redis.call('HGETALL', KEYS[1])
table.insert(answer, 1, now)
return answer
