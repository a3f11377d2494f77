//! Members of a replica set that must have built an index, and those that a build waits for.

use std::collections::BTreeSet;
use std::time::Duration;

use bson::{Document, doc};
use mongodb::Database;

use crate::command::collect;
use crate::error::Error;
use crate::plan::{CommitQuorum, IndexDefinition};

/// Time limit of the question, which is asked when something is wrong already.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Changes the commit quorum of builds under way, which a second request for the same indexes would only join.
pub(super) async fn change(db: &Database, collection: &str, indexes: &[&IndexDefinition], quorum: CommitQuorum) {
    let names = names(indexes);
    // The server takes the names of all indexes of one build, neither more nor fewer.
    let groups = match builds(db, &names).await {
        Ok(builds) => builds.iter().map(|build| strings(build, "indexNames").into_iter().collect()).collect(),
        Err(_) => [vec![names.clone()], names.iter().map(|name| vec![name.clone()]).collect()].concat(),
    };
    for names in groups {
        let command = doc! { "setIndexCommitQuorum": collection, "indexNames": names, "commitQuorum": quorum.value() };
        // Usually there is no such build, or it has ended.
        let _ = db.run_command(command).await;
    }
}

/// Returns the members that have not built the indexes; empty if that is not known.
pub(super) async fn missing_members(db: &Database, indexes: &[&IndexDefinition]) -> Vec<String> {
    let found = tokio::time::timeout(TIMEOUT, find_missing(db, &names(indexes))).await;
    found.ok().and_then(Result::ok).unwrap_or_default()
}

async fn find_missing(db: &Database, names: &[String]) -> Result<Vec<String>, Error> {
    let hello = db.run_command(doc! { "hello": 1 }).await.map_err(|error| Error::from_driver(action(), &error))?;
    let hosts = strings(&hello, "hosts");
    let ready = builds(db, names).await?.into_iter().map(|build| strings(&build, "commitReadyMembers"));
    // A member that is ready for one build of that name may not be for another.
    let ready = ready.reduce(|all, some| all.intersection(&some).cloned().collect());
    Ok(ready.map(|ready| hosts.difference(&ready).cloned().collect()).unwrap_or_default())
}

/// Returns what the primary stores about builds of indexes of these names.
async fn builds(db: &Database, names: &[String]) -> Result<Vec<Document>, Error> {
    let command = doc! { "find": "system.indexBuilds", "filter": { "indexNames": { "$in": names } } };
    collect(&db.client().database("config"), command, action).await
}

fn action() -> String {
    "read the members that an index build waits for".to_owned()
}

fn names(indexes: &[&IndexDefinition]) -> Vec<String> {
    indexes.iter().map(|index| index.name().to_owned()).collect()
}

fn strings(document: &Document, field: &str) -> BTreeSet<String> {
    let values = document.get_array(field).ok().into_iter().flatten();
    values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
}
