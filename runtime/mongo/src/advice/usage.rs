//! Use of a collection's indexes. Each server of a replica set counts for itself, since its start.

use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use mongodb::Database;
use mongodb::options::{SelectionCriteria, ServerAddress};
use serde::Serialize;

use super::explain::Explanation;
use crate::command::documents;
use crate::conversions::read_count;
use crate::error::Error;

/// Use of one index on all servers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct IndexUsage {
    /// Name of the collection.
    pub collection: String,
    /// Name of the index.
    pub index: String,
    /// Number of operations that used it since the servers began to count.
    pub operations: u64,
    /// Time for which all servers have been counting, in seconds when serialised.
    #[serde(serialize_with = "crate::conversions::serialize_seconds")]
    pub watched: Duration,
}

/// Time limit for the reply of a server. Without a reply the usage is unknown.
const REPLY_TIMEOUT: Duration = Duration::from_secs(5);

/// Returns the use of each index of a collection. Empty if not all servers can be asked, or the user lacks the role `clusterMonitor`.
pub(crate) async fn usage(db: &Database, collection: &str) -> Result<Vec<IndexUsage>, Error> {
    let action = || format!("read the usage of the indexes of `{}.{collection}`", db.name());
    let hello = db.run_command(doc! { "hello": 1 }).await.map_err(|error| Error::from_driver(action(), &error))?;
    let mut usages = Vec::new();
    for server in servers(&hello).unwrap_or_default() {
        let result = tokio::time::timeout(REPLY_TIMEOUT, stats(db, collection, server)).await;
        match result {
            Ok(Ok(stats)) => stats.iter().for_each(|stats| add(&mut usages, collection, stats, &hello)),
            Ok(Err(error)) => {
                tracing::info!(error = %Error::from_driver(action(), &error), "index usage could not be read: unused indexes are not reported");
                return Ok(Vec::new());
            }
            Err(_) => return Ok(Vec::new()),
        }
    }
    Ok(usages)
}

/// Returns the paths of arrays that an index states; empty if the server does not say. No document is read.
pub(crate) async fn arrays(db: &Database, collection: &str, index: &str) -> Vec<String> {
    let find = doc! { "find": collection, "filter": {}, "hint": index };
    let reply = db.run_command(doc! { "explain": find, "verbosity": "queryPlanner" }).await;
    reply.map(|reply| Explanation::from_reply(&reply).arrays).unwrap_or_default()
}

/// Returns the members with data, or the only server. `None` behind a router, which asks only one member of each shard.
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
    let mut request = db.run_cursor_command(command);
    if let Some(server) = server {
        let is_server = Arc::new(move |other: &mongodb::ServerInfo| *other.address() == server);
        request = request.selection_criteria(SelectionCriteria::Predicate(is_server));
    }
    documents(request).await
}

/// Adds the counts of one server or shard. The time is the shortest of all.
fn add(usages: &mut Vec<IndexUsage>, collection: &str, stats: &Document, hello: &Document) {
    let accesses = stats.get_document("accesses").ok();
    let operations = read_count(accesses.and_then(|accesses| accesses.get("ops")));
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
        None => {
            usages.push(IndexUsage { collection: collection.to_owned(), index: index.to_owned(), operations, watched });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_members_with_data_are_counted_and_those_of_shards_are_unknown() {
        let count = |hello: Document| servers(&hello).map(|servers| servers.len());
        assert_eq!(count(doc! { "ok": 1 }), Some(1));
        assert_eq!(count(doc! { "hosts": ["a:1", "b:2"], "passives": ["c:3"], "arbiters": ["d:4"] }), Some(3));
        assert_eq!(count(doc! { "msg": "isdbgrid" }), None, "secondaries of shards count for themselves");
    }
}
