//! How often the indexes of a collection were used. Each server of a set counts for itself, from its start on.

use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use mongodb::Database;
use mongodb::options::{SelectionCriteria, ServerAddress};
use serde::Serialize;

use crate::error::Error;
use crate::values::count;

/// How often one index was used, on all servers together.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Usage {
    /// The name of the collection.
    pub collection: String,
    /// The name of the index.
    pub index: String,
    /// How many operations used it since the servers began to count.
    pub operations: u64,
    /// How long all of them have been counting, in seconds when serialised.
    #[serde(serialize_with = "crate::values::seconds")]
    pub watched: Duration,
}

/// How long a server may take to answer. One that does not leaves the usage unknown.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often each index of a collection was used; nothing if not all servers can be asked, or the user may not ask (it takes
/// the role `clusterMonitor`).
pub(crate) async fn usage(db: &Database, collection: &str) -> Result<Vec<Usage>, Error> {
    let doing = || format!("ask how often the indexes of `{}.{collection}` are used", db.name());
    let hello = db.run_command(doc! { "hello": 1 }).await.map_err(|error| Error::of(doing(), &error))?;
    let mut usages = Vec::new();
    for server in servers(&hello).unwrap_or_default() {
        let asked = tokio::time::timeout(PATIENCE, stats(db, collection, server)).await;
        match asked {
            Ok(Ok(stats)) => stats.iter().for_each(|stats| add(&mut usages, collection, stats, &hello)),
            Ok(Err(error)) => {
                tracing::info!(error = %Error::of(doing(), &error), "nothing is said of unused indexes");
                return Ok(Vec::new());
            }
            Err(_) => return Ok(Vec::new()),
        }
    }
    Ok(usages)
}

/// The members that have data, or the one server there is; none behind a router, which asks one member of each shard only.
fn servers(hello: &Document) -> Option<Vec<Option<ServerAddress>>> {
    if hello.get_str("msg").is_ok_and(|sign| sign == "isdbgrid") {
        return None;
    }
    let lists = ["hosts", "passives"].iter().filter_map(|list| hello.get_array(list).ok()).flatten();
    let members: Vec<_> = lists.filter_map(|host| ServerAddress::parse(host.as_str()?).ok()).map(Some).collect();
    Some(if members.is_empty() { vec![None] } else { members })
}

async fn stats(
    db: &Database,
    collection: &str,
    server: Option<ServerAddress>,
) -> Result<Vec<Document>, mongodb::error::Error> {
    let command = doc! { "aggregate": collection, "pipeline": [{ "$indexStats": {} }], "cursor": {} };
    let mut asked = db.run_cursor_command(command);
    if let Some(server) = server {
        let it = Arc::new(move |other: &mongodb::ServerInfo| *other.address() == server);
        asked = asked.selection_criteria(SelectionCriteria::Predicate(it));
    }
    let mut cursor = asked.await?;
    let mut stats = Vec::new();
    while cursor.advance().await? {
        stats.push(cursor.deserialize_current()?);
    }
    Ok(stats)
}

/// Adds what one server (or shard) counted: all must have been counting.
fn add(usages: &mut Vec<Usage>, collection: &str, stats: &Document, hello: &Document) {
    let accesses = stats.get_document("accesses").ok();
    let operations = count(accesses.and_then(|accesses| accesses.get("ops")));
    let since = accesses.and_then(|accesses| accesses.get_datetime("since").ok());
    let watched = match (since, hello.get_datetime("localTime")) {
        (Some(since), Ok(now)) => now.timestamp_millis() - since.timestamp_millis(),
        _ => 0,
    };
    let watched = Duration::from_millis(u64::try_from(watched).unwrap_or(0));
    let Ok(index) = stats.get_str("name") else { return };
    match usages.iter_mut().find(|usage| usage.index == index) {
        Some(usage) => {
            usage.operations = usage.operations.saturating_add(operations);
            usage.watched = usage.watched.min(watched);
        }
        None => usages.push(Usage { collection: collection.to_owned(), index: index.to_owned(), operations, watched }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_members_with_data_are_asked_or_nobody() {
        let count = |hello: Document| servers(&hello).map(|servers| servers.len());
        assert_eq!(count(doc! { "ok": 1 }), Some(1));
        assert_eq!(count(doc! { "hosts": ["a:1", "b:2"], "passives": ["c:3"], "arbiters": ["d:4"] }), Some(3));
        assert_eq!(count(doc! { "msg": "isdbgrid" }), None, "secondaries of shards count for themselves");
    }
}
