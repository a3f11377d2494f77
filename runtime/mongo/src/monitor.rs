//! A MongoDB client as the database of a monitor.
//!
//! May use: `client`, `slow`.

use std::time::Duration;

use fastness_core::monitor::{Pool, Probe, SlowQuery};

use crate::client::Client;
use crate::slow::QueryShape;

/// Time for which a slow query is listed after its last occurrence: the time span of the charts.
const LISTED_FOR: Duration = Duration::from_secs(600);

/// Probes MongoDB by `ping`, and reports its connection pool and the queries that were slow in the last ten minutes.
///
/// ```no_run
/// use fastness::monitor::{Monitor, Probe};
/// use fastness::mongo::Client;
///
/// # fn watch(client: &Client) -> Result<(), fastness::Error> {
/// let monitor = Monitor::builder().database(Probe::from(client).optional()).build()?;
/// # drop(monitor); Ok(()) }
/// ```
impl From<&Client> for Probe {
    fn from(client: &Client) -> Self {
        let (pinged, pooled, slow, max) = (client.clone(), client.clone(), client.clone(), client.max_pool_size());
        let ping = move || {
            let client = pinged.clone();
            async move { client.ping().await.map(drop) }
        };
        let pool = move || {
            let figures = pooled.snapshot();
            Pool { connections: figures.connections, in_use: figures.in_use, max, waiting: figures.waiting }
        };
        let slow_queries = move || {
            let shapes = slow.slow_queries().shapes.into_iter();
            shapes.filter(|shape| shape.ago < LISTED_FOR).map(SlowQuery::from).collect()
        };
        Self::new("mongodb", ping).pool(pool).slow_queries(slow_queries)
    }
}

/// Converts a slow shape without a suggested index: `index` is `None`.
impl From<QueryShape> for SlowQuery {
    fn from(shape: QueryShape) -> Self {
        let QueryShape { collection, operation, shape, count, max, .. } = shape;
        Self { collection, shape: format!("{operation} {shape}"), count, slowest: max, index: None }
    }
}
