//! What the monitor is told by others, through closures: figures that exist anyway, taken as they are at each look.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::figures::millis;
use crate::timed::Latency;

/// What one route did since the start.
///
/// ```
/// use fastness::monitor::{Monitor, RouteFigures};
///
/// // Those that a `TimingLayer` counts (feature `http`):
/// let monitor = Monitor::builder().routes(|| fastness::http::routes().into_iter().map(RouteFigures::from).collect());
/// # drop(monitor);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RouteFigures {
    /// Method and template, such as `GET /users/{id}`; never a path with its values.
    pub route: String,
    /// All requests that were answered.
    pub latency: Latency,
    /// Those answered by an error of the server.
    pub errors: u64,
}

/// A query that took long, by shape.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SlowQuery {
    /// The collection.
    pub collection: String,
    /// The operation, its filter and its sort, without their values.
    pub shape: String,
    /// How often it was slow.
    pub count: u64,
    /// How long the slowest took; in milliseconds when serialised.
    #[serde(serialize_with = "in_millis")]
    pub slowest: Duration,
    /// The index that would serve it, if that is known: `{status: 1, total: -1}`.
    pub index: Option<String>,
}

fn in_millis<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(millis(*time))
}

pub(super) type SourceFn<T> = Arc<dyn Fn() -> T + Send + Sync>;

/// All that were given.
#[derive(Clone, Default)]
pub(super) struct Sources {
    pub(super) routes: Option<SourceFn<Vec<RouteFigures>>>,
    pub(super) slow_queries: Option<SourceFn<Vec<SlowQuery>>>,
    pub(super) sections: Vec<(String, SourceFn<serde_json::Value>)>,
}

impl Sources {
    pub(super) fn section<T: Serialize>(&mut self, name: String, read: impl Fn() -> T + Send + Sync + 'static) {
        let read = move || serde_json::to_value(read()).unwrap_or_default();
        self.sections.push((name, Arc::new(read)));
    }

    /// `None` where nobody tells, or panics.
    pub(super) fn routes(&self) -> Option<Vec<RouteFigures>> {
        self.routes.as_ref().and_then(|read| caught(|| read()))
    }

    pub(super) fn slow_queries(&self) -> Vec<SlowQuery> {
        self.slow_queries.as_ref().and_then(|read| caught(|| read())).unwrap_or_default()
    }

    /// One that panics is null.
    pub(super) fn sections(&self) -> serde_json::Map<String, serde_json::Value> {
        self.sections.iter().map(|(name, read)| (name.clone(), caught(|| read()).unwrap_or_default())).collect()
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sections = self.sections.iter().map(|(name, _)| name).collect::<Vec<_>>();
        f.debug_struct("Sources").field("sections", &sections).finish_non_exhaustive()
    }
}

/// What user code returns; `None` if it panics, which harms only its own figures.
pub(super) fn caught<T>(read: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok()
}
