//! Figures that an application reports through closures, read with each sample.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::rounding::millis;
use crate::timed::Latency;

/// Requests of one route since the start. An `http::Snapshot` (feature `http`) converts into it.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteTotals {
    /// Method and template, such as `GET /users/{id}`; never a path with its values.
    pub route: String,
    /// Times of all requests that were answered.
    pub latency: Latency,
    /// Requests that were answered with a server error.
    pub errors: u64,
}

/// Slow queries of one shape.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SlowQuery {
    /// The collection.
    pub collection: String,
    /// The operation, its filter and its sort, without their values.
    pub shape: String,
    /// Number of slow queries of this shape.
    pub count: u64,
    /// Time of the slowest query; in milliseconds when serialised.
    #[serde(serialize_with = "in_millis")]
    pub slowest: Duration,
    /// The index that would serve it, if known: `{status: 1, total: -1}`.
    pub index: Option<String>,
}

fn in_millis<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(millis(*time))
}

/// User's function that returns figures.
pub(super) type SourceFn<T> = Arc<dyn Fn() -> T + Send + Sync>;

/// All sources of a monitor.
#[derive(Clone, Default)]
pub(super) struct Sources {
    pub(super) routes: Option<SourceFn<Vec<RouteTotals>>>,
    pub(super) slow_queries: Option<SourceFn<Vec<SlowQuery>>>,
    pub(super) sections: Vec<(String, SourceFn<serde_json::Value>)>,
}

impl Sources {
    pub(super) fn add_section<T: Serialize>(&mut self, name: String, read: impl Fn() -> T + Send + Sync + 'static) {
        let read = move || serde_json::to_value(read()).unwrap_or_default();
        self.sections.push((name, Arc::new(read)));
    }

    /// Reads the routes; `None` without a source, or if it panics.
    pub(super) fn routes(&self) -> Option<Vec<RouteTotals>> {
        self.routes.as_ref().and_then(|read| catch_panic(|| read()))
    }

    /// Reads the slow queries; none without a source, or if it panics.
    pub(super) fn slow_queries(&self) -> Vec<SlowQuery> {
        self.slow_queries.as_ref().and_then(|read| catch_panic(|| read())).unwrap_or_default()
    }

    /// Reads all sections; the value of one that panics is null.
    pub(super) fn sections(&self) -> serde_json::Map<String, serde_json::Value> {
        self.sections.iter().map(|(name, read)| (name.clone(), catch_panic(|| read()).unwrap_or_default())).collect()
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sections = self.sections.iter().map(|(name, _)| name).collect::<Vec<_>>();
        f.debug_struct("Sources").field("sections", &sections).finish_non_exhaustive()
    }
}

/// Runs user code; `None` if it panics, so that only its own figures are missing.
pub(super) fn catch_panic<T>(read: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok()
}
