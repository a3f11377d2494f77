//! The stored position of a watcher, and its lease.

use std::time::Duration;

use super::{FollowEnd, WatcherWorker};
use crate::changes::position::ClaimOutcome;
use crate::changes::snapshot::WatcherState;
use crate::changes::stream::ping;
use fastness_core::Clock;
use fastness_core::seam::{nanos, now, pause};

/// Interval at which the position is stored while changes come in. After a crash, the changes of this time are announced again.
const STORE_INTERVAL: Duration = Duration::from_secs(1);
/// Interval at which the position is stored while no changes come in, so that it stays within the server's oplog.
const IDLE_STORE_INTERVAL: Duration = Duration::from_secs(30);
/// Time without a reply after which the connection is checked.
const SILENCE_LIMIT: Duration = Duration::from_secs(3);
/// Time limit for storing the position and releasing the lease at the end.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

impl WatcherWorker {
    /// Waits until this process holds the lease.
    pub(super) async fn acquire_lease(&mut self) -> Result<(), FollowEnd> {
        let Some(position) = &self.position else { return Ok(()) };
        loop {
            match position.claim().await? {
                ClaimOutcome::Acquired(token) => {
                    self.renewed_at = now(&Clock::system());
                    if !self.position_lost {
                        self.announced_token = token.or(self.announced_token.take());
                    }
                    return Ok(());
                }
                ClaimOutcome::HeldByOther => {
                    // The position that the other process stores is the one to continue from.
                    (self.announced_token, self.position_lost) = (None, false);
                    self.status.set(WatcherState::Standby, None);
                    pause(position.renewal_interval()).await;
                }
            }
        }
    }

    /// Stores the position, at the intervals above.
    pub(super) async fn store_position(&mut self) -> Result<(), FollowEnd> {
        let (Some(position), Some(token)) = (&self.position, &self.announced_token) else { return Ok(()) };
        let now = now(&Clock::system());
        let every = if self.unstored { STORE_INTERVAL } else { IDLE_STORE_INTERVAL };
        if now - self.stored_at < nanos(every) {
            return self.renew_lease().await;
        }
        if !position.store(token).await? {
            return Err(FollowEnd::Lost);
        }
        (self.stored_at, self.renewed_at, self.unstored, self.position_lost) = (now, now, false, false);
        Ok(())
    }

    /// Renews the lease when a renewal is due.
    pub(super) async fn renew_lease(&mut self) -> Result<(), FollowEnd> {
        let Some(position) = &self.position else { return Ok(()) };
        let now = now(&Clock::system());
        if now - self.renewed_at < nanos(position.renewal_interval()) {
            return Ok(());
        }
        match position.claim().await? {
            ClaimOutcome::Acquired(_) => self.renewed_at = now,
            ClaimOutcome::HeldByOther => return Err(FollowEnd::Lost),
        }
        Ok(())
    }

    /// Returns the maximum time of one wait for the server.
    pub(super) fn poll_interval(&self) -> Duration {
        self.position.as_ref().map_or(SILENCE_LIMIT, |position| position.renewal_interval().min(SILENCE_LIMIT))
    }

    /// Renews the lease, or checks the connection, while the server does not reply.
    pub(super) async fn check_connection(&mut self) -> Result<(), FollowEnd> {
        match &self.position {
            Some(_) => self.renew_lease().await,
            None => Ok(ping(&self.target.db).await?),
        }
    }

    /// Announces the batch, stores the position, and releases the lease.
    pub(super) async fn finish(&mut self) {
        self.announce_batch().await;
        let Some(position) = &self.position else { return };
        let announced = self.announced_token.as_ref();
        let leave = async {
            // If this fails, changes after the last stored position are announced again.
            if let Some(token) = announced {
                position.store(token).await?;
            }
            position.release().await
        };
        if !matches!(tokio::time::timeout(STOP_TIMEOUT, leave).await, Ok(Ok(()))) {
            tracing::debug!(
                "the lease on the change stream could not be released: another process takes over when it expires"
            );
        }
    }
}
