//! The task that follows: it opens a stream, announces what comes, remembers how far it got, and begins again when it fails.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bson::Document;
use mongodb::change_stream::ChangeStream;
use mongodb::change_stream::event::ResumeToken;
use tokio::sync::Notify;

use super::batch::Batch;
use super::event::{self, Then};
use super::followed::Followed;
use super::place::Place;
use super::snapshot::{Board, Ended, Phase};
use super::stream::{Fault, Watch};
use crate::error::Error;
use fastness_core::seam::{announce, fleet, pause};
use fastness_core::{Fastness, Reach};

mod position;

/// Between attempts to connect: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// Why following came to an end.
enum End {
    Fault(Fault),
    /// Another process follows.
    Lost,
    /// The database was dropped, and with it the stream.
    Reopen,
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Fault(Fault::Passing(error))
    }
}

/// The task's own state.
pub(super) struct Tailer {
    changes: Followed,
    handle: Fastness,
    board: Arc<Board>,
    watch: Watch,
    /// With a shared tier only.
    place: Option<Place>,
    batch: Batch,
    /// Everybody was told of what came before this.
    told: Option<ResumeToken>,
    /// The position that is remembered was found to be unknown to the server.
    gap: bool,
    /// When a position was last remembered, or a sign of life given, by the clock's nanoseconds.
    remembered: u64,
    pulse: u64,
    /// Whether there is anything new to remember.
    news: bool,
    wait: Duration,
}

impl Tailer {
    pub(super) fn new(changes: Followed, handle: Fastness, board: Arc<Board>) -> Self {
        let watch = Watch::new(&changes.models);
        let place = fleet(&handle).map(|fleet| Place::new(&changes, &fleet));
        Self {
            changes,
            handle,
            board,
            watch,
            place,
            batch: Batch::default(),
            told: None,
            gap: false,
            remembered: 0,
            pulse: 0,
            news: false,
            wait: RETRY.0,
        }
    }

    /// Follows until it is told to stop.
    pub(super) async fn run(mut self, stop: Arc<Notify>) {
        let _ended = Ended(self.board.clone());
        tokio::select! {
            biased;
            () = stop.notified() => {}
            () = self.keep_following() => return,
        }
        self.finish().await;
    }

    /// Returns only where there are no change streams.
    async fn keep_following(&mut self) {
        loop {
            let end = match self.follow().await {
                Ok(never) => match never {},
                Err(end) => end,
            };
            match end {
                End::Reopen => {}
                End::Lost => self.board.is(Phase::Standby, None),
                End::Fault(Fault::Off(why)) => {
                    tracing::warn!(database = self.changes.db.name(), why, "changes of MongoDB invalidate nothing");
                    return self.board.is(Phase::Off, Some(why));
                }
                End::Fault(Fault::Position(error)) if self.told.is_some() => {
                    tracing::warn!(%error, "changes were missed, so everything that depends on their models is invalidated");
                    self.board.is(Phase::Retrying, Some(error.to_string()));
                    (self.told, self.gap) = (None, true);
                    self.rest().await;
                }
                End::Fault(Fault::Position(error) | Fault::Passing(error)) => {
                    if self.board.snapshot().state != Phase::Retrying {
                        tracing::warn!(%error, "changes of MongoDB cannot be followed for now");
                    }
                    self.board.is(Phase::Retrying, Some(error.to_string()));
                    self.tell().await;
                    self.rest().await;
                }
            }
        }
    }

    /// Waits for a while, and the next time for longer.
    async fn rest(&mut self) {
        pause(self.wait).await;
        self.wait = (self.wait * 2).min(RETRY.1);
    }

    async fn follow(&mut self) -> Result<std::convert::Infallible, End> {
        self.take_place().await?;
        let stream = self.watch.open(&self.changes.db, self.told.as_ref()).await.map_err(End::Fault)?;
        let resumed = self.told.is_some();
        if !resumed {
            // Now that the stream is open, so that nothing falls between the two.
            self.changes.models.iter().for_each(|model| self.batch.push_everything(model));
        }
        self.consume(stream, resumed).await
    }

    fn opened(&self, resumed: bool) {
        self.board.opened(resumed);
        tracing::info!(database = self.changes.db.name(), resumed, "changes of MongoDB are followed");
    }

    async fn consume(
        &mut self,
        mut stream: ChangeStream<Document>,
        resumed: bool,
    ) -> Result<std::convert::Infallible, End> {
        // Some positions are found to be unknown only by the first reply.
        let mut opened = !resumed;
        if opened {
            // Who sees that it runs may rely on the gap being closed.
            self.announce(None).await?;
            self.opened(false);
        }
        loop {
            let event = self.next(&mut stream).await?;
            if !opened {
                self.opened(true);
                opened = true;
            }
            self.wait = RETRY.0;
            // A stream whose last reply is here is not alive any more, and has still to be read to its end.
            let then = match event {
                Some(event) => event::read(&event, &self.changes.models, &mut self.batch),
                None if stream.is_alive() => Then::Next,
                None => Then::Reopen,
            };
            if then == Then::Reopen {
                let end = stream.resume_token();
                self.announce(end.clone()).await?;
                // Until all were told, a new stream would begin before this end, and come to it again.
                while !self.batch.is_empty() {
                    self.rest().await;
                    self.announce(end.clone()).await?;
                }
                return Err(End::Reopen);
            }
        }
    }

    /// The next change; none if there was none for a while. What is here already is gathered; before anything is waited for, it
    /// is announced.
    async fn next(&mut self, stream: &mut ChangeStream<Document>) -> Result<Option<Document>, End> {
        let read_to = stream.resume_token();
        let mut next = pin!(stream.next_if_any());
        let ready = poll_fn(|cx| match next.as_mut().poll(cx) {
            Poll::Ready(event) => Poll::Ready(Some(event)),
            Poll::Pending => Poll::Ready(None),
        })
        .await;
        if ready.is_none() || self.batch.is_full() {
            // If this fails, a change that is here is read again, as it is behind what is remembered.
            self.announce(read_to).await?;
        }
        let event = match ready {
            Some(event) => event,
            None => self.answer(next).await?,
        };
        event.map_err(|error| End::Fault(Fault::of(&self.changes.db, &error)))
    }

    /// Waits for the server's answer. It comes at least twice a second, unless the server has to read far through its oplog, or is not
    /// there: so meanwhile signs of life are given, and looked for.
    async fn answer<T>(&mut self, mut next: Pin<&mut impl Future<Output = T>>) -> Result<T, End> {
        loop {
            match tokio::time::timeout(self.beat(), next.as_mut()).await {
                Ok(answer) => return Ok(answer),
                Err(_) => self.look_for_life().await?,
            }
        }
    }

    /// Announces what was read up to a position, and remembers it if everybody was told.
    async fn announce(&mut self, read_to: Option<ResumeToken>) -> Result<(), End> {
        if !self.tell().await {
            // It counts here. The others are told with the next, which is not far: an idle stream ticks, too.
            return self.show_life().await;
        }
        if read_to.is_some() {
            self.told = read_to;
        }
        self.remember().await
    }

    /// Announces what was read. False if there are some who could not be told.
    async fn tell(&mut self) -> bool {
        if self.batch.is_empty() {
            return true;
        }
        let found = self.watch.look_up(&self.changes.db, &self.batch).await;
        event::looked_up(&found, &self.changes.models, &mut self.batch);
        let patterns = self.batch.patterns(&self.changes.models);
        let reach = announce(&self.handle, patterns).await;
        self.board.announced(std::mem::take(&mut self.batch.changes), self.batch.last.take());
        if reach == Reach::Announced {
            self.batch.told();
            self.news = true;
        }
        reach == Reach::Announced
    }
}
