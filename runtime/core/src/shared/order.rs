//! The order of values: one whose load began earlier does not replace a newer one.
//!
//! A load that was slow in one process may end after a later one of another process, so a store compares, in one step on the server, what its
//! envelope says with what stands there. The newer of two values is that whose load began later by the server's clock, as far as each
//! process knows it. Not everything that says so is believed:
//!
//! - **Another life of the log** made what stands there useless, and its clock may have been another one.
//! - **A place further back in the log** shows that what stands there began earlier, whatever the clocks say, or that its process had not
//!   heard of an invalidation yet.
//! - **A time of the future** would keep every value out until it has come.

use std::time::Duration;

use redis::Cmd;

/// How far clocks of processes, as they know the server's, are taken to differ at most.
const SKEW: Duration = Duration::from_secs(1);

/// `KEYS[1]` the address; `ARGV`: the envelope (or one without a value, of what is not to be stored), the time for which it is kept in
/// milliseconds, zero to remove what is older, and the latest time at which a load can have begun. The numbers that are compared are at bytes
/// 16 (incarnation), 24 (place in the log) and 44 (beginning of the load) of an envelope.
const STORE: &str = r"
local there, here = redis.pcall('GETRANGE', KEYS[1], 0, 51), ARGV[1]
local function order(first)
    for at = first + 8, first + 1, -1 do
        local difference = string.byte(there, at) - string.byte(here, at)
        if difference ~= 0 then return difference end
    end
    return 0
end
if type(there) == 'string' and #there == 52 and string.sub(there, 1, 4) == string.sub(here, 1, 4)
    and order(16) == 0 and order(24) >= 0 and order(44) > 0 then
    local began = 0
    for at = 52, 45, -1 do began = began * 256 + string.byte(there, at) end
    if began <= tonumber(ARGV[3]) then return 0 end
end
if ARGV[2] == '0' then return redis.call('UNLINK', KEYS[1]) end
redis.call('SET', KEYS[1], here, 'PX', ARGV[2])
return 1
";

/// The command that stores an envelope for so many milliseconds, unless what stands there is newer. With zero what is older is
/// removed. `now_micros` is the server's time.
pub(super) fn store(address: &str, envelope: &[u8], keep_millis: u64, now_micros: u64) -> Cmd {
    let latest = now_micros.saturating_add(u64::try_from(SKEW.as_micros()).unwrap_or(u64::MAX));
    let mut command = redis::cmd("EVAL");
    command.arg(STORE).arg(1).arg(address).arg(envelope).arg(keep_millis).arg(latest);
    command
}
