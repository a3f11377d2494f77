//! One load of a key at a time among all processes: a lease in the tier.
//!
//! For efficiency only: a lease that runs out, or whose server is lost, costs a second load and nothing else. Each attempt has
//! a nonce of its own, so a lease that has become another's is not given back.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Value};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::seam::{LeaseApi, Unavailable};
use super::tier::RedisTier;
use crate::clock::pause;

/// A hundred years: what Redis adds to the time of day must not overflow.
const MAX_MILLIS: u64 = 100 * 365 * 86_400_000;

/// Gives back, unless it has run out and is another's.
const GIVE_BACK: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// Renews, unless it has run out and is another's. By SET, which a user of the tier may run anyway.
const RENEW: &str = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end \
                     redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1";

/// The right to load a key; given back when dropped.
pub(crate) struct LoadLease(Option<HeldLease>);

struct HeldLease {
    tier: Arc<RedisTier>,
    address: String,
    nonce: u64,
    /// Ends with the lease.
    renewal: Option<Renewal>,
}

/// The task that renews a lease; dropping it ends the task.
struct Renewal(AbortHandle);

impl Drop for Renewal {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// As a server takes it: at least one, and no more than it can add to the time of day.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).clamp(1, MAX_MILLIS)
}

impl LoadLease {
    /// Asks the tier for the right to load a key, for so long. `None` while another process has it. `address` is the lease's own.
    pub(super) async fn acquire(
        tier: &Arc<RedisTier>,
        address: String,
        lasts: Duration,
    ) -> Result<Option<Self>, Unavailable> {
        let nonce = fastrand::u64(..);
        let mut command = redis::cmd("SET");
        command.arg(&address).arg(nonce).arg("NX").arg("PX").arg(millis(lasts));
        let granted = tier.ask(&address, command).await? == Value::Okay;
        Ok(granted.then(|| Self(Some(HeldLease { tier: tier.clone(), address, nonce, renewal: None }))))
    }

    /// The command that gives it back, for whoever sends it behind another.
    pub(super) fn give_back(mut self) -> Option<(String, Cmd)> {
        self.0.take().map(HeldLease::command)
    }
}

impl LeaseApi for LoadLease {
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
    fn leave(mut self) {
        self.0 = None;
    }
}

impl HeldLease {
    fn command(self) -> (String, Cmd) {
        let mut command = redis::cmd("EVAL");
        command.arg(GIVE_BACK).arg(1).arg(&self.address).arg(self.nonce);
        (self.address, command)
    }
}

/// Renews a lease three times within the time for which it lasts, until it is lost.
async fn renew(tier: Arc<RedisTier>, address: String, nonce: u64, lasts: Duration) {
    let mut renewed = true;
    while renewed {
        pause(lasts / 3).await;
        let mut command = redis::cmd("EVAL");
        command.arg(RENEW).arg(1).arg(&address).arg(nonce).arg(millis(lasts));
        // One that the server did not answer may be followed by one that it does.
        renewed = tier.ask(&address, command).await.map_or(true, |reply| reply == Value::Int(1));
    }
}

impl Drop for LoadLease {
    fn drop(&mut self) {
        if let Some(held) = self.0.take() {
            held.tier.clone().send_later(vec![held.command()]);
        }
    }
}
