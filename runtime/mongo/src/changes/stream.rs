//! The change stream of the database: opened, and what its errors mean.

use std::collections::BTreeSet;
use std::time::Duration;

use bson::{Document, doc};
use mongodb::Database;
use mongodb::change_stream::ChangeStream;
use mongodb::change_stream::event::ResumeToken;
use mongodb::options::FullDocumentBeforeChangeType;

use super::batch::{Batch, Found};
use super::followed::Watched;
use crate::error::{Error, code};
use crate::model::Scope;

/// How long the server waits for a change before it says that there is none.
const AWAIT: Duration = Duration::from_millis(500);
/// The wire version of MongoDB 6.0, which keeps images.
const IMAGES: i32 = 17;

/// A server that takes longer for what is quickly answered is held to be gone. The driver itself waits as long as the system keeps a
/// connection, which is many minutes.
const PATIENCE: Duration = Duration::from_secs(8);

/// Waits for what is quickly answered.
pub(super) async fn within<T>(
    doing: String,
    question: impl Future<Output = mongodb::error::Result<T>>,
) -> Result<T, Error> {
    match tokio::time::timeout(PATIENCE, question).await {
        Ok(answer) => answer.map_err(|error| Error::of(doing, &error)),
        Err(_) => Err(Error::elapsed(doing, PATIENCE)),
    }
}

/// Whether the server is there.
pub(super) async fn ping(db: &Database) -> Result<(), Error> {
    let ping = db.run_command(doc! { "ping": 1 });
    within(watching(db), ping.into_future()).await.map(drop)
}

fn watching(db: &Database) -> String {
    format!("watch the changes of `{}`", db.name())
}

/// Why a stream could not be opened, or ended.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server may be back, or may say something else next time.
    Passing(Error),
    /// The server answers that it cannot go on from here.
    Position(Error),
    /// There are no change streams here.
    Off(String),
}

impl Fault {
    pub(super) fn of(db: &Database, error: &mongodb::error::Error) -> Self {
        Self::from(Error::of(watching(db), error))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error.code() {
            Some(code::NO_REPLICA_SET) => Self::Off(NO_REPLICA_SET.to_owned()),
            Some(code) if !error.is_unknown() && !code::MAY_PASS.contains(&code) => Self::Position(error),
            _ => Self::Passing(error),
        }
    }
}

const NO_REPLICA_SET: &str = "change streams need a replica set: start the server with `--replSet rs0` and run `rs.initiate()` once \
    (a set of one member will do), or do without";

/// Which of the database's changes are asked for, and what of each.
#[derive(Debug)]
pub(super) struct Watch {
    pipeline: Vec<Document>,
    /// Some scope takes more of a document than its `_id`.
    documents: bool,
    /// What of a document the scopes take.
    fields: Document,
}

impl Watch {
    pub(super) fn new(models: &[Watched]) -> Self {
        let collections: Vec<_> = models.iter().map(|model| model.collection).collect();
        let fields = fields(models);
        let concerned = doc! { "$match": { "$or": [
            { "ns.coll": { "$in": &collections } },
            { "to.coll": { "$in": &collections } },
            { "operationType": { "$in": ["dropDatabase", "invalidate"] } },
        ] } };
        // Of what was set, only where: values can be large, and a change has to fit in one document.
        let mut kept = doc! {
            "operationType": 1, "ns": 1, "to": 1, "documentKey": 1, "clusterTime": 1, "wallTime": 1,
            "touched": { "$map": { "input": { "$objectToArray": "$updateDescription.updatedFields" }, "in": "$$this.k" } },
            "removed": "$updateDescription.removedFields",
            "truncated": "$updateDescription.truncatedArrays.field",
        };
        for document in ["fullDocument", "fullDocumentBeforeChange"] {
            kept.extend(fields.iter().map(|field| (format!("{document}.{field}"), 1.into())));
        }
        let documents = fields.iter().any(|field| field != "_id");
        let fields = fields.into_iter().map(|field| (field, 1.into())).collect();
        Self { pipeline: vec![concerned, doc! { "$project": kept }], documents, fields }
    }

    /// Opens it behind a position, or here and now.
    pub(super) async fn open(
        &self,
        db: &Database,
        after: Option<&ResumeToken>,
    ) -> Result<ChangeStream<Document>, Fault> {
        let hello = within(watching(db), db.run_command(doc! { "hello": 1 }).into_future()).await?;
        // The second is of one that was not initiated yet, the third of a router.
        let signs = ["setName", "isreplicaset", "msg"];
        if !signs.iter().any(|sign| hello.contains_key(sign)) {
            return Err(Fault::Off(NO_REPLICA_SET.to_owned()));
        }
        let mut watch = db.watch().pipeline(self.pipeline.clone()).max_await_time(AWAIT);
        if let Some(token) = after {
            watch = watch.start_after(token.clone());
        }
        if self.documents && hello.get_i32("maxWireVersion").is_ok_and(|version| version >= IMAGES) {
            watch = watch.full_document_before_change(FullDocumentBeforeChangeType::WhenAvailable);
        }
        watch.await.map(ChangeStream::with_type).map_err(|error| Fault::of(db, &error))
    }
}

impl Watch {
    /// The documents that were updated, as they are now: of the changes that are known, no older than the last. What cannot be looked up
    /// is not known, and what is not known makes scopes wider.
    pub(super) async fn look_up(&self, db: &Database, batch: &Batch) -> Found {
        let mut found = Found::new();
        for (collection, ids) in batch.unread() {
            let command = doc! {
                "find": collection,
                "batchSize": i32::try_from(ids.len()).unwrap_or(i32::MAX),
                "filter": { "_id": { "$in": ids } },
                "projection": self.fields.clone(),
                // What may be rolled back may not be told of.
                "readConcern": { "level": "majority", "afterClusterTime": batch.time },
            };
            match within(watching(db), all(db, command)).await {
                Ok(documents) => documents.into_iter().for_each(|document| found.add(collection, document)),
                Err(error) => {
                    tracing::debug!(%error, "updated documents are not known, so more than they is invalidated");
                }
            }
        }
        found
    }
}

async fn all(db: &Database, command: Document) -> mongodb::error::Result<Vec<Document>> {
    let mut cursor = db.run_cursor_command(command).await?;
    let mut documents = Vec::new();
    while cursor.advance().await? {
        documents.push(cursor.deserialize_current()?);
    }
    Ok(documents)
}

/// The dotted names of all fields in scopes; of those that lie in another, the other.
fn fields(models: &[Watched]) -> BTreeSet<String> {
    let paths = models.iter().flat_map(|model| model.scopes).flat_map(Scope::paths).map(|path| path.join("."));
    let all: BTreeSet<String> = paths.chain(["_id".to_owned()]).collect();
    let outer = |path: &&String| {
        !all.iter().any(|other| path.strip_prefix(other.as_str()).is_some_and(|rest| rest.starts_with('.')))
    };
    all.iter().filter(outer).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ScopePiece;

    #[test]
    fn a_field_in_a_field_is_not_asked_for_twice() {
        const fn field(path: &'static [&'static str]) -> ScopePiece {
            ScopePiece::Field { path, write: |_, _| false }
        }
        const SCOPES: &[Scope] = &[Scope {
            text: "",
            pieces: &[field(&["a"]), field(&["a", "b"]), field(&["ab"]), field(&["c", "d"])],
            prefix: false,
        }];
        let models = [Watched { collection: "c", scopes: SCOPES }];
        assert_eq!(fields(&models).into_iter().collect::<Vec<_>>(), ["_id", "a", "ab", "c.d"]);
        assert!(Watch::new(&models).documents);
        assert!(!Watch::new(&[Watched { collection: "c", scopes: &[] }]).documents);
    }
}
