//! The counters of all routes.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use scc::HashIndex;
use scc::hash_index::Entry;

use super::route::{RouteCounters, RouteRef};
use super::snapshot::Snapshot;
use crate::clock::Moment;

/// Maximum number of routes; further ones are counted together as `other`.
const MAX_ROUTES: usize = 1_000;
const OTHER: &str = "other";

static PROCESS: LazyLock<RouteTable> = LazyLock::new(|| RouteTable::new(true));

/// Timings that [`TimingLayer`](super::TimingLayer)s record into. Cheap to clone; clones share their counters.
///
/// At most 1,000 routes and 8 methods of each are distinguished: rare methods are counted as `OTHER`, and further routes as `other`. Each
/// route and method takes 4 KiB, 0.5 KiB for each thread that serves it, and 9.6 KiB for each outcome that occurs.
#[derive(Clone)]
pub struct Timings(Storage);

/// The timings of the process are static, so that timing a request does not touch a reference count that all threads would write to.
#[derive(Clone)]
enum Storage {
    Static(&'static RouteTable),
    Shared(Arc<RouteTable>),
}

struct RouteTable {
    routes: HashIndex<Arc<str>, RouteRef, foldhash::fast::RandomState>,
    count: AtomicUsize,
    /// True if the counters of routes are leaked, and so are static too.
    is_static: bool,
}

impl Timings {
    /// Creates separate timings. Metrics show [those of the process](Self::process) only.
    pub fn new() -> Self {
        Self(Storage::Shared(Arc::new(RouteTable::new(false))))
    }

    /// Returns the timings of the process.
    pub fn process() -> Self {
        Self(Storage::Static(&PROCESS))
    }

    /// Returns a snapshot of each route and method that has had a request, sorted by route and method. It copies whole histograms: meant
    /// for a page that shows it, not for the path of requests.
    pub fn snapshots(&self) -> Vec<Snapshot> {
        let guard = scc::Guard::new();
        let mut all: Vec<_> = self.table().routes.iter(&guard).flat_map(|(_, route)| route.snapshots()).collect();
        all.sort_by(|left, right| (&left.route, left.method).cmp(&(&right.route, right.method)));
        all
    }

    pub(super) fn route(&self, name: &str) -> RouteRef {
        self.table().route(name)
    }

    fn table(&self) -> &RouteTable {
        match &self.0 {
            Storage::Static(inner) => inner,
            Storage::Shared(inner) => inner,
        }
    }
}

impl RouteTable {
    fn new(is_static: bool) -> Self {
        // The first reading calibrates the cycle counter, which would delay a request.
        let _ = Moment::now().nanos();
        Self { routes: HashIndex::default(), count: AtomicUsize::new(0), is_static }
    }

    fn route(&self, name: &str) -> RouteRef {
        self.routes.peek_with(name, |_, route| route.clone()).unwrap_or_else(|| self.add(name))
    }

    #[cold]
    fn add(&self, name: &str) -> RouteRef {
        if name != OTHER && self.count.fetch_add(1, Ordering::Relaxed) >= MAX_ROUTES {
            self.count.fetch_sub(1, Ordering::Relaxed);
            return self.route(OTHER);
        }
        match self.routes.entry_sync(name.into()) {
            Entry::Occupied(entry) => {
                self.count.fetch_sub(usize::from(name != OTHER), Ordering::Relaxed);
                entry.get().clone()
            }
            Entry::Vacant(entry) => {
                let route = RouteCounters::new(name);
                let route = if self.is_static {
                    RouteRef::Static(Box::leak(Box::new(route)))
                } else {
                    RouteRef::Shared(Arc::new(route))
                };
                entry.insert_entry(route.clone());
                route
            }
        }
    }
}

impl Default for Timings {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Timings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timings").field("routes", &self.table().count).finish_non_exhaustive()
    }
}

/// Returns the [snapshots](Timings::snapshots) of the process's timings.
///
/// ```
/// for route in fastness::http::snapshots() {
///     println!("{} {}: {} requests, p95 {:?}", route.method, route.route, route.requests, route.ok.p95());
/// }
/// ```
pub fn snapshots() -> Vec<Snapshot> {
    Timings::process().snapshots()
}
