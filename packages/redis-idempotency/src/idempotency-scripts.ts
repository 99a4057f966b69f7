import { RedisScript } from './redis-script.ts';

// Each call of an effect is one hash, which is there as long as its lease or its record is: Redis drops it when that has run out.
//   token   whose it is, or was; microseconds of the server's clock
//   claim   names the claim that was granted
//   params  'h' and the hash of the parameters, or nothing
//   record  what is kept of a call that was made; absent while it is held

/** Arguments: lease in ms, params, claim. A claim that is sent twice, because its reply was lost, is granted once and told so twice. */
export const claimScript: RedisScript = new RedisScript(`
local kept = redis.call('HMGET', KEYS[1], 'token', 'params', 'record', 'claim')
if not kept[1] then
  local time = redis.call('TIME')
  local token = time[1] .. string.rep('0', 6 - #time[2]) .. time[2]
  redis.call('HSET', KEYS[1], 'token', token, 'params', ARGV[2], 'claim', ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  return { 'claimed', token }
end
if kept[2] ~= '' and ARGV[2] ~= '' and kept[2] ~= ARGV[2] then return { 'mismatch', kept[2] } end
if kept[3] then return { 'settled', kept[3] } end
if kept[4] == ARGV[3] then return { 'claimed', kept[1] } end
return { 'held', redis.call('PTTL', KEYS[1]) }
`);

/** Arguments: token, lease in ms. */
export const renewScript: RedisScript = new RedisScript(`
local kept = redis.call('HMGET', KEYS[1], 'token', 'record')
if kept[1] ~= ARGV[1] or kept[2] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`);

/** Arguments: token, time to keep it in ms, record, channel. */
export const settleScript: RedisScript = new RedisScript(`
local kept = redis.call('HMGET', KEYS[1], 'token', 'record')
if kept[1] ~= ARGV[1] then return 0 end
if kept[2] then return 1 end
redis.call('HSET', KEYS[1], 'record', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[4], 'settled')
return 1
`);

/** Arguments: token, channel. */
export const releaseScript: RedisScript = new RedisScript(`
local kept = redis.call('HMGET', KEYS[1], 'token', 'record')
if kept[1] ~= ARGV[1] or kept[2] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[2], 'released')
return 1
`);

/** Arguments: channel. */
export const forgetScript: RedisScript = new RedisScript(`
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
redis.call('PUBLISH', ARGV[1], 'forgotten')
return 1
`);

/** Whether somebody holds the call. */
export const heldScript: RedisScript = new RedisScript(`
local kept = redis.call('HMGET', KEYS[1], 'token', 'record')
return (kept[1] and not kept[2]) and 1 or 0
`);
