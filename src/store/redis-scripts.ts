/**
 * What runs inside the server, each script as one atomic step. `KEYS[1]` is the store's own hash and `ARGV[1]`
 * the store's id: a server that came back without its data, or with another store's, never says "no such job".
 *
 * Keys of a prefix P: `P:meta` (store_id, version, clock), `P:job:KEY` (the row), `P:blobs:KEY` (a field a
 * blob), `P:keys` (every job's key) and `P:by:…` (the orders of `list`). Orders are sorted sets without scores:
 * their members are compared byte by byte, `0000001763990000000:KEY` by time and then by key.
 */
const OWN = `
  if redis.call('HGET', KEYS[1], 'store_id') ~= ARGV[1] then return redis.error_reply('WRONGSTORE another store') end`;

/**
 * A replica, or a primary that was demoted and whose connections stayed, has rows from before: what only reads is
 * refused there by READONLY as a write is, since it tries to take away a field that no hash has. A primary that can't
 * save to its disk, or has too few replicas, still gives what it has. Not before a script's own writes: a first write
 * behind it would no longer be refused by a full memory.
 */
const OF_PRIMARY = `
  local gone = redis.pcall('HDEL', KEYS[1], 'none')
  if type(gone) == 'table' and not (string.find(gone.err, 'MISCONF') or string.find(gone.err, 'NOREPLICAS')) then
    return gone
  end`;

/** Makes the store where nothing of one is left, or tells which it is. KEYS[2]: the keys of all jobs. ARGV: an id for a new one, the version. */
const OPEN = `
  if redis.call('EXISTS', KEYS[1]) == 0 and redis.call('EXISTS', KEYS[2]) == 0 then
    redis.call('HSET', KEYS[1], 'store_id', ARGV[1], 'version', ARGV[2], 'clock', '0')
  end${OF_PRIMARY}
  return redis.call('HMGET', KEYS[1], 'store_id', 'version')`;

/**
 * KEYS: the row, the keys of all jobs. ARGV[2]: the job's key. Gives the clock that was kept, the server's own in ms,
 * and the row where there is one; a row of empty fields where it was taken away by something else than this store.
 */
const LOOK = `${OWN}${OF_PRIMARY}
  local time = redis.call('TIME')
  local answer = { redis.call('HGET', KEYS[1], 'clock') or '0', time[1] * 1000 + math.floor(time[2] / 1000) }
  if redis.call('EXISTS', KEYS[2]) == 1 or redis.call('ZSCORE', KEYS[3], ARGV[2]) then
    for i, value in ipairs(redis.call('HMGET', KEYS[2], 'status', 'doc', 'revision')) do
      answer[2 + i] = value or ''
    end
  end
  return answer`;

/**
 * KEYS: the row, its blobs. ARGV: the prefix, the job's key, the revision that was decided over ('' = there was
 * no row), the new one, now, '1' to drop the blobs, how many of the arguments that follow are the row's, the
 * row's fields with their values (at, status, task and tenant first), and then the blobs'. The row comes last, the
 * full memory's refusal before anything is written. Gives 1, or 0 where another writer came between.
 */
const WRITE = `${OWN}
  local prefix, key, seen, revision, now, drops = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
  if seen == '' and redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
  if seen ~= '' and redis.call('HGET', KEYS[2], 'revision') ~= seen then return 0 end
  local first, last = 9, 8 + ARGV[8]
  local function orders(at, status, task, tenant)
    local member = at .. ':' .. key
    return { { 'change', member }, { 'status:' .. status, member }, { 'task:' .. task, member },
      { 'tenant:' .. tenant, member } }
  end
  local old = redis.call('HMGET', KEYS[2], 'at', 'status', 'task', 'tenant')
  if drops == '1' then redis.call('DEL', KEYS[3]) end
  if #ARGV > last then redis.call('HSET', KEYS[3], unpack(ARGV, last + 1)) end
  redis.call('ZADD', prefix .. ':keys', 0, key)
  if old[1] then
    for _, order in ipairs(orders(unpack(old))) do
      redis.call('ZREM', prefix .. ':by:' .. order[1], order[2])
    end
  end
  for _, order in ipairs(orders(ARGV[first + 1], ARGV[first + 3], ARGV[first + 5], ARGV[first + 7])) do
    redis.call('ZADD', prefix .. ':by:' .. order[1], 0, order[2])
  end
  redis.call('HSET', KEYS[2], 'revision', revision, unpack(ARGV, first, last))
  if tonumber(now) > tonumber(redis.call('HGET', KEYS[1], 'clock') or 0) then
    redis.call('HSET', KEYS[1], 'clock', now)
  end
  return 1`;

/**
 * KEYS: the row, its blobs. ARGV: the prefix, the job's key, the revision as it was seen. Erases both, and gives 1; 0
 * where another writer came between.
 */
const REMOVE = `${OWN}
  local prefix, key, seen = ARGV[2], ARGV[3], ARGV[4]
  local row = redis.call('HMGET', KEYS[2], 'revision', 'at', 'status', 'task', 'tenant')
  if row[1] ~= seen then return 0 end
  local member = row[2] .. ':' .. key
  for _, order in ipairs({ 'change', 'status:' .. row[3], 'task:' .. row[4], 'tenant:' .. row[5] }) do
    redis.call('ZREM', prefix .. ':by:' .. order, member)
  end
  redis.call('ZREM', prefix .. ':keys', key)
  redis.call('DEL', KEYS[2], KEYS[3])
  return 1`;

/** KEYS[2]: the blobs; ARGV[2]: the name. */
const READ_BLOB = `${OWN}${OF_PRIMARY}
  return redis.call('HGET', KEYS[2], ARGV[2])`;

/**
 * KEYS: the orders that the filter allows; the shortest is walked. ARGV: the prefix, the member to begin below
 * ('' = the newest), how many rows are wanted, how many may be looked at, and pairs of a field and the value that it has
 * to have. Gives the member to go on below ('' = none is left), and a member, status and doc for each row.
 */
const LIST = `${OWN}${OF_PRIMARY}
  local prefix, after, wanted, most = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
  local order, least
  for i = 2, #KEYS do
    local size = redis.call('ZCARD', KEYS[i])
    if not least or size < least then order, least = KEYS[i], size end
  end
  local from = after == '' and '+' or '(' .. after
  local members = redis.call('ZREVRANGEBYLEX', order, from, '-', 'LIMIT', 0, most)
  local answer = { '' }
  for i, member in ipairs(members) do
    local row = prefix .. ':job:' .. string.sub(member, string.find(member, ':', 1, true) + 1)
    local fits = true
    for f = 6, #ARGV, 2 do
      fits = fits and redis.call('HGET', row, ARGV[f]) == ARGV[f + 1]
    end
    if fits then
      local found = redis.call('HMGET', row, 'status', 'doc')
      answer[#answer + 1] = member
      answer[#answer + 1] = found[1] or ''
      answer[#answer + 1] = found[2] or ''
    end
    if #answer > 3 * wanted or i == most then
      answer[1] = member
      break
    end
  end
  return answer`;

/**
 * KEYS[2]: all keys. ARGV: the prefix, where to begin and end, and how many to look at. Gives the key to go on
 * behind ('' = none is left), and key, task, status, tenant and sums for each row.
 */
const STATS = `${OWN}${OF_PRIMARY}
  local most = tonumber(ARGV[5])
  local keys = redis.call('ZRANGEBYLEX', KEYS[2], ARGV[3], ARGV[4], 'LIMIT', 0, most)
  local answer = { #keys == most and keys[most] or '' }
  for _, key in ipairs(keys) do
    answer[#answer + 1] = key
    for _, value in ipairs(redis.call('HMGET', ARGV[2] .. ':job:' .. key, 'task', 'status', 'tenant', 'sums')) do
      answer[#answer + 1] = value or ''
    end
  end
  return answer`;

/** By the name of the method that runs each. */
export const SCRIPTS = {
  openStore: OPEN,
  lookAtJob: LOOK,
  writeJob: WRITE,
  removeJob: REMOVE,
  readJobBlob: READ_BLOB,
  listJobs: LIST,
  sumJobs: STATS,
} as const;
