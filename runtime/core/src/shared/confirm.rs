//! Values that are stored before it is certain that they may stay: those of functions that say `erase`.
//!
//! A load that began before an invalidation may end after it, so its value may be stored when the invalidation was executed already. So a
//! value is stored for [`UNCONFIRMED`] first. When the reply arrives, every invalidation that was executed before the store has been folded:
//! a value that is valid then is *confirmed*, which gives it its whole time to live, and any other is removed. An invalidation that is
//! executed after the store removes the value itself. If the process dies in between, nothing has to be repaired: the value expires.

use std::sync::Arc;
use std::time::Duration;

use redis::Cmd;

use super::api::SharedEpoch;
use super::context::Context;
use super::doubt::Doubt;
use crate::codec::envelope::HEADER;
use crate::log::Judgement;

/// The time to live of a value that is not confirmed. No value outlives an erasure of its key by more, if its server can be reached.
pub(super) const UNCONFIRMED: Duration = Duration::from_secs(10);

/// The state of a value that was stored unconfirmed.
pub(super) struct Confirmation {
    /// The position at which its load began.
    pub(super) epoch: SharedEpoch,
    pub(super) scopes: Box<[u64]>,
    /// The header of its envelope, by which the value is recognised.
    pub(super) header: [u8; HEADER],
    /// The time until which it is to live, in nanoseconds of the clock.
    pub(super) until: u64,
}

/// A command about a value or about the lease on its load, ready to be sent.
pub(super) struct StoreCommand {
    pub(super) address: String,
    pub(super) command: Cmd,
    /// True if it stores a value or an absence: neither a removal nor the release of a lease, which counts as no store.
    pub(super) is_store: bool,
    /// The confirmation that has to follow it.
    pub(super) confirmation: Option<Confirmation>,
}

/// The script that confirms or removes a value. `KEYS[1]`: the address. `ARGV`: the header of the value, and its time to live in
/// milliseconds, or zero to remove it. A value that has replaced it meanwhile is not touched.
const CONFIRM: &str = r"
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('UNLINK', KEYS[1]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
";

/// Confirms the values of one tier.
pub(super) struct Confirmer {
    context: Arc<Context>,
    doubt: Arc<Doubt>,
}

impl Confirmer {
    pub(super) fn new(context: Arc<Context>, doubt: Arc<Doubt>) -> Self {
        Self { context, doubt }
    }

    /// Returns the command that confirms or removes a value. `server` is that of the log, all of whose records up to the store were folded.
    /// `None` if the log is another server's by now: the value expires.
    pub(super) fn command(&self, server: u64, address: &str, confirmation: &Confirmation) -> Option<Cmd> {
        let judge = self.context.feed.judge(server)?;
        let judgement = judge.judge(confirmation.epoch, &confirmation.scopes);
        drop(judge);
        let is_valid = judgement.min(self.doubt.judge(&confirmation.scopes)) != Judgement::Invalidated;
        let left = confirmation.until.saturating_sub(self.context.clock.now()) / 1_000_000;
        let mut command = redis::cmd("EVAL");
        let ttl = if is_valid { left.max(1) } else { 0 };
        command.arg(CONFIRM).arg(1).arg(address).arg(&confirmation.header[..]).arg(ttl);
        Some(command)
    }
}
