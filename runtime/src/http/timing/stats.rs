//! What is known of all routes.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use scc::HashIndex;
use scc::hash_index::Entry;

use super::route::Route;
use crate::clock::Moment;
use crate::timed::{CallOutcome, Latency};

/// Routes that are told apart; further ones are counted together as `other`.
const MOST_ROUTES: usize = 1_000;
const OTHER: &str = "other";

static PROCESS: LazyLock<HttpStats> = LazyLock::new(HttpStats::new);

/// What a [`TimingLayer`](super::TimingLayer) records. Cheap to clone; clones are the same numbers.
///
/// At most 1,000 routes are told apart, and 8 methods of each (`OTHER` stands for those that HTTP does not know well); all
/// requests beyond are counted under the route `other`. Each takes 4 KiB, and 9.6 KiB for each outcome and thread that occurs.
#[derive(Clone)]
pub struct HttpStats(Arc<Inner>);

struct Inner {
    routes: HashIndex<Arc<str>, Arc<Route>>,
    count: AtomicUsize,
}

impl HttpStats {
    /// Numbers of their own. Metrics show those of the process only.
    pub fn new() -> Self {
        // The first reading calibrates the counter, which should not be done by a request.
        let _ = Moment::now().nanos();
        Self(Arc::new(Inner { routes: HashIndex::new(), count: AtomicUsize::new(0) }))
    }

    /// The numbers of the process.
    pub fn process() -> Self {
        PROCESS.clone()
    }

    /// Every route and method that had a request so far, by route and method. Made for a page that shows it: each entry holds
    /// whole histograms.
    pub fn routes(&self) -> Vec<RouteStats> {
        let guard = scc::Guard::new();
        let mut all: Vec<_> = self.0.routes.iter(&guard).flat_map(|(_, route)| route.stats()).collect();
        all.sort_by(|left, right| (&left.route, left.method).cmp(&(&right.route, right.method)));
        all
    }

    pub(super) fn route(&self, name: &str) -> Arc<Route> {
        self.0.routes.peek_with(name, |_, route| route.clone()).unwrap_or_else(|| self.add(name))
    }

    #[cold]
    fn add(&self, name: &str) -> Arc<Route> {
        if name != OTHER && self.0.count.fetch_add(1, Ordering::Relaxed) >= MOST_ROUTES {
            self.0.count.fetch_sub(1, Ordering::Relaxed);
            return self.route(OTHER);
        }
        match self.0.routes.entry_sync(name.into()) {
            Entry::Occupied(there) => {
                self.0.count.fetch_sub(usize::from(name != OTHER), Ordering::Relaxed);
                there.get().clone()
            }
            Entry::Vacant(free) => {
                let route = Arc::new(Route::new(name));
                free.insert_entry(route.clone());
                route
            }
        }
    }
}

impl Default for HttpStats {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HttpStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpStats").field("routes", &self.0.count).finish_non_exhaustive()
    }
}

/// [`HttpStats::routes`] of the process.
///
/// ```
/// for route in fastness::http::routes() {
///     println!("{} {}: {} requests, p95 {:?}", route.method, route.route, route.requests, route.ok.p95());
/// }
/// ```
pub fn routes() -> Vec<RouteStats> {
    HttpStats::process().routes()
}

/// What is known of the requests of one route and method, since the process began.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RouteStats {
    /// The template: `/users/{id}`; `unmatched` where there is none, `other` for those that were too many.
    pub route: Arc<str>,
    /// The method, or `OTHER`.
    pub method: &'static str,
    /// Requests under way.
    pub in_flight: u64,
    /// Requests that ended, in any way.
    pub requests: u64,
    /// Those of them that were answered with 5xx, or failed without an answer.
    pub errors: u64,
    /// Those of them that were answered, by the first digit of the status: 1xx to 5xx.
    pub by_status: [u64; 5],
    /// The bytes of all answers whose length was known when they were begun.
    pub bytes: u64,
    /// Requests that took as long as [`TimingLayer::slow`](super::TimingLayer::slow) says, or longer.
    pub slow: u64,
    /// Requests that ended per second: the mean of the last minute's whole seconds, or of fewer while it is young.
    pub rate: f64,
    /// How long requests took that were not answered with 5xx.
    pub ok: Latency,
    /// Those that were, or failed without an answer.
    pub error: Latency,
    /// Those whose client went away; the time until then.
    pub cancelled: Latency,
    /// Those that panicked; the time until then. Behind a layer that catches panics there are none: they are answers of 500.
    pub panicked: Latency,
}

/// All requests that were answered, well or not, under the method and the template.
#[cfg(feature = "monitor")]
impl From<RouteStats> for crate::monitor::RouteFigures {
    fn from(stats: RouteStats) -> Self {
        let mut latency = stats.ok;
        latency += stats.error;
        Self { route: format!("{} {}", stats.method, stats.route), latency, errors: stats.errors }
    }
}

impl RouteStats {
    /// The latency of one outcome.
    pub fn of(&self, outcome: CallOutcome) -> &Latency {
        match outcome {
            CallOutcome::Ok => &self.ok,
            CallOutcome::Error => &self.error,
            CallOutcome::Cancelled => &self.cancelled,
            CallOutcome::Panicked => &self.panicked,
        }
    }

    /// How requests ended, by name: `1xx` to `5xx`, `failed`, `cancelled`, `panicked`.
    #[cfg(any(feature = "metrics", feature = "prometheus"))]
    pub(crate) fn endings(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let [one, two, three, four, five] = self.by_status;
        let failed = self.errors.saturating_sub(five);
        let gone = [("failed", failed), ("cancelled", self.cancelled.count()), ("panicked", self.panicked.count())];
        [("1xx", one), ("2xx", two), ("3xx", three), ("4xx", four), ("5xx", five)].into_iter().chain(gone)
    }
}
