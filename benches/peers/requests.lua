-- For wrk: asks for the paths of a file one after the other. With LIMIT it ends with that many answers, each path
-- asked once at most, because a tile that is asked twice is no longer uncached.
--   wrk -t1 -c16 -d60s -s requests.lua URL -- PATHS LIMIT [HEADER VALUE]…
local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long s; long ns; } vx_time;
  int clock_gettime(int which, vx_time *now);
  int getpid(void);
  int kill(int pid, int signal);
]]
local MONOTONIC, SIGINT = 1, 2

local function now()
  local at = ffi.new("vx_time")
  ffi.C.clock_gettime(MONOTONIC, at)
  return tonumber(at.s) + tonumber(at.ns) / 1e9
end

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  paths, headers = {}, {}
  for line in io.lines(args[1]) do
    paths[#paths + 1] = line
  end
  limit = tonumber(args[2])
  for at = 3, #args, 2 do
    headers[args[at]] = args[at + 1]
  end
  asked, answered, begun, seconds = 0, 0, 0, 0
  if limit == 0 then
    -- wrk parses answers for a script that wants them: not where it costs more than the server.
    response = nil
  end
end

function request()
  if asked == 0 then
    begun = now()
  end
  asked = asked + 1
  return wrk.format("GET", paths[(asked - 1) % #paths + 1], headers)
end

function response()
  answered = answered + 1
  if answered == limit then
    seconds = now() - begun
    wrk.thread:stop()
    -- wrk's main thread sleeps for the whole duration unless it is interrupted.
    ffi.C.kill(ffi.C.getpid(), SIGINT)
  end
end

function done(summary, latency)
  local thread = threads[1]
  local errors = summary.errors
  local bad = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  -- More may have been answered in the same turn of wrk's loop as the last that counts.
  local seconds, answered = thread:get("seconds"), thread:get("limit")
  if seconds == 0 then
    seconds, answered = summary.duration / 1e6, summary.requests
  end
  io.write(string.format(
    'RESULT {"answered":%d,"asked":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"bytes":%d,"bad":%d}\n',
    answered, thread:get("asked"), seconds, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    summary.bytes, bad))
end
