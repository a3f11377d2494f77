//! A client as the monitor's database.
//!
//! May use: `client`, `slow`.

use std::time::Duration;

use fastness_core::monitor::{Pool, Probe, SlowQuery};

use crate::client::Client;
use crate::slow::SlowShape;

/// How long a slow query is shown after it was slow: as long as the charts reach back.
const LATELY: Duration = Duration::from_secs(600);

/// Asks MongoDB (`ping`), and tells what its pool has and which queries were slow in the last ten minutes.
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
        let (asked, pooled, slow, most) = (client.clone(), client.clone(), client.clone(), client.max_pool_size());
        let ask = move || {
            let client = asked.clone();
            async move { client.ping().await.map(drop) }
        };
        let pool = move || {
            let seen = pooled.snapshot();
            Pool { connections: seen.connections, in_use: seen.in_use, max: most, waiting: seen.waiting }
        };
        let slow_queries = move || {
            let shapes = slow.slow_queries().shapes.into_iter();
            shapes.filter(|shape| shape.ago < LATELY).map(SlowQuery::from).collect()
        };
        Self::new("mongodb", ask).pool(pool).slow_queries(slow_queries)
    }
}

/// A shape that was slow, without a suggestion: `index` is `None`.
impl From<SlowShape> for SlowQuery {
    fn from(shape: SlowShape) -> Self {
        let SlowShape { collection, operation, shape, count, max, .. } = shape;
        Self { collection, shape: format!("{operation} {shape}"), count, slowest: max, index: None }
    }
}
