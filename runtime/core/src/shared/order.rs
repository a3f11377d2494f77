//! The script that stores a value, unless a newer one is there.
//!
//! A slow load in one process may end after a later load in another process. So the script compares the headers of the new and the existing
//! envelope, in one step on the server. The newer value is the one whose load began later by the server's clock, as each process knows it.
//! The existing value is replaced nevertheless if its header has
//!
//! - **another life of the log**: the value is useless, and its server's clock may have been another one;
//! - **an earlier position in the log**: its load began earlier, whatever the clocks say, or its process had not yet received an
//!   invalidation;
//! - **a time in the future**, which would keep all values out until then.

use std::time::Duration;

use redis::Cmd;

/// Maximum difference between the server's clock and the time that a process takes for it.
const SKEW: Duration = Duration::from_secs(1);

/// The script. `KEYS[1]`: the address. `KEYS[2]`: the [flag](super::erasures::Erasures::flag) that an erasable value raises, if there is one. `ARGV`:
/// the envelope (or one without a value, if the value is not to be stored); the time to live in
/// milliseconds, or zero to remove an older value; the latest time at which a load can have begun. The numbers that are compared are at
/// bytes 16 (incarnation), 24 (position in the log) and 44 (start of the load) of an envelope.
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
if KEYS[2] then redis.call('SET', KEYS[2], '1') end
redis.call('SET', KEYS[1], here, 'PX', ARGV[2])
return 1
";

/// Makes the command that stores an envelope for `ttl_millis`, unless the existing one is newer. With zero it removes an older one.
/// `now_micros` is the server's time. `flag` is raised with an erasable value.
pub(super) fn store(address: &str, flag: Option<&str>, envelope: &[u8], ttl_millis: u64, now_micros: u64) -> Cmd {
    let latest = now_micros.saturating_add(u64::try_from(SKEW.as_micros()).unwrap_or(u64::MAX));
    let mut command = redis::cmd("EVAL");
    command.arg(STORE).arg(1 + usize::from(flag.is_some())).arg(address).arg(flag);
    command.arg(envelope).arg(ttl_millis).arg(latest);
    command
}
