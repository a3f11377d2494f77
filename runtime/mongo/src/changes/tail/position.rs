//! The position of the one that follows, and its lease.

use std::time::Duration;

use super::{End, Tailer};
use crate::changes::place::Claim;
use crate::changes::snapshot::Phase;
use crate::changes::stream::ping;
use fastness_core::Clock;
use fastness_core::seam::{nanos, now, pause};

/// A position is remembered so often at most while changes come; after a crash so much is announced again.
const REMEMBER: Duration = Duration::from_secs(1);
/// And so often while none come, so that it does not fall out of the server's memory.
const REMEMBER_IDLE: Duration = Duration::from_secs(30);
/// A server that says nothing for so long is asked whether it is there.
const SILENCE: Duration = Duration::from_secs(3);
/// The last words may take so long.
const FAREWELL: Duration = Duration::from_secs(2);

impl Tailer {
    /// Waits until this process is the one that follows.
    pub(super) async fn take_place(&mut self) -> Result<(), End> {
        let Some(place) = &self.place else { return Ok(()) };
        loop {
            match place.claim().await? {
                Claim::Held(token) => {
                    self.pulse = now(&Clock::system());
                    if !self.gap {
                        self.told = token.or(self.told.take());
                    }
                    return Ok(());
                }
                Claim::Others => {
                    // Where another got to meanwhile is what counts.
                    (self.told, self.gap) = (None, false);
                    self.board.is(Phase::Standby, None);
                    pause(place.pulse()).await;
                }
            }
        }
    }

    /// Remembers how far all were told, from time to time.
    pub(super) async fn remember(&mut self) -> Result<(), End> {
        let (Some(place), Some(token)) = (&self.place, &self.told) else { return Ok(()) };
        let now = now(&Clock::system());
        let every = if self.news { REMEMBER } else { REMEMBER_IDLE };
        if now - self.remembered < nanos(every) {
            return self.show_life().await;
        }
        if !place.remember(token).await? {
            return Err(End::Lost);
        }
        (self.remembered, self.pulse, self.news, self.gap) = (now, now, false, false);
        Ok(())
    }

    /// Holds the lease for longer, from time to time.
    pub(super) async fn show_life(&mut self) -> Result<(), End> {
        let Some(place) = &self.place else { return Ok(()) };
        let now = now(&Clock::system());
        if now - self.pulse < nanos(place.pulse()) {
            return Ok(());
        }
        match place.claim().await? {
            Claim::Held(_) => self.pulse = now,
            Claim::Others => return Err(End::Lost),
        }
        Ok(())
    }

    /// How long to wait for the server in one go.
    pub(super) fn beat(&self) -> Duration {
        self.place.as_ref().map_or(SILENCE, |place| place.pulse().min(SILENCE))
    }

    /// While the server says nothing: holds the lease, or sees whether the server is there.
    pub(super) async fn look_for_life(&mut self) -> Result<(), End> {
        match &self.place {
            Some(_) => self.show_life().await,
            None => Ok(ping(&self.changes.db).await?),
        }
    }

    /// Announces what was read, remembers the position, and lets another take over.
    pub(super) async fn finish(&mut self) {
        self.tell().await;
        let Some(place) = &self.place else { return };
        let told = self.told.as_ref();
        let leave = async {
            // If that fails, what is behind the last position is announced again.
            if let Some(token) = told {
                place.remember(token).await?;
            }
            place.release().await
        };
        if !matches!(tokio::time::timeout(FAREWELL, leave).await, Ok(Ok(()))) {
            tracing::debug!("another process takes over the changes of MongoDB when this one's time is up");
        }
    }
}
