//! The parts that all tasks of one shared tier use: settings, both clocks, the log, and telemetry.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;

use redis::RedisResult;

use super::erasures::Erasures;
use super::feed::Feed;
use super::server_source::ServerSource;
use super::settings::Redis;
use super::settle_wait::SettleWait;
use super::stream::Database;
use super::telemetry::Telemetry;
use super::trust::Trust;
use crate::clock::Clock;
use crate::log::Log;

/// The common parts of one shared tier.
pub(crate) struct Context {
    pub(crate) settings: Redis,
    pub(crate) clock: Clock,
    pub(crate) source: ServerSource,
    /// The key of the stream, and the name of its channel.
    pub(crate) stream: String,
    pub(crate) channel: String,
    pub(crate) database: Database,
    pub(crate) erasures: Arc<Erasures>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) trust: Arc<Trust>,
    pub(crate) settle_wait: Arc<SettleWait>,
    /// Held while a connection is made.
    pub(crate) connecting: Arc<tokio::sync::Mutex<()>>,
    pub(crate) telemetry: Arc<Telemetry>,
    /// The server's time less the clock's, in milliseconds.
    offset: Arc<AtomicI64>,
}

impl Context {
    pub(crate) fn new(
        settings: Redis,
        clock: Clock,
        log: &Arc<Log>,
        trust: Arc<Trust>,
        mirror_bytes: usize,
    ) -> RedisResult<Self> {
        let stream = format!("{}log", settings.prefix);
        let telemetry = Telemetry::new(settings.servers.to_string(), &stream);
        Ok(Self {
            source: ServerSource::new(&settings, &stream)?,
            channel: stream.clone(),
            erasures: Arc::new(Erasures::new(&settings, &stream)),
            stream,
            database: Database::new(settings.database()),
            feed: Arc::new(Feed::new(log.clone(), mirror_bytes, telemetry.notices.clone())),
            trust,
            settle_wait: Arc::default(),
            connecting: Arc::default(),
            telemetry: Arc::new(telemetry),
            offset: Arc::default(),
            settings,
            clock,
        })
    }

    /// Returns the same context for connections of another runtime. Questions to the Sentinels have their own connections too.
    ///
    /// # Errors
    ///
    /// Fails where [`new`](Self::new) does.
    pub(crate) fn beside(&self) -> RedisResult<Self> {
        Ok(Self {
            settings: self.settings.clone(),
            clock: self.clock.clone(),
            source: ServerSource::new(&self.settings, &self.stream)?,
            stream: self.stream.clone(),
            channel: self.channel.clone(),
            database: self.database,
            erasures: self.erasures.clone(),
            feed: self.feed.clone(),
            trust: self.trust.clone(),
            settle_wait: self.settle_wait.clone(),
            connecting: self.connecting.clone(),
            telemetry: self.telemetry.clone(),
            offset: self.offset.clone(),
        })
    }

    /// Sets the offset of the server's clock: it returned this time (seconds, microseconds) between `sent` and now.
    pub(crate) fn learn_time(&self, sent: u64, (seconds, micros): (u64, u64)) {
        let here = millis(u64::midpoint(sent, self.clock.now()));
        let there = i64::try_from(seconds.saturating_mul(1_000).saturating_add(micros / 1_000)).unwrap_or(i64::MAX);
        self.offset.store(there.saturating_sub(here), Relaxed);
    }

    /// Converts a time of the clock to the server's, in milliseconds since 1970.
    pub(crate) fn server_millis(&self, time: u64) -> u64 {
        u64::try_from(millis(time).saturating_add(self.offset.load(Relaxed))).unwrap_or(0)
    }

    /// Converts a time of the clock to the server's, in microseconds since 1970.
    pub(crate) fn server_micros(&self, time: u64) -> u64 {
        let there = self.offset.load(Relaxed).saturating_mul(1_000);
        u64::try_from(i64::try_from(time / 1_000).unwrap_or(i64::MAX).saturating_add(there)).unwrap_or(0)
    }

    /// Converts a time of the server to the clock's. Zero for times before the clock's start.
    pub(crate) fn local_nanos(&self, server_millis: u64) -> u64 {
        let there = i64::try_from(server_millis).unwrap_or(i64::MAX);
        u64::try_from(there.saturating_sub(self.offset.load(Relaxed))).unwrap_or(0).saturating_mul(1_000_000)
    }

    /// Converts a time of the server to the clock's, below zero for times before the clock's start.
    pub(crate) fn signed_nanos(&self, server_millis: u64) -> i64 {
        let there = i64::try_from(server_millis).unwrap_or(i64::MAX);
        there.saturating_sub(self.offset.load(Relaxed)).saturating_mul(1_000_000)
    }
}

fn millis(nanos: u64) -> i64 {
    i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX)
}
