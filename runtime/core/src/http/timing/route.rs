//! What is kept of one route, and the guard of one request.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crossbeam_utils::CachePadded;
use http::{Method, StatusCode};
use once_cell::race::OnceBox;

use super::route_stats::RouteStats;
use super::window::Window;
use crate::clock::Moment;
use crate::stats::Shard;
use crate::timed::{CallOutcome, Gate, Series};

/// The methods that are told apart. Any other is `OTHER`: clients can make methods up.
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "OTHER"];

/// One route template.
pub(super) struct Route {
    name: Arc<str>,
    /// Per method, made on its first request.
    methods: [OnceBox<Measured>; METHODS.len()],
}

/// A route, for as long as it is needed.
#[derive(Clone)]
pub(super) enum Kept {
    Static(&'static Route),
    Shared(Arc<Route>),
}

impl Deref for Kept {
    type Target = Route;

    fn deref(&self) -> &Route {
        match self {
            Self::Static(route) => route,
            Self::Shared(route) => route,
        }
    }
}

/// The requests of one method.
struct Measured {
    calls: Series,
    shards: [CachePadded<Counts>; Shard::COUNT],
    /// The second of the first request.
    began: u64,
    gate: Gate,
}

#[derive(Default)]
struct Counts {
    started: AtomicU64,
    /// By the first digit of the status.
    by_status: [AtomicU64; 5],
    bytes: AtomicU64,
    /// Made when the first one ends.
    window: OnceBox<Window>,
}

impl Route {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.into(), methods: [const { OnceBox::new() }; METHODS.len()] }
    }

    pub(super) fn stats(&self) -> impl Iterator<Item = RouteStats> {
        let read =
            |(measured, method): (&OnceBox<Measured>, &'static str)| Some(measured.get()?.read(&self.name, method));
        self.methods.iter().zip(METHODS).filter_map(read)
    }

    fn measured(&self, method: usize) -> &Measured {
        self.methods[method].get_or_init(|| Box::new(Measured::new()))
    }
}

impl Measured {
    fn new() -> Self {
        Self {
            calls: Series::new(Vec::new()),
            shards: std::array::from_fn(|_| CachePadded::default()),
            began: second(Moment::now()),
            gate: Gate::new(),
        }
    }

    fn read(&self, route: &Arc<str>, method: &'static str) -> RouteStats {
        let sum = |of: &dyn Fn(&Counts) -> &AtomicU64| self.shards.iter().map(|shard| of(shard).load(Relaxed)).sum();
        // Before those that ended, so that none is taken for under way that has ended.
        let started: u64 = sum(&|counts| &counts.started);
        let [ok, error, cancelled, panicked] = CallOutcome::ALL.map(|outcome| self.calls.read(outcome));
        let requests = ok.count() + error.count() + cancelled.count() + panicked.count();
        RouteStats {
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
        self.shards.iter().filter_map(|shard| shard.window.get()).map(|window| window.rate(now, self.began)).sum()
    }
}

/// The seconds since the process began to count, from 1.
fn second(moment: Moment) -> u64 {
    moment.nanos() / 1_000_000_000 + 1
}

fn index(method: &Method) -> usize {
    METHODS.iter().position(|name| *name == method.as_str()).unwrap_or(METHODS.len() - 1)
}

/// A request that is under way. Dropped without an end, its client went away, or it panicked.
pub(super) struct Running {
    route: Kept,
    method: usize,
    start: Moment,
    slow: u64,
    ended: Option<CallOutcome>,
    /// The first digit of the status less one, and the bytes of the answer; none if there is no answer.
    answer: Option<(usize, u64)>,
}

impl Running {
    pub(super) fn new(route: Kept, method: &Method, slow: u64) -> Self {
        let method = index(method);
        let shard = Shard::own();
        shard.add(&route.measured(method).shards[shard.index()].started, 1);
        Self { route, method, start: Moment::now(), slow, ended: None, answer: None }
    }

    pub(super) fn answered(mut self, status: StatusCode, bytes: Option<u64>) {
        // What is made up, 600 and more, is no better than 5xx.
        self.ended = Some(if status.as_u16() >= 500 { CallOutcome::Error } else { CallOutcome::Ok });
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        self.answer = Some((class, bytes.unwrap_or(0)));
    }

    pub(super) fn failed(mut self) {
        self.ended = Some(CallOutcome::Error);
    }

    #[cold]
    fn unsaid() -> CallOutcome {
        if std::thread::panicking() { CallOutcome::Panicked } else { CallOutcome::Cancelled }
    }

    #[cold]
    fn log_slow(&self, own: &Measured, nanos: u64, outcome: CallOutcome, now: Moment) {
        own.calls.count_slow();
        let Some(left_out) = own.gate.admit(now.nanos()) else { return };
        #[allow(clippy::cast_precision_loss)] // a log line needs no more than six digits
        let ms = nanos as f64 / 1e6;
        let (route, method, outcome) = (&*self.route.name, METHODS[self.method], outcome.as_str());
        tracing::warn!(route, method, ms, outcome, left_out, "a slow request");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let now = Moment::now();
        let took = now.nanos_since(self.start);
        let outcome = self.ended.unwrap_or_else(Self::unsaid);
        let own = self.route.measured(self.method);
        own.calls.record(took, outcome);
        let shard = Shard::own();
        let counts = &own.shards[shard.index()];
        counts.window.get_or_init(|| Box::new(Window::new())).count(second(now));
        if let Some((class, bytes)) = self.answer {
            shard.add(&counts.by_status[class], 1);
            shard.add(&counts.bytes, bytes);
        }
        if took >= self.slow {
            self.log_slow(own, took, outcome, now);
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("route", &self.route.name).finish_non_exhaustive()
    }
}
