//! Every metric: its name, kind, unit, labels and meaning. `docs/metrics.md` is made from this list.
//!
//! Names end in their unit, counters in `_total`. The value of a label is a function, a tier, an outcome: one of a few that
//! are known when the program is built. A key is never one.

/// What a metric does over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
}

impl Kind {
    #[cfg(any(test, feature = "prometheus"))]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What a metric counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Count,
    Seconds,
    /// 1 for yes, 0 for no.
    Flag,
}

/// One metric.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) unit: Unit,
    pub(crate) labels: &'static [&'static str],
    pub(crate) help: &'static str,
}

macro_rules! metrics {
    ($($name:ident = $text:literal, $kind:ident, $unit:ident, [$($label:literal),*], $help:literal;)*) => {
        // Those of the shared tier, of HTTP and of monitors have no value where these are not compiled; they are listed all the same.
        $(#[cfg_attr(not(all(feature = "redis", feature = "axum")), allow(dead_code))]
        pub(crate) const $name: Metric = Metric {
            name: $text,
            kind: Kind::$kind,
            unit: Unit::$unit,
            labels: &[$($label),*],
            help: $help,
        };)*

        /// All of them, in the order in which they are shown.
        #[cfg(any(test, feature = "metrics"))]
        pub(crate) const ALL: &[Metric] = &[$($name),*];
    };
}

metrics! {
    // The cache, by function.
    HITS = "fastness_cache_hits_total", Counter, Count, ["function", "tier"],
        "Calls answered from the cache, by tier (local, shared).";
    MISSES = "fastness_cache_misses_total", Counter, Count, ["function"],
        "Calls that ran the function, and looks that found nothing.";
    BYPASSED = "fastness_cache_bypassed_total", Counter, Count, ["function"],
        "Calls that passed by the cache, because the `condition` of their function did not hold.";
    LOADS = "fastness_cache_loads_total", Counter, Count, ["function", "outcome"],
        "Loads, by outcome: ok, error, abandoned (panicked or dropped), timeout.";
    LOAD_SECONDS = "fastness_cache_load_seconds_total", Counter, Seconds, ["function"],
        "Time spent in loads that ended.";
    COALESCED = "fastness_cache_coalesced_total", Counter, Count, ["function"],
        "Calls that waited for another call's load, and ran no function themselves.";
    STALE_SERVED = "fastness_cache_stale_served_total", Counter, Count, ["function"],
        "Answers after the value's ttl, during a refresh (hits too) or because the origin failed (misses too).";
    EARLY_REFRESHES = "fastness_cache_early_refreshes_total", Counter, Count, ["function"],
        "Loads begun before the expiry of a value that was still fresh.";
    OVERTAKEN = "fastness_cache_overtaken_total", Counter, Count, ["function"],
        "Loads whose result was not stored because something invalidated the key meanwhile.";
    STALLED = "fastness_cache_stalled_loads_total", Counter, Count, ["function"],
        "Loads that were not polled for their `load_timeout`, or for 30 s without one, so that a caller began another.";

    // The cache as a whole.
    ENTRIES = "fastness_cache_entries", Gauge, Count, [],
        "Entries in the in-process tier.";
    EVICTIONS = "fastness_cache_evictions_total", Counter, Count, [],
        "Entries that had to go for lack of room.";
    INVALIDATIONS = "fastness_cache_invalidations_total", Counter, Count, [],
        "Invalidations and refreshes, those of other processes included.";
    FLOOR_VERDICTS = "fastness_cache_floor_verdicts_total", Counter, Count, [],
        "Entries judged by a floor because the table of invalidations had no room for their scope.";

    // The shared tier; only where there is one.
    SHARED_CONNECTED = "fastness_shared_connected", Gauge, Flag, [],
        "Whether there is a connection to the shared tier.";
    SHARED_COHERENT = "fastness_shared_coherent", Gauge, Flag, [],
        "Whether everything in the in-process tier may be served by the word of the log.";
    SHARED_HEARTBEAT = "fastness_shared_heartbeat_seconds", Gauge, Seconds, [],
        "How long the last answered heartbeat of the log took.";
    SHARED_IN_DOUBT = "fastness_shared_in_doubt", Gauge, Count, [],
        "Invalidations of this process that are not in the log yet.";
    SHARED_READS = "fastness_shared_reads_total", Counter, Count, ["result"],
        "Reads of the shared tier, by result: hit, miss, stale (found, but invalidated), unreadable, skipped (no connection that answers).";
    SHARED_STORES = "fastness_shared_stores_total", Counter, Count, ["result"],
        "Values for the shared tier, by result: ok, too_large, unencodable, overflow (too many on their way).";
    SHARED_ERRORS = "fastness_shared_errors_total", Counter, Count, ["kind"],
        "Commands that failed: timeout, other.";
    SHARED_INVALIDATIONS = "fastness_shared_invalidations_total", Counter, Count, ["reach"],
        "Invalidations and refreshes of this process: announced (in the log when the call returned) or local_only.";
    SHARED_CONNECTS = "fastness_shared_connects_total", Counter, Count, ["result"],
        "Attempts to connect, by result: ok, error.";
    SHARED_SUSPENSIONS = "fastness_shared_suspensions_total", Counter, Count, [],
        "How often a connection was left alone because it did not answer, or because its master may have had a successor.";
    SHARED_TAKEOVERS = "fastness_shared_takeovers_total", Counter, Count, [],
        "How often a new master was waited for, because its predecessor could still have taken invalidations.";
    SHARED_RESETS = "fastness_shared_resets_total", Counter, Count, [],
        "How often everything cached became stale because the log was new, another server's, or had lost entries.";
    SHARED_UNREADABLE_ENTRIES = "fastness_shared_unreadable_entries_total", Counter, Count, [],
        "Entries of the log that could not be read; each made everything cached stale.";

    // Timings. Of the process, whatever the handle; each with the labels of `#[timed(labels(..))]` too.
    TIMED_SECONDS = "fastness_timed_seconds", Histogram, Seconds, ["name", "outcome"],
        "How long timed calls took, by outcome: ok, error, cancelled, panicked.";
    TIMED_SLOW = "fastness_timed_slow_total", Counter, Count, ["name"],
        "Timed calls that took `slow` or longer.";

    // Policies. Of the process, whatever the handle, from their first use on.
    POLICY_CALLS = "fastness_policy_calls_total", Counter, Count, ["policy", "name", "outcome"],
        "Calls through a policy (breaker, retry, timeout, bulkhead, rate_limit, hedge, fallback), by how they ended there.";
    BREAKER_STATE = "fastness_breaker_state", Gauge, Flag, ["name", "state"],
        "Whether a circuit breaker is in this state: closed, open, half_open, forced_open, forced_closed, disabled.";
    BREAKER_KEYS = "fastness_breaker_keys", Gauge, Count, ["name"],
        "Breakers of this name, where there is one per key.";
    BREAKER_KEYS_NOT_CLOSED = "fastness_breaker_keys_not_closed", Gauge, Count, ["name"],
        "Those of them that are not closed.";
    BULKHEAD_IN_FLIGHT = "fastness_bulkhead_in_flight", Gauge, Count, ["name"],
        "Calls that have a place in a bulkhead.";
    BULKHEAD_LIMIT = "fastness_bulkhead_limit", Gauge, Count, ["name"],
        "Places that a bulkhead has.";

    // HTTP. Of the process, whatever the handle; only where a `TimingLayer` is.
    HTTP_REQUESTS = "fastness_http_requests_total", Counter, Count, ["route", "method", "status"],
        "Requests that ended, by route template and by how: 1xx, 2xx, 3xx, 4xx, 5xx, failed (no answer), cancelled (the client went away), panicked.";
    HTTP_SECONDS = "fastness_http_request_seconds", Histogram, Seconds, ["route", "method", "outcome"],
        "How long requests took until the head of the answer, by outcome: ok, error (5xx or failed), cancelled, panicked.";
    HTTP_IN_FLIGHT = "fastness_http_in_flight", Gauge, Count, ["route", "method"],
        "Requests under way.";
    HTTP_RESPONSE_BYTES = "fastness_http_response_bytes_total", Counter, Count, ["route", "method"],
        "Bytes of answers whose length was known when they were begun.";
    HTTP_SLOW = "fastness_http_slow_total", Counter, Count, ["route", "method"],
        "Requests that took as long as the layer's `slow` says, or longer.";

    // What a monitor saw in its last sample; only in the answer of its router.
    HEALTH_STATUS = "fastness_health_status", Gauge, Flag, ["status"],
        "Whether the process is in this state: healthy, degraded, unhealthy.";
    ALERT_FIRING = "fastness_alert_firing", Gauge, Flag, ["alert"],
        "Whether an alert fires: responseTime, hitRate, memory, errors, databaseLatency.";
    PROBE_UP = "fastness_probe_up", Gauge, Flag, ["probe"],
        "Whether a probe was answered.";
    PROBE_SECONDS = "fastness_probe_seconds", Gauge, Seconds, ["probe"],
        "How long the answer took, or until it was given up.";
    MEMORY_USED = "fastness_memory_used_bytes", Gauge, Count, [],
        "Memory in use, of the configured limit, the control group or the machine.";
    MEMORY_TOTAL = "fastness_memory_total_bytes", Gauge, Count, [],
        "All the memory that there is by the same measure.";
    MEMORY_PRESSURE = "fastness_memory_pressure", Gauge, Flag, ["level"],
        "Whether memory is this short, where a guard watches it: none, shrink, noBodies, shed.";
    PROCESS_RESIDENT = "fastness_process_resident_bytes", Gauge, Count, [],
        "Memory that is the process's own and in RAM.";
    PROCESS_CPU = "fastness_process_cpu_cores", Gauge, Count, [],
        "Processor time since the sample before, in cores: 2 are two busy ones.";
    PROCESS_CORES = "fastness_process_cores", Gauge, Count, [],
        "How many cores the process may use.";
    PROCESS_THREADS = "fastness_process_threads", Gauge, Count, [],
        "Threads of the process.";
    PROCESS_FILES = "fastness_process_open_files", Gauge, Count, [],
        "Files and sockets that the process has open.";
}
