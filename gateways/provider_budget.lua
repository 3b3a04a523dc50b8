-- The budget of one model and tier, shared by all processes: buckets that refill all the time, the
-- line before them, and the purses that pay. domain/budget/model.py says the same in Python, with
-- the reasons; a property test compares the two.
-- KEYS: 1 state (hash), 2 line (hash: ticket -> rank, deadline, costs), 3 open (hash: id -> end, costs),
--       then for each purse its spend (hash) and its calls in flight (zset: id -> end)
-- ARGV: 1 operation, 2 rules and buckets (JSON), 3 what is asked (JSON),
--       4 the time in seconds, '' for the server's own (tests give theirs)
-- Answers JSON. Redis hands numbers over as whole ones, hence text everywhere.
local KEPT_FOR_S, DAY_S, EPSILON_S = 172800, 86400, 0.000001
local operation, set_up, asked = ARGV[1], cjson.decode(ARGV[2]), cjson.decode(ARGV[3])
local rules, buckets = set_up.rules, set_up.buckets

local clock = redis.call('TIME')
local now = tonumber(ARGV[4]) or (tonumber(clock[1]) + tonumber(clock[2]) / 1000000)

local function text(number)
  return string.format('%.17g', number)
end

local function read_hash(key)
  local flat, found = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do found[flat[i]] = flat[i + 1] end
  return found
end

local state = read_hash(KEYS[1])
local passed = math.max(0, now - (tonumber(state.at) or now))
local paused_until = tonumber(state.paused_until) or 0
local ratio = tonumber(state.ratio) or 1
local distrust_until = tonumber(state.distrust_until) or 0

local UNITS = {'requests', 'tokens', 'input', 'output'}

local function pack_costs()
  local packed = {}
  for i, unit in ipairs(UNITS) do packed[i] = text(asked[unit]) end
  return table.concat(packed, ' ')
end

-- What is booked and not settled, by unit, and what of it may not have arrived at the provider yet;
-- the forgotten ones are dropped.
local function sum_open()
  local sums = {requests = 0, tokens = 0, input = 0, output = 0}
  local fresh = {requests = 0, tokens = 0, input = 0, output = 0}
  for id, packed in pairs(read_hash(KEYS[3])) do
    local until_s, requests, tokens, input, output =
      string.match(packed, '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
    if tonumber(until_s) <= now then
      redis.call('HDEL', KEYS[3], id)
    else
      local costs = {requests = requests, tokens = tokens, input = input, output = output}
      local is_fresh = tonumber(until_s) > now - rules.arrive_s + rules.open_s
      for unit, cost in pairs(costs) do
        sums[unit] = sums[unit] + cost
        if is_fresh then fresh[unit] = fresh[unit] + cost end
      end
    end
  end
  return sums, fresh
end

local in_flight, on_its_way = sum_open()

local function set_limit(bucket, told)
  bucket.told = told
  bucket.limit = told and math.min(told, bucket.ours) or bucket.ours
  bucket.per_s = bucket.limit / bucket.period_s
end

for _, bucket in ipairs(buckets) do
  bucket.ours = bucket.limit
  set_limit(bucket, tonumber(state['told:' .. bucket.name]))
  local used = tonumber(state['used:' .. bucket.name]) or 0
  bucket.used = math.max(on_its_way[bucket.unit], used - passed * bucket.per_s)
  local margin = tonumber(state['margin:' .. bucket.name]) or 0
  bucket.margin = margin * 0.5 ^ (passed / rules.margin_half_life_s)
end

local function save()
  local fields = {'at', text(math.max(now, tonumber(state.at) or now)),
    'paused_until', text(paused_until), 'ratio', text(ratio),
    'distrust_until', text(distrust_until)}
  for _, bucket in ipairs(buckets) do
    local name = bucket.name
    fields[#fields + 1], fields[#fields + 2] = 'used:' .. name, text(bucket.used)
    fields[#fields + 1], fields[#fields + 2] = 'margin:' .. name, text(bucket.margin)
    if bucket.told then
      fields[#fields + 1], fields[#fields + 2] = 'told:' .. name, text(bucket.told)
    elseif state['told:' .. name] then
      redis.call('HDEL', KEYS[1], 'told:' .. name)
    end
  end
  redis.call('HSET', KEYS[1], unpack(fields))
  redis.call('EXPIRE', KEYS[1], KEPT_FOR_S)
end

local function burst(bucket)
  return bucket.limit * (1 - rules.slack_s / bucket.period_s) - bucket.margin
end

local function believe(seen, may_lower)
  for _, bucket in ipairs(buckets) do
    local said = seen[bucket.name]
    if said then
      local limit, used = said[1], said[2]
      set_limit(bucket, (limit > 0 and limit < bucket.ours) and limit or nil)
      local drift = used - bucket.used
      if drift > rules.drift_s * bucket.per_s then
        bucket.used = used
        bucket.margin = math.max(bucket.margin,
          math.min(rules.margin_s_max * bucket.per_s, rules.margin_factor * drift))
      elseif may_lower then
        bucket.used = math.min(bucket.used,
          used + in_flight[bucket.unit] + rules.drift_s * bucket.per_s)
      end
    end
  end
end

-- Purses ---------------------------------------------------------------------------------------

-- Months since the year 0, counted from March.
local function find_month(day)
  local shifted = day + 719468
  local era = math.floor(shifted / 146097)
  local inside = shifted - era * 146097
  local year = math.floor((inside - math.floor(inside / 1460) + math.floor(inside / 36524)
    - math.floor(inside / 146096)) / 365)
  local in_year = inside - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  return (era * 400 + year) * 12 + math.floor((5 * in_year + 2) / 153)
end

local today = math.floor(now / DAY_S)
local periods = {{name = 'day', number = today}, {name = 'month', number = find_month(today)}}

local function has_money_cap(purse)
  return purse.day_max or purse.month_max
end

-- The spend of the day and month so far; nil where it is neither remembered nor told.
local function open_purse(purse, index)
  local key = KEYS[2 + 2 * index]
  local stored, spends = read_hash(key), {}
  for i, period in ipairs(periods) do
    local name = period.name
    local number, picousd = tonumber(stored[name]), tonumber(stored[name .. '_spent'])
    local alerted = tonumber(stored[name .. '_alerted']) or 0
    if not number then
      picousd = purse['spent_' .. name]
      if not picousd then return nil end
    elseif number ~= period.number then
      picousd, alerted = 0, 0
    end
    spends[i] = {name = name, number = period.number, picousd = picousd, alerted = alerted,
      most = purse[name .. '_max']}
  end
  return spends
end

local function save_purse(spends, index)
  local key, fields = KEYS[2 + 2 * index], {}
  for _, spend in ipairs(spends) do
    local name = spend.name
    for suffix, number in pairs({[''] = spend.number, _spent = spend.picousd,
      _alerted = spend.alerted}) do
      fields[#fields + 1], fields[#fields + 2] = name .. suffix, text(number)
    end
  end
  redis.call('HSET', key, unpack(fields))
  redis.call('EXPIRE', key, 33 * DAY_S)
end

local function find_cap(purse, index)
  local flight = KEYS[3 + 2 * index]
  redis.call('ZREMRANGEBYSCORE', flight, '-inf', text(now))
  local in_flight = redis.call('ZCARD', flight)
  if purse.in_flight_max and in_flight >= purse.in_flight_max then
    return {wait_s = text(rules.busy_wait_s), reason = 'in_flight', purse = purse.name}
  end
  if not has_money_cap(purse) then return nil end
  local spends = open_purse(purse, index)
  if not spends then return {unknown = purse.name} end
  if redis.call('EXISTS', KEYS[2 + 2 * index]) == 0 then save_purse(spends, index) end
  local wait = DAY_S - now % DAY_S
  if in_flight > 0 then wait = math.min(rules.spent_wait_s, wait) end
  for _, spend in ipairs(spends) do
    if spend.most and spend.picousd + asked.picousd > spend.most then
      return {wait_s = text(wait), reason = spend.name .. '_spend', purse = purse.name}
    end
  end
  return nil
end

local function book_purse(purse, index)
  local flight = KEYS[3 + 2 * index]
  redis.call('ZADD', flight, text(now + rules.open_s), asked.id)
  redis.call('EXPIRE', flight, KEPT_FOR_S)
  if not has_money_cap(purse) then return end
  local spends = open_purse(purse, index)
  for _, spend in ipairs(spends) do spend.picousd = spend.picousd + asked.picousd end
  save_purse(spends, index)
end

local function settle_purse(purse, index, booked_at, alerts)
  redis.call('ZREM', KEYS[3 + 2 * index], asked.id)
  if not has_money_cap(purse) or redis.call('EXISTS', KEYS[2 + 2 * index]) == 0 then return end
  local spends, then_day = open_purse(purse, index), math.floor(booked_at / DAY_S)
  local numbers = {day = then_day, month = find_month(then_day)}
  for _, spend in ipairs(spends) do
    if spend.number == numbers[spend.name] then
      spend.picousd = math.max(0, spend.picousd + asked.difference)
    end
    local percent = 0
    for _, step in ipairs(rules.alert_percents) do
      if spend.most and spend.most > 0 and spend.picousd * 100 >= step * spend.most then
        percent = math.max(percent, step)
      end
    end
    if percent > spend.alerted then
      spend.alerted = percent
      alerts[#alerts + 1] = {purse = purse.name, period = spend.name, percent = percent}
    end
  end
  save_purse(spends, index)
end

-- The line -------------------------------------------------------------------------------------

-- What all who stand before (rank, ticket) want, by unit; how many stand in the line; the rank that
-- the ticket has already, nil for a new one. The dead lose their places.
local function look_at_line(ticket, fresh_rank)
  local line, places, own_rank, count = read_hash(KEYS[2]), {}, nil, 0
  for key, packed in pairs(line) do
    local rank, until_s, requests, tokens, input, output =
      string.match(packed, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
    if tonumber(until_s) <= now then
      redis.call('HDEL', KEYS[2], key)
    else
      count = count + 1
      rank = tonumber(rank)
      if key == ticket then own_rank = rank end
      places[count] = {key, rank, tonumber(requests), tonumber(tokens), tonumber(input),
        tonumber(output)}
    end
  end
  local rank, ahead = own_rank or fresh_rank, {requests = 0, tokens = 0, input = 0, output = 0}
  for _, place in ipairs(places) do
    if place[2] < rank or (place[2] == rank and place[1] < ticket) then
      for i, unit in ipairs(UNITS) do ahead[unit] = ahead[unit] + place[2 + i] end
    end
  end
  return ahead, count, own_rank
end

-- Seconds until the call fits, and until all before it are served; kept is the share of their
-- bookings that those keep.
local function find_waits(ahead, kept)
  local wait = math.max(0, paused_until - now)
  local behind = wait
  for _, bucket in ipairs(buckets) do
    local own, before, most = asked[bucket.unit], ahead[bucket.unit], burst(bucket)
    if bucket.unit ~= 'requests' then before = before * kept end
    wait = math.max(wait, (bucket.used + before + own - math.max(most, own)) / bucket.per_s)
    behind = math.max(behind, (bucket.used + before - math.max(most, 0)) / bucket.per_s)
  end
  return wait, behind
end

-- Operations -----------------------------------------------------------------------------------

local function reserve()
  for _, bucket in ipairs(buckets) do
    local whole = bucket.told and math.min(bucket.told, bucket.whole) or bucket.whole
    if asked[bucket.unit] > whole then
      return {never = bucket.name, needed = asked[bucket.unit], limit = whole}
    end
  end
  for index, purse in ipairs(asked.purses) do
    local capped = find_cap(purse, index)
    if capped then
      if capped.wait_s then redis.call('HDEL', KEYS[2], asked.ticket) end
      return capped
    end
  end
  local fresh_rank = now - (asked.urgent and rules.head_start_s or 0)
  local ahead, count, own_rank = look_at_line(asked.ticket, fresh_rank)
  local strict = find_waits(ahead, 1)
  if strict <= EPSILON_S then
    if own_rank then redis.call('HDEL', KEYS[2], asked.ticket) end
    for _, bucket in ipairs(buckets) do bucket.used = bucket.used + asked[bucket.unit] end
    redis.call('HSET', KEYS[3], asked.id, text(now + rules.open_s) .. ' ' .. pack_costs())
    redis.call('EXPIRE', KEYS[3], KEPT_FOR_S)
    for index, purse in ipairs(asked.purses) do book_purse(purse, index) end
    save()
    return {granted = true}
  end
  local wait, behind = find_waits(ahead, ratio)
  wait = math.max(wait, math.min(strict, rules.least_wait_s))
  local paused = paused_until > now
  if behind > rules.line_s or (not own_rank and count >= rules.line_max) then
    redis.call('HDEL', KEYS[2], asked.ticket)
    return {wait_s = text(wait), reason = paused and 'paused' or 'line_full'}
  end
  local packed = {text(own_rank or fresh_rank), text(now + wait + rules.grace_s), pack_costs()}
  redis.call('HSET', KEYS[2], asked.ticket, table.concat(packed, ' '))
  redis.call('EXPIRE', KEYS[2], KEPT_FOR_S)
  return {wait_s = text(wait), reason = paused and 'paused' or 'budget', holds_place = true}
end

local function settle()
  local alerts, packed = {}, redis.call('HGET', KEYS[3], asked.id)
  local until_s = packed and tonumber(string.match(packed, '^%S+'))
  if until_s and until_s > now then
    redis.call('HDEL', KEYS[3], asked.id)
    in_flight = sum_open()
    if asked.booked_tokens > 0 and asked.used_tokens > 0 then
      local share = math.min(1, math.max(rules.ratio_least, asked.used_tokens / asked.booked_tokens))
      ratio = ratio + rules.ratio_weight * (share - ratio)
    end
    for _, bucket in ipairs(buckets) do
      bucket.used = math.max(0, bucket.used - asked[bucket.unit])
    end
    for index, purse in ipairs(asked.purses) do
      settle_purse(purse, index, until_s - rules.open_s, alerts)
    end
  end
  believe(asked.seen, now >= distrust_until)
  save()
  return #alerts > 0 and {alerts = alerts} or {}
end

local function pause()
  paused_until = math.max(paused_until, now + asked.seconds)
  distrust_until = now + rules.distrust_s
  believe(asked.seen)
  if next(asked.seen) == nil then
    for _, bucket in ipairs(buckets) do
      if bucket.name == 'tokens_per_minute' then
        bucket.used = math.max(bucket.used, bucket.limit)
      end
    end
  end
  save()
  return {}
end

local function measure()
  local ahead, count = look_at_line('', math.huge)
  local answer = {paused_s = text(math.max(0, paused_until - now)), line = count}
  for _, bucket in ipairs(buckets) do
    local unit = bucket.unit
    local room = burst(bucket) - bucket.used - ahead[unit]
    answer[unit] = math.min(answer[unit] or math.huge, room)
    answer[unit .. '_per_s'] = math.min(answer[unit .. '_per_s'] or math.huge, bucket.per_s)
  end
  return answer
end

-- What has flowed back depends on what was on its way at each look: so every look is kept.
if operation ~= 'leave' then save() end

local operations = {reserve = reserve, settle = settle, pause = pause, measure = measure,
  leave = function() redis.call('HDEL', KEYS[2], asked.ticket) return {} end}
return cjson.encode(operations[operation]())
