//! List of all metrics: name, kind, unit, labels and meaning. `docs/metrics.md` is generated from it.
//!
//! Names end in their unit, counters in `_total`. Values of labels are functions, tiers, outcomes: a few that are known when the program is
//! built, and never keys.

/// Kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetricKind {
    /// A number that only grows.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// Counts by bucket.
    Histogram,
}

impl MetricKind {
    #[cfg(any(test, feature = "prometheus"))]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Unit of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetricUnit {
    Count,
    Seconds,
    /// 1 for yes, 0 for no.
    Flag,
}

/// Description of a metric.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) kind: MetricKind,
    pub(crate) unit: MetricUnit,
    pub(crate) labels: &'static [&'static str],
    pub(crate) help: &'static str,
}

macro_rules! metrics {
    ($($name:ident = $text:literal, $kind:ident, $unit:ident, [$($label:literal),*], $help:literal;)*) => {
        // Metrics of the shared tier, of HTTP and of monitors are listed even if those are not compiled.
        $(#[cfg_attr(not(all(feature = "redis", feature = "axum")), allow(dead_code))]
        pub(crate) const $name: Metric = Metric {
            name: $text,
            kind: MetricKind::$kind,
            unit: MetricUnit::$unit,
            labels: &[$($label),*],
            help: $help,
        };)*

        /// All metrics, in the order of the page.
        #[cfg(any(test, feature = "metrics"))]
        pub(crate) const ALL: &[Metric] = &[$($name),*];
    };
}

metrics! {
    // The cache, by function.
    HITS = "fastness_cache_hits_total", Counter, Count, ["function", "tier"],
        "Calls answered from the cache, by tier (local, shared).";
    MISSES = "fastness_cache_misses_total", Counter, Count, ["function"],
        "Calls that ran the function, and lookups without loading that found nothing.";
    BYPASSED = "fastness_cache_bypassed_total", Counter, Count, ["function"],
        "Calls that bypassed the cache: by the `condition` of their function, inside of `bypass`, or because it was turned off.";
    DISABLED = "fastness_cache_disabled", Gauge, Flag, ["function"],
        "Whether the function, or the whole cache, is turned off.";
    LOADS = "fastness_cache_loads_total", Counter, Count, ["function", "outcome"],
        "Loads, by outcome: ok, error, abandoned (panicked or dropped), timeout.";
    LOAD_SECONDS = "fastness_cache_load_seconds_total", Counter, Seconds, ["function"],
        "Time spent in loads that ended.";
    COALESCED = "fastness_cache_coalesced_total", Counter, Count, ["function"],
        "Calls that waited for the load of another call instead of running the function.";
    STALE_SERVED = "fastness_cache_stale_served_total", Counter, Count, ["function"],
        "Values served after their ttl: during a refresh (also counted as hits), or because the load failed (also counted as misses).";
    EARLY_REFRESHES = "fastness_cache_early_refreshes_total", Counter, Count, ["function"],
        "Loads begun before the expiry of a fresh value.";
    OVERTAKEN = "fastness_cache_overtaken_total", Counter, Count, ["function"],
        "Loads whose result was not stored because something invalidated the key meanwhile.";
    TTL_PANICS = "fastness_cache_ttl_panics_total", Counter, Count, ["function"],
        "Panics of the function of `ttl` or `err_ttl`, after each of which nothing was stored.";
    TAG_FAILURES = "fastness_cache_tag_failures_total", Counter, Count, ["function"],
        "Panics of the function of `tags`, and lists of more than 1024 tags, after each of which nothing was stored.";
    STALLED = "fastness_cache_stalled_loads_total", Counter, Count, ["function"],
        "Loads that were not polled for their `load_timeout`, or for 30 s without one, so that another call began a second load.";

    // The cache as a whole.
    ENTRIES = "fastness_cache_entries", Gauge, Count, [],
        "Entries in the local tier.";
    BYTES = "fastness_cache_bytes", Gauge, Count, [],
        "Bytes that the entries in the local tier count for, by `weigh` or by their types.";
    EVICTIONS = "fastness_cache_evictions_total", Counter, Count, [],
        "Entries evicted for lack of room.";
    INVALIDATIONS = "fastness_cache_invalidations_total", Counter, Count, [],
        "Invalidations and refreshes, those of other processes included.";
    FLOOR_VERDICTS = "fastness_cache_floor_verdicts_total", Counter, Count, [],
        "Entries judged by a floor because the table of invalidations had no room for their scope.";

    // The shared tier, if there is one.
    SHARED_CONNECTED = "fastness_shared_connected", Gauge, Flag, [],
        "Whether there is a connection to the shared tier.";
    SHARED_COHERENT = "fastness_shared_coherent", Gauge, Flag, [],
        "Whether the invalidation log was read recently enough to serve everything in the local tier.";
    SHARED_HEARTBEAT = "fastness_shared_heartbeat_seconds", Gauge, Seconds, [],
        "Duration of the last heartbeat that was answered.";
    SHARED_IN_DOUBT = "fastness_shared_in_doubt", Gauge, Count, [],
        "Invalidations of this process that are not in the invalidation log yet.";
    SHARED_READS = "fastness_shared_reads_total", Counter, Count, ["result"],
        "Reads of the shared tier, by result: hit, miss, stale (found, but invalidated), unreadable, unknown_secret and forged (not to be decrypted), skipped (the tier does not answer).";
    SHARED_STORES = "fastness_shared_stores_total", Counter, Count, ["result"],
        "Writes to the shared tier, by result: ok, too_large, unencodable, overflow (too many in flight).";
    SHARED_ERRORS = "fastness_shared_errors_total", Counter, Count, ["kind"],
        "Commands that failed, by kind: timeout, other.";
    SHARED_INVALIDATIONS = "fastness_shared_invalidations_total", Counter, Count, ["reach"],
        "Invalidations and refreshes of this process: announced (in the invalidation log when the call returned) or local_only.";
    SHARED_CONNECTS = "fastness_shared_connects_total", Counter, Count, ["result"],
        "Attempts to connect, by result: ok, error.";
    SHARED_SUSPENSIONS = "fastness_shared_suspensions_total", Counter, Count, [],
        "Suspensions of a connection because it did not answer, or because its master may have had a successor.";
    SHARED_TAKEOVERS = "fastness_shared_takeovers_total", Counter, Count, [],
        "Waits for a new master, because its predecessor could still have accepted invalidations.";
    SHARED_RESETS = "fastness_shared_resets_total", Counter, Count, [],
        "Resets that made everything cached stale, because the invalidation log was new, another server's, or had lost entries.";
    SHARED_UNREADABLE_ENTRIES = "fastness_shared_unreadable_entries_total", Counter, Count, [],
        "Entries of the invalidation log that could not be read; each made everything cached stale.";

    // Timings of the process, for all handles; they also have the labels of `#[timed(labels(..))]`.
    TIMED_SECONDS = "fastness_timed_seconds", Histogram, Seconds, ["name", "outcome"],
        "Duration of timed calls, by outcome: ok, error, cancelled, panicked.";
    TIMED_SLOW = "fastness_timed_slow_total", Counter, Count, ["name"],
        "Timed calls that took `slow` or longer.";

    // Policies of the process, for all handles, from their first use.
    POLICY_CALLS = "fastness_policy_calls_total", Counter, Count, ["policy", "name", "outcome"],
        "Calls through a policy (breaker, retry, timeout, bulkhead, rate_limit, hedge, fallback), by outcome.";
    BREAKER_STATE = "fastness_breaker_state", Gauge, Flag, ["name", "state"],
        "Whether a circuit breaker is in this state: closed, open, half_open, forced_open, forced_closed, disabled.";
    BREAKER_KEYS = "fastness_breaker_keys", Gauge, Count, ["name"],
        "Breakers of this name, if there is one per key.";
    BREAKER_KEYS_NOT_CLOSED = "fastness_breaker_keys_not_closed", Gauge, Count, ["name"],
        "Breakers of this name that are not closed, if there is one per key.";
    BULKHEAD_IN_FLIGHT = "fastness_bulkhead_in_flight", Gauge, Count, ["name"],
        "Calls in flight in a bulkhead.";
    BULKHEAD_LIMIT = "fastness_bulkhead_limit", Gauge, Count, ["name"],
        "Limit of a bulkhead.";

    // Requests of the process, for all handles, behind a `TimingLayer`.
    HTTP_REQUESTS = "fastness_http_requests_total", Counter, Count, ["route", "method", "status"],
        "Requests that ended, by route template and status: 1xx, 2xx, 3xx, 4xx, 5xx, failed (no response), cancelled (the client went away), panicked.";
    HTTP_SECONDS = "fastness_http_request_seconds", Histogram, Seconds, ["route", "method", "outcome"],
        "Duration of requests until the head of the response, by outcome: ok, error (5xx or failed), cancelled, panicked.";
    HTTP_IN_FLIGHT = "fastness_http_in_flight", Gauge, Count, ["route", "method"],
        "Requests in flight.";
    HTTP_RESPONSE_BYTES = "fastness_http_response_bytes_total", Counter, Count, ["route", "method"],
        "Bytes of response bodies whose length was known in advance.";
    HTTP_SLOW = "fastness_http_slow_total", Counter, Count, ["route", "method"],
        "Requests that took at least as long as the layer's `slow`.";

    // The last sample of a monitor; only in the metrics of its router.
    HEALTH_STATUS = "fastness_health_status", Gauge, Flag, ["status"],
        "Whether the process has this status: healthy, degraded, unhealthy.";
    ALERT_FIRING = "fastness_alert_firing", Gauge, Flag, ["alert"],
        "Whether an alert fires: responseTime, hitRate, memory, errors, databaseLatency.";
    PROBE_UP = "fastness_probe_up", Gauge, Flag, ["probe"],
        "Whether a probe succeeded.";
    PROBE_SECONDS = "fastness_probe_seconds", Gauge, Seconds, ["probe"],
        "Duration of a probe until its answer, or until it was given up.";
    MEMORY_USED = "fastness_memory_used_bytes", Gauge, Count, [],
        "Memory in use: of the process under a configured limit, of the control group, or of the machine.";
    MEMORY_TOTAL = "fastness_memory_total_bytes", Gauge, Count, [],
        "Total memory by the same measure.";
    MEMORY_PRESSURE = "fastness_memory_pressure", Gauge, Flag, ["level"],
        "Whether the pressure on memory has this level, if there is a guard: none, shrink, noBodies, shed.";
    PROCESS_RESIDENT = "fastness_process_resident_bytes", Gauge, Count, [],
        "Resident memory of the process.";
    PROCESS_CPU = "fastness_process_cpu_cores", Gauge, Count, [],
        "Processor time since the previous sample, in cores: 2 is two busy cores.";
    PROCESS_CORES = "fastness_process_cores", Gauge, Count, [],
        "Cores that the process may use.";
    PROCESS_THREADS = "fastness_process_threads", Gauge, Count, [],
        "Threads of the process.";
    PROCESS_FILES = "fastness_process_open_files", Gauge, Count, [],
        "Open files and sockets of the process.";
}
