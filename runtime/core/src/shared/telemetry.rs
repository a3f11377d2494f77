//! What the shared tier tells people: counters, and log lines that are written once for each outage.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::time::Duration;

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::errors::is_refused;
use super::notices::Notices;
use super::stats::TierCounts;
use crate::codec::forms::Unfit;

/// The state of the connections as people are told of it.
pub(crate) struct Telemetry {
    pub(crate) counts: Arc<TierCounts>,
    /// Notices about the log.
    pub(crate) notices: Arc<Notices>,
    /// The servers, as logs name them.
    redis: String,
    /// Connections that are there.
    connections: AtomicUsize,
    /// The latency of the last heartbeat that was answered, in nanoseconds.
    latency: AtomicU64,
    /// True if the outage under way was told.
    told: AtomicBool,
    /// True if the last attempt to connect found a set-up with which the promise cannot be kept.
    refused: AtomicBool,
    /// True if a refusal was told since the last connection.
    told_refused: AtomicBool,
    told_encoding: AtomicBool,
}

impl Telemetry {
    /// Telemetry of these servers and of the log under this key.
    pub(crate) fn new(redis: String, stream: &str) -> Self {
        let not_yet = || AtomicBool::new(false);
        let counts = Arc::<TierCounts>::default();
        Self {
            notices: Arc::new(Notices::new(counts.clone(), redis.clone(), stream.to_owned())),
            counts,
            redis,
            connections: AtomicUsize::new(0),
            latency: AtomicU64::new(0),
            told: not_yet(),
            refused: not_yet(),
            told_refused: not_yet(),
            told_encoding: not_yet(),
        }
    }

    /// A heartbeat was answered after this time, in nanoseconds.
    pub(crate) fn heard_after(&self, nanos: u64) {
        self.latency.store(nanos, Relaxed);
    }

    pub(crate) fn latency(&self) -> Duration {
        Duration::from_nanos(self.latency.load(Relaxed))
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.connections.load(SeqCst) > 0
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.refused.load(Relaxed)
    }

    /// A connection was made. `waited` says whether that took a wait for a former master to be gone.
    pub(crate) fn connected(&self, waited: bool) {
        self.refused.store(false, Relaxed);
        self.told_refused.store(false, Relaxed);
        self.connections.fetch_add(1, SeqCst);
        self.counts.connects.add();
        if self.told.swap(false, Relaxed) || waited {
            tracing::info!(redis = %self.redis, "the shared tier is back");
        } else {
            tracing::debug!(redis = %self.redis, "connected to the shared tier");
        }
    }

    /// A connection is lost.
    pub(crate) fn disconnected(&self, why: &RedisError) {
        self.connections.fetch_sub(1, SeqCst);
        tracing::debug!(redis = %self.redis, %why, "a connection to the shared tier is lost");
    }

    /// An attempt to connect to the server of the log failed. Told once per outage.
    pub(crate) fn cannot_connect(&self, why: &RedisError) {
        let refused = is_refused(why);
        self.refused.store(refused, Relaxed);
        // Another error in between, as of a Sentinel that is not reached, is no reason to tell it again.
        if refused && !self.told_refused.swap(true, Relaxed) {
            tracing::warn!(
                redis = %self.redis, why = why.detail().unwrap_or_default(),
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
            redis = %self.redis, %why,
            "the shared tier cannot be used, so values are cached in this process only, and for a short time: {}", hint(why)
        );
    }

    /// A server does not answer.
    pub(crate) fn suspended(&self) {
        self.counts.suspensions.add();
        if !self.told.swap(true, Relaxed) {
            tracing::warn!(redis = %self.redis, "the shared tier does not answer and is left alone until it does");
        }
    }

    /// The server answers, but may have a successor.
    pub(crate) fn withheld(&self, why: &str) {
        self.counts.suspensions.add();
        if !self.told.swap(true, Relaxed) {
            tracing::warn!(
                redis = %self.redis, why,
                "the shared tier is left alone, because its master may have a successor"
            );
        }
    }

    /// A server with an unsettled log was seen for the first time.
    pub(crate) fn waits_for_new_master(&self, takeover: Duration) {
        self.counts.takeovers.add();
        let seconds = takeover.as_secs_f64();
        tracing::info!(
            redis = %self.redis, seconds,
            "the shared tier rests until the former master is gone"
        );
    }

    /// A server answers again.
    pub(crate) fn resumed(&self) {
        if self.told.swap(false, Relaxed) {
            tracing::info!(redis = %self.redis, "the shared tier answers again");
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
