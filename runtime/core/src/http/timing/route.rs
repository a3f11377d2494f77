//! The counters of one route, and the guard that times one request.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crossbeam_utils::CachePadded;
use http::{Method, StatusCode};
use once_cell::race::OnceBox;

use super::rate::CountsPerSecond;
use super::snapshot::Snapshot;
use crate::clock::Moment;
use crate::stats::Shard;
use crate::timed::{CallOutcome, LogThrottle, Series};

/// Methods that are distinguished. Any other is `OTHER`, as clients can invent methods.
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "OTHER"];

/// Counters of one route template.
pub(super) struct RouteCounters {
    name: Arc<str>,
    /// Counters by method, allocated on its first request.
    methods: [OnceBox<MethodCounters>; METHODS.len()],
}

/// Reference to the counters of a route.
#[derive(Clone)]
pub(super) enum RouteRef {
    Static(&'static RouteCounters),
    Shared(Arc<RouteCounters>),
}

impl Deref for RouteRef {
    type Target = RouteCounters;

    fn deref(&self) -> &RouteCounters {
        match self {
            Self::Static(route) => route,
            Self::Shared(route) => route,
        }
    }
}

/// Counters of one method.
struct MethodCounters {
    calls: Series,
    shards: [CachePadded<ShardCounters>; Shard::COUNT],
    /// Second of the first request.
    began: u64,
    throttle: LogThrottle,
}

#[derive(Default)]
struct ShardCounters {
    started: AtomicU64,
    /// Responses by the first digit of the status.
    by_status: [AtomicU64; 5],
    bytes: AtomicU64,
    /// Allocated when the first request ends.
    ended: OnceBox<CountsPerSecond>,
}

impl RouteCounters {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.into(), methods: [const { OnceBox::new() }; METHODS.len()] }
    }

    pub(super) fn snapshots(&self) -> impl Iterator<Item = Snapshot> {
        let methods = self.methods.iter().zip(METHODS);
        methods.filter_map(|(counters, method)| Some(counters.get()?.snapshot(&self.name, method)))
    }

    fn method(&self, index: usize) -> &MethodCounters {
        self.methods[index].get_or_init(|| Box::new(MethodCounters::new()))
    }
}

impl MethodCounters {
    fn new() -> Self {
        Self {
            calls: Series::new(Vec::new()),
            shards: std::array::from_fn(|_| CachePadded::default()),
            began: second(Moment::now()),
            throttle: LogThrottle::new(),
        }
    }

    fn snapshot(&self, route: &Arc<str>, method: &'static str) -> Snapshot {
        let sum = |counter: &dyn Fn(&ShardCounters) -> &AtomicU64| {
            self.shards.iter().map(|shard| counter(shard).load(Relaxed)).sum()
        };
        // Read before the requests that ended, so that none that has ended counts as in flight.
        let started: u64 = sum(&|counts| &counts.started);
        let [ok, error, cancelled, panicked] = CallOutcome::ALL.map(|outcome| self.calls.read(outcome));
        let requests = ok.count() + error.count() + cancelled.count() + panicked.count();
        Snapshot {
            route: route.clone(),
            method,
            in_flight: started.saturating_sub(requests),
            requests,
            errors: error.count(),
            by_status: std::array::from_fn(|class| sum(&|counts| &counts.by_status[class])),
            bytes: sum(&|counts| &counts.bytes),
            slow: self.calls.slow(),
            rate: self.rate(second(Moment::now())),
            ok,
            error,
            cancelled,
            panicked,
        }
    }

    fn rate(&self, now: u64) -> f64 {
        self.shards.iter().filter_map(|shard| shard.ended.get()).map(|ended| ended.rate(now, self.began)).sum()
    }
}

/// Returns the current second, counted from 1 since the process began to measure time.
fn second(moment: Moment) -> u64 {
    moment.nanos() / 1_000_000_000 + 1
}

fn index(method: &Method) -> usize {
    METHODS.iter().position(|name| *name == method.as_str()).unwrap_or(METHODS.len() - 1)
}

/// A request in flight, recorded when this is dropped: as cancelled or panicked unless it was answered or failed.
pub(super) struct TimedRequest {
    route: RouteRef,
    method: usize,
    start: Moment,
    slow: u64,
    outcome: Option<CallOutcome>,
    /// First digit of the status less one, and the bytes of the body; `None` without an answer.
    answer: Option<(usize, u64)>,
}

impl TimedRequest {
    pub(super) fn new(route: RouteRef, method: &Method, slow: u64) -> Self {
        let method = index(method);
        let shard = Shard::current();
        shard.add(&route.method(method).shards[shard.index()].started, 1);
        Self { route, method, start: Moment::now(), slow, outcome: None, answer: None }
    }

    pub(super) fn answered(mut self, status: StatusCode, bytes: Option<u64>) {
        // Invalid statuses of 600 and above count as 5xx.
        self.outcome = Some(if status.as_u16() >= 500 { CallOutcome::Error } else { CallOutcome::Ok });
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        self.answer = Some((class, bytes.unwrap_or(0)));
    }

    pub(super) fn failed(mut self) {
        self.outcome = Some(CallOutcome::Error);
    }

    #[cold]
    fn dropped() -> CallOutcome {
        if std::thread::panicking() { CallOutcome::Panicked } else { CallOutcome::Cancelled }
    }

    #[cold]
    fn log_slow(&self, counters: &MethodCounters, nanos: u64, outcome: CallOutcome, now: Moment) {
        counters.calls.count_slow();
        let Some(left_out) = counters.throttle.admit(now.nanos()) else { return };
        #[allow(clippy::cast_precision_loss)] // a log line does not need more digits
        let ms = nanos as f64 / 1e6;
        let (route, method, outcome) = (&*self.route.name, METHODS[self.method], outcome.as_str());
        tracing::warn!(route, method, ms, outcome, left_out, "a slow request");
    }
}

impl Drop for TimedRequest {
    fn drop(&mut self) {
        let now = Moment::now();
        let took = now.nanos_since(self.start);
        let outcome = self.outcome.unwrap_or_else(Self::dropped);
        let counters = self.route.method(self.method);
        counters.calls.record(took, outcome);
        let shard = Shard::current();
        let counts = &counters.shards[shard.index()];
        counts.ended.get_or_init(|| Box::new(CountsPerSecond::new())).count(second(now));
        if let Some((class, bytes)) = self.answer {
            shard.add(&counts.by_status[class], 1);
            shard.add(&counts.bytes, bytes);
        }
        if took >= self.slow {
            self.log_slow(counters, took, outcome, now);
        }
    }
}

impl fmt::Debug for TimedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimedRequest").field("route", &self.route.name).finish_non_exhaustive()
    }
}
