//! MongoDB's indexes, planned and applied, and its change streams, watched, on real servers.

mod advise;
mod changes;
mod client;
mod data;
mod declared;
mod derived;
mod down;
mod dropped;
mod fleet;
mod foreign;
mod kinds;
mod load;
mod normal;
mod optimize;
mod profile;
mod questions;
mod rebuild;
mod rig;
mod slow;
mod storage;
mod streams;
mod transactions;
mod trial;

use bson::{Document, doc};
use fastness::mongo::IndexManager;
use fastness::mongo::model::{DeclaredIndex, IndexField, IndexKind};
use fastness_tests::servers::{shared_mongo, shared_mongo_set};
use mongodb::Database;

/// A database on a single server, and one on a replica set.
async fn databases() -> [Database; 2] {
    [shared_mongo().await.database().await, shared_mongo_set().await.database().await]
}

/// The indexes of the collection `c`.
fn indexes(db: &Database, specs: &[DeclaredIndex]) -> IndexManager {
    IndexManager::new(db).collection("c", specs)
}

/// Returns the server's list for the collection `c`, without the index on `_id`.
async fn listed(db: &Database) -> Vec<Document> {
    let reply = db.run_command(doc! { "listIndexes": "c" }).await.unwrap();
    let all = reply.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
    let all = all.iter().map(|index| index.as_document().unwrap().clone());
    all.filter(|index| index.get_str("name").unwrap() != "_id_").collect()
}

/// Returns the names of the indexes.
async fn names(db: &Database) -> Vec<String> {
    listed(db).await.iter().map(|index| index.get_str("name").unwrap().to_owned()).collect()
}

const fn ascending(path: &'static [&'static str]) -> IndexField {
    IndexField { path, kind: IndexKind::Ascending }
}

/// `{a: 1}`
const A: DeclaredIndex = DeclaredIndex { fields: &[ascending(&["a"])], ..DeclaredIndex::DEFAULT };

/// `{b: 1}`
const B: DeclaredIndex = DeclaredIndex { fields: &[ascending(&["b"])], ..DeclaredIndex::DEFAULT };
