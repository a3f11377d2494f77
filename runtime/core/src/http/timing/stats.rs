//! What is known of all routes.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use scc::HashIndex;
use scc::hash_index::Entry;

use super::route::{Kept, Route};
use super::route_stats::RouteStats;
use crate::clock::Moment;

/// Routes that are told apart; further ones are counted together as `other`.
const MOST_ROUTES: usize = 1_000;
const OTHER: &str = "other";

static PROCESS: LazyLock<Inner> = LazyLock::new(|| Inner::new(true));

/// What a [`TimingLayer`](super::TimingLayer) records. Cheap to clone; clones are the same numbers.
///
/// At most 1,000 routes are told apart, and 8 methods of each (`OTHER` stands for those that HTTP does not know well); all
/// requests beyond are counted under the route `other`. Each takes 4 KiB, and for each thread that occurs 0.5 KiB, and 9.6 KiB for each outcome.
#[derive(Clone)]
pub struct HttpStats(Of);

/// Those of the process are static, so that a request which is timed into them counts no references: all threads would
/// write to the same counts.
#[derive(Clone)]
enum Of {
    Process(&'static Inner),
    Own(Arc<Inner>),
}

struct Inner {
    routes: HashIndex<Arc<str>, Kept, foldhash::fast::RandomState>,
    count: AtomicUsize,
    /// Whether routes are kept for ever.
    is_static: bool,
}

impl HttpStats {
    /// Numbers of their own. Metrics show those of the process only.
    pub fn new() -> Self {
        Self(Of::Own(Arc::new(Inner::new(false))))
    }

    /// The numbers of the process.
    pub fn process() -> Self {
        Self(Of::Process(&PROCESS))
    }

    /// Every route and method that had a request so far, by route and method. Made for a page that shows it: each entry holds
    /// whole histograms.
    pub fn routes(&self) -> Vec<RouteStats> {
        let guard = scc::Guard::new();
        let mut all: Vec<_> = self.inner().routes.iter(&guard).flat_map(|(_, route)| route.stats()).collect();
        all.sort_by(|left, right| (&left.route, left.method).cmp(&(&right.route, right.method)));
        all
    }

    pub(super) fn route(&self, name: &str) -> Kept {
        self.inner().route(name)
    }

    fn inner(&self) -> &Inner {
        match &self.0 {
            Of::Process(inner) => inner,
            Of::Own(inner) => inner,
        }
    }
}

impl Inner {
    fn new(is_static: bool) -> Self {
        // The first reading calibrates the counter, which should not be done by a request.
        let _ = Moment::now().nanos();
        Self { routes: HashIndex::default(), count: AtomicUsize::new(0), is_static }
    }

    fn route(&self, name: &str) -> Kept {
        self.routes.peek_with(name, |_, route| route.clone()).unwrap_or_else(|| self.add(name))
    }

    #[cold]
    fn add(&self, name: &str) -> Kept {
        if name != OTHER && self.count.fetch_add(1, Ordering::Relaxed) >= MOST_ROUTES {
            self.count.fetch_sub(1, Ordering::Relaxed);
            return self.route(OTHER);
        }
        match self.routes.entry_sync(name.into()) {
            Entry::Occupied(there) => {
                self.count.fetch_sub(usize::from(name != OTHER), Ordering::Relaxed);
                there.get().clone()
            }
            Entry::Vacant(free) => {
                let route = Route::new(name);
                let route = if self.is_static {
                    Kept::Static(Box::leak(Box::new(route)))
                } else {
                    Kept::Shared(Arc::new(route))
                };
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
        f.debug_struct("HttpStats").field("routes", &self.inner().count).finish_non_exhaustive()
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
