//! The task of a watcher: opens a stream, announces changes, stores the position, and retries after errors.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bson::Document;
use mongodb::change_stream::ChangeStream;
use mongodb::change_stream::event::ResumeToken;
use tokio::sync::Notify;

use super::batch::ChangeBatch;
use super::event::{self, AfterEvent};
use super::position::PositionLease;
use super::snapshot::{StatusBoard, StopGuard, WatcherState};
use super::stream::{self, StreamFault, StreamRequest};
use super::target::WatchTarget;
use crate::error::Error;
use fastness_core::seam::{announce, fleet, pause};
use fastness_core::{Fastness, Reach};

mod lease;

/// Pause between attempts to connect: the first, and the maximum.
const RETRY_PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// Reason why reading a stream ended.
enum FollowEnd {
    Fault(StreamFault),
    /// Another process holds the lease.
    Lost,
    /// The database was dropped, which ends the stream.
    Reopen,
}

impl From<Error> for FollowEnd {
    fn from(error: Error) -> Self {
        Self::Fault(StreamFault::Transient(error))
    }
}

/// State of the task.
pub(super) struct WatcherWorker {
    target: WatchTarget,
    handle: Fastness,
    status: Arc<StatusBoard>,
    request: StreamRequest,
    /// Position and lease; `None` without a shared tier.
    position: Option<PositionLease>,
    batch: ChangeBatch,
    /// Position up to which the changes were announced to every process.
    announced_token: Option<ResumeToken>,
    /// True if the server no longer knows the stored position.
    position_lost: bool,
    /// Times of the last stored position and the last renewal of the lease, in nanoseconds of the clock.
    stored_at: u64,
    renewed_at: u64,
    /// True if changes were announced since the position was stored.
    unstored: bool,
    retry_pause: Duration,
}

impl WatcherWorker {
    pub(super) fn new(target: WatchTarget, handle: Fastness, status: Arc<StatusBoard>) -> Self {
        let request = StreamRequest::new(&target.models);
        let position = fleet(&handle).map(|fleet| PositionLease::new(&target, &fleet));
        Self {
            target,
            handle,
            status,
            request,
            position,
            batch: ChangeBatch::default(),
            announced_token: None,
            position_lost: false,
            stored_at: 0,
            renewed_at: 0,
            unstored: false,
            retry_pause: RETRY_PAUSES.0,
        }
    }

    /// Runs until `stop` is notified, or the server has no change streams.
    pub(super) async fn run(mut self, stop: Arc<Notify>) {
        let _stop_guard = StopGuard(self.status.clone());
        tokio::select! {
            biased;
            () = stop.notified() => {}
            () = self.follow_until_unsupported() => return,
        }
        self.finish().await;
    }

    /// Reads streams one after the other. Returns only if the server has no change streams.
    async fn follow_until_unsupported(&mut self) {
        loop {
            let end = match self.follow().await {
                Ok(never) => match never {},
                Err(end) => end,
            };
            match end {
                FollowEnd::Reopen => {}
                FollowEnd::Lost => self.status.set(WatcherState::Standby, None),
                FollowEnd::Fault(StreamFault::Unsupported(why)) => {
                    tracing::warn!(
                        database = self.target.db.name(),
                        why,
                        "change streams are not available: changes of MongoDB invalidate nothing"
                    );
                    return self.status.set(WatcherState::Off, Some(why));
                }
                FollowEnd::Fault(StreamFault::LostPosition(error)) if self.announced_token.is_some() => {
                    tracing::warn!(%error, "changes of MongoDB may have been missed: all scopes of the watched models are invalidated");
                    self.status.set(WatcherState::Retrying, Some(error.to_string()));
                    (self.announced_token, self.position_lost) = (None, true);
                    self.back_off().await;
                }
                FollowEnd::Fault(StreamFault::LostPosition(error) | StreamFault::Transient(error)) => {
                    if self.status.snapshot().state != WatcherState::Retrying {
                        tracing::warn!(%error, "the change stream of MongoDB failed: retrying");
                    }
                    self.status.set(WatcherState::Retrying, Some(error.to_string()));
                    self.announce_batch().await;
                    self.back_off().await;
                }
            }
        }
    }

    /// Pauses before a retry, and doubles the next pause.
    async fn back_off(&mut self) {
        pause(self.retry_pause).await;
        self.retry_pause = (self.retry_pause * 2).min(RETRY_PAUSES.1);
    }

    async fn follow(&mut self) -> Result<std::convert::Infallible, FollowEnd> {
        self.check_collections().await?;
        self.acquire_lease().await?;
        let stream =
            self.request.open(&self.target.db, self.announced_token.as_ref()).await.map_err(FollowEnd::Fault)?;
        let resumed = self.announced_token.is_some();
        if !resumed {
            // The scopes are added after the stream is open, so that no change is missed in between.
            self.target.models.iter().for_each(|model| self.batch.add_all_scopes(model));
        }
        self.consume(stream, resumed).await
    }

    /// Reports models whose changes the server does not report. Fails if there are no others.
    async fn check_collections(&mut self) -> Result<(), FollowEnd> {
        let reasons = stream::not_followed(&self.target.db, &self.target.models).await?;
        if self.status.set_not_followed(&reasons) && !reasons.is_empty() {
            tracing::error!(
                database = self.target.db.name(),
                why = reasons.join("; "),
                "scopes are declared on collections whose changes cannot be followed"
            );
        }
        let all = !reasons.is_empty() && reasons.len() == self.target.distinct_collections();
        if all { Err(FollowEnd::Fault(StreamFault::Unsupported(reasons.join("; ")))) } else { Ok(()) }
    }

    fn mark_opened(&self, resumed: bool) {
        self.status.record_opened(resumed);
        tracing::info!(database = self.target.db.name(), resumed, "the change stream of MongoDB is open");
    }

    async fn consume(
        &mut self,
        mut stream: ChangeStream<Document>,
        resumed: bool,
    ) -> Result<std::convert::Infallible, FollowEnd> {
        // The server may report an unknown position only with its first reply.
        let mut opened = !resumed;
        if opened {
            // A state of `Running` promises that everything that may have been missed was invalidated.
            self.announce(None).await?;
            self.mark_opened(false);
        }
        loop {
            let event = self.next(&mut stream).await?;
            if !opened {
                self.mark_opened(true);
                opened = true;
            }
            self.retry_pause = RETRY_PAUSES.0;
            // A stream is no longer alive once its last reply was received, but its events still have to be read.
            let then = match event {
                Some(event) => event::read(&event, &self.target.models, &mut self.batch),
                None if stream.is_alive() => AfterEvent::Next,
                None => AfterEvent::Reopen,
            };
            if then == AfterEvent::Reopen {
                let end = stream.resume_token();
                self.announce(end.clone()).await?;
                // Before the batch is announced to all processes, a new stream would start before this end, and reach it again.
                while !self.batch.is_empty() {
                    self.back_off().await;
                    self.announce(end.clone()).await?;
                }
                return Err(FollowEnd::Reopen);
            }
        }
    }

    /// Returns the next change; `None` if there was none for a while. Changes that are available at once are collected; the batch is
    /// announced before a wait.
    async fn next(&mut self, stream: &mut ChangeStream<Document>) -> Result<Option<Document>, FollowEnd> {
        let read_to = stream.resume_token();
        let mut next = pin!(stream.next_if_any());
        let ready = poll_fn(|cx| match next.as_mut().poll(cx) {
            Poll::Ready(event) => Poll::Ready(Some(event)),
            Poll::Pending => Poll::Ready(None),
        })
        .await;
        if ready.is_none() || self.batch.is_full() {
            // If this fails, the event at hand is read again later, because it is after the stored position.
            self.announce(read_to).await?;
        }
        let event = match ready {
            Some(event) => event,
            None => self.await_reply(next).await?,
        };
        event.map_err(|error| FollowEnd::Fault(StreamFault::from_driver(&self.target.db, &error)))
    }

    /// Waits for the server's reply. It comes at least twice a second, unless the server scans far through its oplog or is unreachable;
    /// so the lease is renewed and the connection is checked meanwhile.
    async fn await_reply<T>(&mut self, mut next: Pin<&mut impl Future<Output = T>>) -> Result<T, FollowEnd> {
        loop {
            match tokio::time::timeout(self.poll_interval(), next.as_mut()).await {
                Ok(reply) => return Ok(reply),
                Err(_) => self.check_connection().await?,
            }
        }
    }

    /// Announces the batch. If every process has it, sets the position and stores it from time to time.
    async fn announce(&mut self, read_to: Option<ResumeToken>) -> Result<(), FollowEnd> {
        if !self.announce_batch().await {
            // The batch counts in this process, and is announced to others together with the next one, which is soon: an idle stream polls
            // too.
            return self.renew_lease().await;
        }
        if read_to.is_some() {
            self.announced_token = read_to;
        }
        self.store_position().await
    }

    /// Announces the batch. Returns false if it could not be announced to every process.
    async fn announce_batch(&mut self) -> bool {
        if self.batch.is_empty() {
            return true;
        }
        let found = self.request.find_updated(&self.target.db, &self.batch).await;
        event::add_looked_up(&found, &self.target.models, &mut self.batch);
        let patterns = self.batch.patterns(&self.target.models);
        let reach = announce(&self.handle, patterns).await;
        self.status.record_announced(std::mem::take(&mut self.batch.changes), self.batch.last.take());
        if reach == Reach::Announced {
            self.batch.mark_announced();
            self.unstored = true;
        }
        reach == Reach::Announced
    }
}
