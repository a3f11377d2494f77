//! Leases in Redis, by which one process at a time loads a key.
//!
//! A lease only saves work: one that expires, or whose server is lost, costs a second load and nothing else. Each attempt has its own
//! nonce, so that a process cannot release another's lease.

use std::sync::Arc;
use std::time::Duration;

use redis::Value;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::api::{LeaseApi, Unavailable};
use super::confirm::StoreCommand;
use super::tier::RedisTier;
use crate::clock::pause;

/// Maximum duration of a lease, a hundred years: Redis adds it to the time of day, which must not overflow.
const MAX_MILLIS: u64 = 100 * 365 * 86_400_000;

/// Script that releases a lease, unless it has expired and is another's.
const RELEASE: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// Script that renews a lease, unless it has expired and is another's. Uses `SET`, which a user of the tier may run anyway.
const RENEW: &str = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end \
                     redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1";

/// The right to load a key, released when dropped.
pub(crate) struct RedisLoadLease(Option<HeldLease>);

struct HeldLease {
    tier: Arc<RedisTier>,
    address: String,
    nonce: u64,
    /// The renewal, which ends with the lease.
    renewal: Option<Renewal>,
}

/// The task that renews a lease; dropping it ends the task.
struct Renewal(AbortHandle);

impl Drop for Renewal {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Converts a duration to the milliseconds that a server accepts: at least one, and no more than it can add to the time of day.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).clamp(1, MAX_MILLIS)
}

impl RedisLoadLease {
    /// Requests a lease of this duration, under an address of its own. `None` while another process has it.
    pub(super) async fn acquire(
        tier: &Arc<RedisTier>,
        address: String,
        lasts: Duration,
    ) -> Result<Option<Self>, Unavailable> {
        let nonce = fastrand::u64(..);
        let mut command = redis::cmd("SET");
        command.arg(&address).arg(nonce).arg("NX").arg("PX").arg(millis(lasts));
        let granted = tier.query(&address, command).await? == Value::Okay;
        Ok(granted.then(|| Self(Some(HeldLease { tier: tier.clone(), address, nonce, renewal: None }))))
    }

    /// Returns the command that releases the lease, to be sent together with another one.
    pub(super) fn into_release(mut self) -> Option<StoreCommand> {
        self.0.take().map(HeldLease::command)
    }
}

impl LeaseApi for RedisLoadLease {
    fn renewed(mut self, lasts: Duration, bound: Duration) -> Self {
        if let (Some(held), Ok(runtime)) = (&mut self.0, Handle::try_current())
            && bound > lasts
        {
            let (tier, address, nonce) = (held.tier.clone(), held.address.clone(), held.nonce);
            let renewing = timeout(bound, renew(tier, address, nonce, lasts));
            held.renewal = Some(Renewal(runtime.spawn(renewing).abort_handle()));
        }
        self
    }

    #[cfg(feature = "http")]
    fn let_expire(mut self) {
        self.0 = None;
    }
}

impl HeldLease {
    fn command(self) -> StoreCommand {
        let mut command = redis::cmd("EVAL");
        command.arg(RELEASE).arg(1).arg(&self.address).arg(self.nonce);
        StoreCommand { address: self.address, command, is_store: false, confirmation: None }
    }
}

/// Renews a lease three times within its duration, until it is lost.
async fn renew(tier: Arc<RedisTier>, address: String, nonce: u64, lasts: Duration) {
    let mut renewed = true;
    while renewed {
        pause(lasts / 3).await;
        let mut command = redis::cmd("EVAL");
        command.arg(RENEW).arg(1).arg(&address).arg(nonce).arg(millis(lasts));
        // After a renewal that was not answered, the next one may succeed.
        renewed = tier.query(&address, command).await.map_or(true, |reply| reply == Value::Int(1));
    }
}

impl Drop for RedisLoadLease {
    fn drop(&mut self) {
        if let Some(held) = self.0.take() {
            held.tier.clone().send_later(vec![held.command()]);
        }
    }
}
