//! Each of the marketplace's queries, with and without the index that is declared for it.

use std::time::Duration;

use mongodb::Database;
use mongodb::error::Error;
use serde::Serialize;
use tokio::time::Instant;

use super::figures::millis;
use crate::queries::{self, Query, Way};

/// One query, both ways. Times are in milliseconds.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Compared {
    pub(super) collection: &'static str,
    /// The fields that it names.
    pub(super) query: String,
    pub(super) with_index: Cost,
    pub(super) without: Cost,
    /// The time without the index as a multiple of the time with it.
    pub(super) ratio: f64,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cost {
    pub(super) p50: f64,
    pub(super) documents_examined: u64,
}

/// Runs of a query each way: an odd number, so that one of them is in the middle; fewer once that takes long.
const RUNS: usize = 21;
const FEWEST: usize = 3;
const LONG: Duration = Duration::from_secs(2);

pub(super) async fn all(db: &Database) -> Result<Vec<Compared>, String> {
    let mut compared = Vec::new();
    for query in queries::all(db).await? {
        let found = compare(db, &query).await;
        compared.push(found.map_err(|error| format!("{}: {}: {error}", query.collection, query.about))?);
    }
    Ok(compared)
}

async fn compare(db: &Database, query: &Query) -> Result<Compared, Error> {
    let (without, with_index) = (cost(db, query, Way::Natural).await?, cost(db, query, Way::Free).await?);
    Ok(Compared {
        collection: query.collection,
        query: query.about.clone(),
        with_index,
        without,
        ratio: without.p50 / with_index.p50.max(1e-6),
    })
}

async fn cost(db: &Database, query: &Query, way: Way) -> Result<Cost, Error> {
    // Once unmeasured, so that both ways find in memory what they read.
    query.time(db, way).await?;
    let began = Instant::now();
    let mut times = Vec::with_capacity(RUNS);
    while times.len() < RUNS && (times.len() < FEWEST || began.elapsed() < LONG) {
        times.push(query.time(db, way).await?);
    }
    times.sort_unstable();
    Ok(Cost { p50: millis(times[times.len() / 2]), documents_examined: query.examined(db, way).await? })
}
