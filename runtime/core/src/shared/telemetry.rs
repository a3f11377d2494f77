//! Counters and log lines of the shared tier. A line is written once per outage.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::time::Duration;

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::errors::is_refused;
use super::notices::Notices;
use super::stats::TierCounts;
#[cfg(feature = "encryption")]
use crate::codec::SecretId;
use crate::codec::forms::CodecError;
use crate::codec::unreadable::Unreadable;
#[cfg(feature = "encryption")]
use crate::sync::{Mutex, lock};

/// Maximum number of lines about secret keys: another program may write any id.
#[cfg(feature = "encryption")]
const MAX_SECRETS: usize = 16;

/// Counts and logs the state of the connections, and values that cannot be read or written.
pub(crate) struct Telemetry {
    pub(crate) counts: Arc<TierCounts>,
    /// Notices about the log.
    pub(crate) notices: Arc<Notices>,
    /// The servers, as log lines name them.
    redis: String,
    /// The number of connections.
    connections: AtomicUsize,
    /// The latency of the last heartbeat that was answered, in nanoseconds.
    latency: AtomicU64,
    /// True if the current outage was logged.
    logged_outage: AtomicBool,
    /// True if the last attempt to connect found a set-up with which coherence cannot be guaranteed.
    refused: AtomicBool,
    /// True if a refusal was logged since the last connection.
    logged_refused: AtomicBool,
    logged_encoding: AtomicBool,
    /// The secret keys about which a line was written: that they are unknown, or that a value is forged.
    #[cfg(feature = "encryption")]
    logged_secrets: Mutex<Vec<Unreadable>>,
}

impl Telemetry {
    /// Creates the telemetry of these servers, with the log under this key.
    pub(crate) fn new(redis: String, stream: &str) -> Self {
        let not_yet = || AtomicBool::new(false);
        let counts = Arc::<TierCounts>::default();
        Self {
            notices: Arc::new(Notices::new(counts.clone(), redis.clone(), stream.to_owned())),
            counts,
            redis,
            connections: AtomicUsize::new(0),
            latency: AtomicU64::new(0),
            logged_outage: not_yet(),
            refused: not_yet(),
            logged_refused: not_yet(),
            logged_encoding: not_yet(),
            #[cfg(feature = "encryption")]
            logged_secrets: Mutex::default(),
        }
    }

    /// Notes a heartbeat that was answered after this time, in nanoseconds.
    pub(crate) fn note_latency(&self, nanos: u64) {
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

    /// Notes that a connection was made. `waited` says whether it had to wait until a former master was gone.
    pub(crate) fn connected(&self, waited: bool) {
        self.refused.store(false, Relaxed);
        self.logged_refused.store(false, Relaxed);
        self.connections.fetch_add(1, SeqCst);
        self.counts.connects.add();
        if self.logged_outage.swap(false, Relaxed) || waited {
            tracing::info!(redis = %self.redis, "the shared tier is in use again");
        } else {
            tracing::debug!(redis = %self.redis, "connected to the shared tier");
        }
    }

    /// Notes that a connection was lost.
    pub(crate) fn disconnected(&self, why: &RedisError) {
        self.connections.fetch_sub(1, SeqCst);
        tracing::debug!(redis = %self.redis, %why, "a connection to the shared tier is lost");
    }

    /// Notes a failed attempt to connect to the server of the log. Logged once per outage.
    pub(crate) fn cannot_connect(&self, why: &RedisError) {
        let refused = is_refused(why);
        self.refused.store(refused, Relaxed);
        // Another error in between, such as a Sentinel out of reach, does not cause a second line.
        if refused && !self.logged_refused.swap(true, Relaxed) {
            tracing::warn!(
                redis = %self.redis, why = why.detail().unwrap_or_default(),
                "the shared tier is not used, because invalidations could be missed: fix the set-up, or set `Redis::allow_unsafe_servers(true)`"
            );
        }
        if refused {
            self.counts.connect_errors.add();
        } else {
            self.cannot_reach_nodes(why);
        }
    }

    /// Notes that a server was not reached: the one of the log, or a node that holds values. Logged once per outage.
    pub(crate) fn cannot_reach_nodes(&self, why: &RedisError) {
        self.counts.connect_errors.add();
        if self.is_connected() || self.logged_outage.swap(true, Relaxed) {
            return;
        }
        tracing::warn!(
            redis = %self.redis, %why,
            "the shared tier cannot be used, so values are cached in this process only, and for a short time: {}", advice(why)
        );
    }

    /// Notes that a server does not answer. Logged once per outage.
    pub(crate) fn suspended(&self) {
        self.counts.suspensions.add();
        if !self.logged_outage.swap(true, Relaxed) {
            tracing::warn!(redis = %self.redis, "the shared tier does not answer and is not used until it does");
        }
    }

    /// Notes that the server answers, but may have a successor. Logged once per outage.
    pub(crate) fn withheld(&self, why: &str) {
        self.counts.suspensions.add();
        if !self.logged_outage.swap(true, Relaxed) {
            tracing::warn!(
                redis = %self.redis, why,
                "the shared tier is not used, because its master may have a successor"
            );
        }
    }

    /// Records the first sight of a server whose log is not settled.
    pub(crate) fn waits_for_new_master(&self, takeover: Duration) {
        self.counts.takeovers.add();
        let seconds = takeover.as_secs_f64();
        tracing::info!(
            redis = %self.redis, seconds,
            "the shared tier is not used until the former master is gone"
        );
    }

    /// Notes that a server answers again.
    pub(crate) fn resumed(&self) {
        if self.logged_outage.swap(false, Relaxed) {
            tracing::info!(redis = %self.redis, "the shared tier answers again");
        }
    }

    /// Notes a value that could not be encoded. Logged once per process, because its type is to blame.
    pub(crate) fn cannot_encode(&self, type_name: &str, why: &CodecError) {
        self.counts.unencodable.add();
        if !self.logged_encoding.swap(true, Relaxed) {
            tracing::warn!(
                r#type = type_name,
                why = why.0,
                "a value does not decode unchanged and stays in this process: fix its `Serialize`, or write `tier = local`"
            );
        }
    }

    /// Notes a value that cannot be read.
    pub(crate) fn unreadable(&self, why: Unreadable) {
        match why {
            #[cfg(feature = "encryption")]
            Unreadable::UnknownSecret(secret) => {
                self.counts.unknown_secret.add();
                if self.is_first(why) {
                    tracing::warn!(
                        redis = %self.redis, secret = secret.as_str(),
                        "a value is encrypted with a secret key that the keyring lacks, so it is loaded: add the secret key to the keyring of every process before one encrypts with it"
                    );
                }
            }
            #[cfg(feature = "encryption")]
            Unreadable::Forged(secret) => {
                self.counts.forged.add();
                if self.is_first(why) {
                    tracing::warn!(
                        redis = %self.redis, secret = secret.as_ref().map(SecretId::as_str),
                        "a value was not encrypted for its key with its secret key, so it is loaded: let only fastness write there, and give each secret key an id of its own"
                    );
                }
            }
            _ => self.counts.unreadable.add(),
        }
    }

    /// Returns whether a line is to be written about this secret key.
    #[cfg(feature = "encryption")]
    fn is_first(&self, why: Unreadable) -> bool {
        let mut logged = lock(&self.logged_secrets);
        let is_first = logged.len() < MAX_SECRETS && !logged.contains(&why);
        if is_first {
            logged.push(why);
        }
        is_first
    }
}

/// Returns advice on an error.
fn advice(error: &RedisError) -> &'static str {
    match error.kind() {
        _ if error.code() == Some("WRONGTYPE") => {
            "the key `<prefix>log` is not a stream: delete it, or give this application a prefix of its own"
        }
        ErrorKind::AuthenticationFailed => "check the user and the password of its address",
        #[cfg(feature = "redis-sentinel")]
        ErrorKind::MasterNameNotFoundBySentinel => {
            "more than half of the configured Sentinels must name the same master: check their addresses and the name"
        }
        ErrorKind::RESP3NotSupported => "it must be Redis 6.2 or newer",
        ErrorKind::Server(ServerErrorKind::NoPerm) => {
            "its user needs `~<prefix>* resetchannels &<prefix>log +@read +@write +@scripting +@pubsub +info +time`"
        }
        ErrorKind::Server(ServerErrorKind::ReadOnly) => "it must be the master; the next attempt follows",
        _ => "the next attempt follows in the background",
    }
}
