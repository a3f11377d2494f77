//! One load of a key at a time among all processes: a lease in the tier.
//!
//! For efficiency only: a lease that runs out, or whose server is lost, costs a second load and nothing else. Each attempt has
//! a nonce of its own, so nobody gives back what has become another's.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Value};

use super::{Place, Tier, Unavailable};

/// How long a lease lasts where no `load_timeout` says how long a load may take.
const LASTS: Duration = Duration::from_secs(10);

/// Gives back, unless it has run out and is another's.
const GIVE_BACK: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// The right to load a key; given back when dropped.
pub(crate) struct Lease(Option<Held>);

struct Held {
    tier: Arc<Tier>,
    address: String,
    nonce: u64,
}

impl Tier {
    /// Asks for the right to load a key, for as long as the load may take. `None` while another process has it, an error where
    /// the tier cannot be asked.
    ///
    /// # Cancel safety
    ///
    /// A lease that was granted meanwhile runs out by itself.
    pub(crate) async fn lease<V>(
        self: &Arc<Self>,
        place: &Place<'_, V>,
        load_timeout: Option<Duration>,
    ) -> Result<Option<Lease>, Unavailable> {
        let (address, nonce) = (format!("{}:lease", self.address(place)), fastrand::u64(..));
        let lasts = u64::try_from(load_timeout.unwrap_or(LASTS).as_millis()).unwrap_or(u64::MAX);
        let mut command = redis::cmd("SET");
        command.arg(&address).arg(nonce).arg("NX").arg("PX").arg(lasts.max(1));
        let granted = self.ask(&address, command).await? == Value::Okay;
        Ok(granted.then(|| Lease(Some(Held { tier: self.clone(), address, nonce }))))
    }
}

impl Lease {
    /// Leaves it to run out.
    #[cfg(feature = "http")]
    pub(crate) fn leave(mut self) {
        self.0 = None;
    }

    /// The command that gives it back, for whoever sends it behind another.
    pub(super) fn give_back(mut self) -> Option<(String, Cmd)> {
        self.0.take().map(Held::command)
    }
}

impl Held {
    fn command(self) -> (String, Cmd) {
        let mut command = redis::cmd("EVAL");
        command.arg(GIVE_BACK).arg(1).arg(&self.address).arg(self.nonce);
        (self.address, command)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(held) = self.0.take() {
            held.tier.clone().store(vec![held.command()]);
        }
    }
}
