//! What the parts of the shared tier share: settings, names, the feed, and what is told to people.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use redis::{ErrorKind, RedisError, RedisResult, ServerErrorKind};

use super::append::Append;
use super::feed::Feed;
use super::link::Live;
use super::notices::Notices;
use super::server::{is_refused, new_life};
use super::settings::Redis;
use super::settle::Settling;
use super::source::Source;
use super::stats::Counts;
use super::stream::Database;
use super::trust::Trust;
use crate::clock::Clock;
use crate::codec::forms::Unfit;
use crate::log::{Log, Record};

pub(crate) struct Hub {
    pub(crate) settings: Redis,
    pub(crate) clock: Clock,
    pub(crate) source: Source,
    /// The keys of the stream and of its channel.
    pub(crate) stream: String,
    pub(crate) channel: String,
    pub(crate) feed: Arc<Feed>,
    pub(crate) trust: Arc<Trust>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) notices: Arc<Notices>,
    pub(crate) database: Database,
    pub(crate) connecting: tokio::sync::Mutex<()>,
    pub(super) settling: Settling,
    /// The server's time less the clock's, in milliseconds.
    offset: AtomicI64,
    links: AtomicUsize,
    /// Of the last heartbeat that was answered, in nanoseconds.
    latency: AtomicU64,
    /// Whether the outage under way was told.
    told: AtomicBool,
    /// True if the last attempt to connect found a set-up with which the promise cannot be kept.
    refused: AtomicBool,
    /// True if a refusal was told since the last connection.
    told_refused: AtomicBool,
    told_encoding: AtomicBool,
}

impl Hub {
    pub(crate) fn new(
        settings: Redis,
        clock: Clock,
        log: &Arc<Log>,
        trust: Arc<Trust>,
        mirror: usize,
    ) -> RedisResult<Self> {
        let stream = format!("{}log", settings.prefix);
        let counts = Arc::<Counts>::default();
        let notices = Arc::new(Notices::new(counts.clone(), settings.servers.to_string(), stream.clone()));
        Ok(Self {
            source: Source::new(&settings, &stream)?,
            channel: stream.clone(),
            stream,
            feed: Arc::new(Feed::new(log.clone(), mirror, notices.clone())),
            trust,
            counts,
            notices,
            database: Database::new(settings.database()),
            connecting: tokio::sync::Mutex::default(),
            settling: Settling::default(),
            offset: AtomicI64::new(0),
            links: AtomicUsize::new(0),
            latency: AtomicU64::new(0),
            told: AtomicBool::new(false),
            refused: AtomicBool::new(false),
            told_refused: AtomicBool::new(false),
            told_encoding: AtomicBool::new(false),
            settings,
            clock,
        })
    }

    /// An append to the log of this server, which names it should it begin a life.
    pub(crate) fn append_command<'a>(&'a self, server: u64, record: &'a Record, token: u64) -> Append<'a> {
        Append {
            stream: &self.stream,
            channel: &self.channel,
            database: self.database,
            record,
            token,
            new_life: new_life(server),
            now_millis: self.server_millis(self.clock.now()),
            retention: self.settings.retention,
            leaving: None,
        }
    }

    /// The server has just answered a heartbeat that had been sent then.
    pub(crate) fn heard(&self, sent: u64) {
        self.latency.store(self.clock.now().saturating_sub(sent), Relaxed);
    }

    pub(crate) fn latency(&self) -> Duration {
        Duration::from_nanos(self.latency.load(Relaxed))
    }

    /// The server said this time (seconds, microseconds) between `sent` and now.
    pub(crate) fn learn_time(&self, sent: u64, (seconds, micros): (u64, u64)) {
        let here = millis(u64::midpoint(sent, self.clock.now()));
        let there = i64::try_from(seconds.saturating_mul(1_000).saturating_add(micros / 1_000)).unwrap_or(i64::MAX);
        self.offset.store(there.saturating_sub(here), Relaxed);
    }

    /// The server's time in milliseconds since 1970, at a time of the clock.
    pub(crate) fn server_millis(&self, time: u64) -> u64 {
        u64::try_from(millis(time).saturating_add(self.offset.load(Relaxed))).unwrap_or(0)
    }

    /// The same in microseconds.
    pub(crate) fn server_micros(&self, time: u64) -> u64 {
        let there = self.offset.load(Relaxed).saturating_mul(1_000);
        u64::try_from(i64::try_from(time / 1_000).unwrap_or(i64::MAX).saturating_add(there)).unwrap_or(0)
    }

    /// The clock's time at a time of the server's; zero for what was before the clock began.
    pub(crate) fn local_nanos(&self, server_millis: u64) -> u64 {
        let there = i64::try_from(server_millis).unwrap_or(i64::MAX);
        u64::try_from(there.saturating_sub(self.offset.load(Relaxed))).unwrap_or(0).saturating_mul(1_000_000)
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.links.load(SeqCst) > 0
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.refused.load(Relaxed)
    }

    pub(crate) fn connected(&self) {
        self.refused.store(false, Relaxed);
        self.told_refused.store(false, Relaxed);
        self.links.fetch_add(1, SeqCst);
        self.counts.connects.add();
        let waited = self.settling.end();
        if self.told.swap(false, Relaxed) || waited {
            tracing::info!(redis = %self.settings.servers, "the shared tier is back");
        } else {
            tracing::debug!(redis = %self.settings.servers, "connected to the shared tier");
        }
    }

    pub(crate) fn disconnected(&self, why: &RedisError) {
        self.links.fetch_sub(1, SeqCst);
        tracing::debug!(redis = %self.settings.servers, %why, "a connection to the shared tier is lost");
    }

    /// An attempt to connect to the server of the log failed. Told once per outage.
    pub(crate) fn cannot_connect(&self, why: &RedisError) {
        let refused = is_refused(why);
        self.refused.store(refused, Relaxed);
        self.settling.pause();
        // Another error in between, as of a Sentinel that is not reached, is no reason to tell it again.
        if refused && !self.told_refused.swap(true, Relaxed) {
            tracing::warn!(
                redis = %self.settings.servers, why = why.detail().unwrap_or_default(),
                "the shared tier is not used, because invalidations could be missed: mend it, or say `Redis::allow_unsafe_servers(true)`"
            );
        }
        if refused {
            self.counts.connect_errors.add();
        } else {
            self.cannot_reach_nodes(why);
        }
    }

    /// A server was not reached, be it that of the log or one that holds values only. Told once per outage.
    pub(crate) fn cannot_reach_nodes(&self, why: &RedisError) {
        self.counts.connect_errors.add();
        if self.is_connected() || self.told.swap(true, Relaxed) {
            return;
        }
        tracing::warn!(
            redis = %self.settings.servers, %why,
            "the shared tier cannot be used, so values are cached in this process only, and for a short time: {}", hint(why)
        );
    }

    /// A command failed.
    pub(crate) fn failed(&self, live: &Live, error: &RedisError) {
        self.counts.failed(error);
        if live.heed(error) {
            self.suspended();
        }
    }

    pub(crate) fn suspended(&self) {
        self.counts.suspensions.add();
        if !self.told.swap(true, Relaxed) {
            tracing::warn!(redis = %self.settings.servers, "the shared tier does not answer and is left alone until it does");
        }
    }

    /// The server answers, but may have a successor.
    pub(crate) fn withheld(&self, why: &str) {
        self.counts.suspensions.add();
        if !self.told.swap(true, Relaxed) {
            tracing::warn!(
                redis = %self.settings.servers, why,
                "the shared tier is left alone, because its master may have a successor"
            );
        }
    }

    /// A server with an unsettled log was seen for the first time.
    pub(crate) fn waits_for_new_master(&self) {
        self.counts.takeovers.add();
        let seconds = self.settings.takeover.as_secs_f64();
        tracing::info!(
            redis = %self.settings.servers, seconds,
            "the shared tier rests until the former master is gone"
        );
    }

    pub(crate) fn resumed(&self) {
        if self.told.swap(false, Relaxed) {
            tracing::info!(redis = %self.settings.servers, "the shared tier answers again");
        }
    }

    /// Told once for each process, because it is a matter of a type.
    pub(crate) fn cannot_encode(&self, type_name: &str, why: &Unfit) {
        self.counts.unencodable.add();
        if !self.told_encoding.swap(true, Relaxed) {
            tracing::warn!(
                r#type = type_name,
                why = why.0,
                "a value does not come back from its bytes and stays in this process: fix its `Serialize`, or write `tier = local`"
            );
        }
    }
}

/// What to do about it.
fn hint(error: &RedisError) -> &'static str {
    match error.kind() {
        _ if error.code() == Some("WRONGTYPE") => {
            "the key `<prefix>log` holds something else: delete it, or give this application a prefix of its own"
        }
        ErrorKind::AuthenticationFailed => "check the user and the password of its address",
        #[cfg(feature = "redis-sentinel")]
        ErrorKind::MasterNameNotFoundBySentinel => {
            "more than half of the Sentinels that are configured have to name it alike: check their addresses and the name"
        }
        ErrorKind::RESP3NotSupported => "it must be Redis 6.2 or newer",
        ErrorKind::Server(ServerErrorKind::NoPerm) => {
            "its user needs `~<prefix>* resetchannels &<prefix>log +@read +@write +@scripting +@pubsub +info +time`"
        }
        ErrorKind::Server(ServerErrorKind::ReadOnly) => "it must be the master; it is tried again",
        _ => "it is tried again in the background",
    }
}

fn millis(nanos: u64) -> i64 {
    i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX)
}
