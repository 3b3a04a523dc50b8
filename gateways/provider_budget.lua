-- The provider's requests and tokens per minute, as two buckets that refill all the time.
-- KEYS: 1 state (hash; requests and tokens are what is left), 2 open bookings (sorted set by time)
-- ARGV: 1 operation, 2 requests per minute, 3 tokens per minute, 4 booking, 5 its tokens, 6 amount
-- Seconds are those of the server's clock; fractions are returned as text, since Redis cuts numbers.
local FORGOTTEN_AFTER_S = 600
local KEPT_FOR_S = 172800

local operation, booking = ARGV[1], ARGV[4]
local request_limit, token_limit = tonumber(ARGV[2]), tonumber(ARGV[3])
local booked, amount = tonumber(ARGV[5]), tonumber(ARGV[6])

local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000

local stored = redis.call('HMGET', KEYS[1], 'requests', 'tokens', 'at', 'paused_until')
local passed = math.max(0, now - (tonumber(stored[3]) or now))
local requests = math.min(
  request_limit, (tonumber(stored[1]) or request_limit) + passed * request_limit / 60)
local tokens = math.min(
  token_limit, (tonumber(stored[2]) or token_limit) + passed * token_limit / 60)
local paused_until = tonumber(stored[4]) or 0

local function save()
  redis.call('HSET', KEYS[1],
    'requests', string.format('%.6f', math.min(request_limit, requests)),
    'tokens', string.format('%.6f', math.min(token_limit, tokens)),
    'at', string.format('%.6f', now),
    'paused_until', string.format('%.6f', paused_until))
  redis.call('EXPIRE', KEYS[1], KEPT_FOR_S)
  redis.call('EXPIRE', KEYS[2], KEPT_FOR_S)
end

local function reserve()
  local wait = math.max(
    paused_until - now,
    (1 - requests) * 60 / request_limit,
    (booked - tokens) * 60 / token_limit)
  if wait > 0 then
    return string.format('%.6f', wait)
  end
  requests, tokens = requests - 1, tokens - booked
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - FORGOTTEN_AFTER_S)
  redis.call('ZADD', KEYS[2], now, booking)
  save()
  return '0'
end

-- A booking is settled once; amount = the tokens that were really used, 0 = no call was made.
local function settle()
  if redis.call('ZREM', KEYS[2], booking) == 0 then
    return '0'
  end
  tokens = tokens + booked - amount
  if amount == 0 then
    requests = requests + 1
  end
  save()
  return '1'
end

-- The provider says that nothing is left: believe it, and let the pause refill the bucket.
local function pause()
  paused_until = math.max(paused_until, now + amount)
  tokens = math.min(tokens, 0)
  save()
  return '1'
end

if operation == 'reserve' then return reserve() end
if operation == 'settle' then return settle() end
return pause()
