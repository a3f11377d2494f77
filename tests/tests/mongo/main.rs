//! MongoDB's indexes, planned and applied, and its change streams, followed, on real servers.

mod advise;
mod changes;
mod client;
mod data;
mod derived;
mod fleet;
mod foreign;
mod kinds;
mod load;
mod normal;
mod optimize;
mod profile;
mod rig;
mod slow;
mod streams;

use bson::{Document, doc};
use fastness::mongo::IndexManager;
use fastness::mongo::model::{Declaration, Field, Kind};
use fastness_tests::servers::{shared_mongo, shared_mongo_set};
use mongodb::Database;

/// A database on a single server, and one on a replica set.
async fn databases() -> [Database; 2] {
    [shared_mongo().await.database().await, shared_mongo_set().await.database().await]
}

/// The indexes of the collection `c`.
fn indexes(db: &Database, specs: &[Declaration]) -> IndexManager {
    IndexManager::new(db).collection("c", specs)
}

/// What the server lists for the collection `c`, the one over `_id` left out.
async fn listed(db: &Database) -> Vec<Document> {
    let reply = db.run_command(doc! { "listIndexes": "c" }).await.unwrap();
    let all = reply.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
    let all = all.iter().map(|index| index.as_document().unwrap().clone());
    all.filter(|index| index.get_str("name").unwrap() != "_id_").collect()
}

/// Their names.
async fn names(db: &Database) -> Vec<String> {
    listed(db).await.iter().map(|index| index.get_str("name").unwrap().to_owned()).collect()
}

const fn ascending(path: &'static [&'static str]) -> Field {
    Field { path, kind: Kind::Ascending }
}

/// `{a: 1}`
const A: Declaration = Declaration { fields: &[ascending(&["a"])], ..Declaration::PLAIN };

/// `{b: 1}`
const B: Declaration = Declaration { fields: &[ascending(&["b"])], ..Declaration::PLAIN };
