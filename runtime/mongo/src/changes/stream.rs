//! Change stream requests, and the meaning of their errors.

use std::collections::BTreeSet;
use std::time::Duration;

use bson::{Document, doc};
use mongodb::Database;
use mongodb::change_stream::ChangeStream;
use mongodb::change_stream::event::ResumeToken;
use mongodb::options::FullDocumentBeforeChangeType;

use super::batch::{ChangeBatch, FoundDocuments};
use super::target::WatchedModel;
use crate::command::documents;
use crate::error::{Error, code};
use crate::model::ChangeScope;

/// Time that the server waits for a change before it sends an empty reply.
const MAX_AWAIT: Duration = Duration::from_millis(500);
/// Wire version of MongoDB 6.0, which introduced pre-images.
const IMAGES_WIRE_VERSION: i32 = 17;

/// Time limit of a short request. The driver itself would wait until the operating system closes the connection, which takes many
/// minutes.
const REPLY_TIMEOUT: Duration = Duration::from_secs(8);

/// Applies the time limit of a short request.
pub(super) async fn with_reply_timeout<T>(
    action: String,
    request: impl Future<Output = mongodb::error::Result<T>>,
) -> Result<T, Error> {
    match tokio::time::timeout(REPLY_TIMEOUT, request).await {
        Ok(reply) => reply.map_err(|error| Error::from_driver(action, &error)),
        Err(_) => Err(Error::timeout(action, REPLY_TIMEOUT)),
    }
}

/// Checks that the server replies.
pub(super) async fn ping(db: &Database) -> Result<(), Error> {
    let ping = db.run_command(doc! { "ping": 1 });
    with_reply_timeout(watch_action(db), ping.into_future()).await.map(drop)
}

/// Returns a reason for each model whose changes the server does not report, with its collection. Empty if the user may not list
/// collections.
pub(super) async fn not_followed(db: &Database, models: &[WatchedModel]) -> Result<Vec<String>, Error> {
    let names: Vec<_> = models.iter().map(|model| model.collection).collect();
    let command =
        doc! { "listCollections": 1, "filter": { "name": { "$in": names }, "type": { "$ne": "collection" } } };
    let found = match with_reply_timeout(watch_action(db), documents(db.run_cursor_command(command))).await {
        Err(error) if error.is_unauthorized() => return Ok(Vec::new()),
        found => found?,
    };
    let reason = |collection: Document| {
        let name = collection.get_str("name").ok()?;
        let what = match collection.get_str("type").ok()? {
            "timeseries" => {
                "a time-series collection, and MongoDB reports no changes of it: invalidate where your code writes to it"
            }
            "view" => "a view, and MongoDB reports no changes of it: declare the scopes on the collection below it",
            _ => return None,
        };
        Some(format!("`{name}` is {what}"))
    };
    Ok(found.into_iter().filter_map(reason).collect())
}

fn watch_action(db: &Database) -> String {
    format!("watch the changes of `{}`", db.name())
}

/// Reason why a stream could not be opened, or ended.
#[derive(Debug)]
pub(super) enum StreamFault {
    /// The error may be temporary.
    Transient(Error),
    /// The server cannot continue from this position.
    LostPosition(Error),
    /// The server has no change streams.
    Unsupported(String),
}

impl StreamFault {
    pub(super) fn from_driver(db: &Database, error: &mongodb::error::Error) -> Self {
        Self::from(Error::from_driver(watch_action(db), error))
    }
}

impl From<Error> for StreamFault {
    fn from(error: Error) -> Self {
        match error.code() {
            Some(code::NO_REPLICA_SET) => Self::Unsupported(NO_REPLICA_SET.to_owned()),
            Some(code) if !error.has_unknown_outcome() && !code::TRANSIENT.contains(&code) => Self::LostPosition(error),
            _ => Self::Transient(error),
        }
    }
}

const NO_REPLICA_SET: &str = "change streams need a replica set: start the server with `--replSet rs0` and run `rs.initiate()` once \
    (a set of one member is enough), or run without change streams";

/// The requested change events, and the requested parts of them.
#[derive(Debug)]
pub(super) struct StreamRequest {
    pipeline: Vec<Document>,
    /// True if a scope uses more fields than the `_id`.
    documents: bool,
    /// Projection of the fields that scopes use.
    fields: Document,
}

impl StreamRequest {
    pub(super) fn new(models: &[WatchedModel]) -> Self {
        let collections: Vec<_> = models.iter().map(|model| model.collection).collect();
        let fields = fields(models);
        let concerned = doc! { "$match": { "$or": [
            { "ns.coll": { "$in": &collections } },
            { "to.coll": { "$in": &collections } },
            { "operationType": { "$in": ["dropDatabase", "invalidate"] } },
        ] } };
        // Only the paths of updated fields: values can be large, and an event must fit in one document.
        let mut projection = doc! {
            "operationType": 1, "ns": 1, "to": 1, "documentKey": 1, "clusterTime": 1, "wallTime": 1,
            "touched": { "$map": { "input": { "$objectToArray": "$updateDescription.updatedFields" }, "in": "$$this.k" } },
            "removed": "$updateDescription.removedFields",
            "truncated": "$updateDescription.truncatedArrays.field",
        };
        for document in ["fullDocument", "fullDocumentBeforeChange"] {
            projection.extend(fields.iter().map(|field| (format!("{document}.{field}"), 1.into())));
        }
        let documents = fields.iter().any(|field| field != "_id");
        let fields = fields.into_iter().map(|field| (field, 1.into())).collect();
        Self { pipeline: vec![concerned, doc! { "$project": projection }], documents, fields }
    }

    /// Opens the stream after a position, or from now on.
    pub(super) async fn open(
        &self,
        db: &Database,
        after: Option<&ResumeToken>,
    ) -> Result<ChangeStream<Document>, StreamFault> {
        let hello = with_reply_timeout(watch_action(db), db.run_command(doc! { "hello": 1 }).into_future()).await?;
        // `isreplicaset` is set before the replica set is initiated, `msg` by a router.
        let signs = ["setName", "isreplicaset", "msg"];
        if !signs.iter().any(|sign| hello.contains_key(sign)) {
            return Err(StreamFault::Unsupported(NO_REPLICA_SET.to_owned()));
        }
        let mut watch = db.watch().pipeline(self.pipeline.clone()).max_await_time(MAX_AWAIT);
        if let Some(token) = after {
            watch = watch.start_after(token.clone());
        }
        if self.documents && hello.get_i32("maxWireVersion").is_ok_and(|version| version >= IMAGES_WIRE_VERSION) {
            watch = watch.full_document_before_change(FullDocumentBeforeChangeType::WhenAvailable);
        }
        watch.await.map(ChangeStream::with_type).map_err(|error| StreamFault::from_driver(db, &error))
    }
}

impl StreamRequest {
    /// Reads the updated documents, at a time after the changes in the batch. A document that cannot be read is unknown, which makes
    /// scopes wider.
    pub(super) async fn find_updated(&self, db: &Database, batch: &ChangeBatch) -> FoundDocuments {
        let mut found = FoundDocuments::new();
        for (collection, ids) in batch.updated_ids() {
            let command = doc! {
                "find": collection,
                "batchSize": i32::try_from(ids.len()).unwrap_or(i32::MAX),
                "filter": { "_id": { "$in": ids } },
                "projection": self.fields.clone(),
                // A document that may be rolled back must not be used.
                "readConcern": { "level": "majority", "afterClusterTime": batch.time },
            };
            match with_reply_timeout(watch_action(db), documents(db.run_cursor_command(command))).await {
                Ok(documents) => documents.into_iter().for_each(|document| found.add(collection, document)),
                Err(error) => {
                    tracing::debug!(%error, "updated documents could not be read: wider scopes are invalidated");
                }
            }
        }
        found
    }
}

/// Returns the dotted names of all fields in scopes, without those that are part of another.
fn fields(models: &[WatchedModel]) -> BTreeSet<String> {
    let paths = models.iter().flat_map(|model| model.scopes).flat_map(ChangeScope::paths).map(|path| path.join("."));
    let all: BTreeSet<String> = paths.chain(["_id".to_owned()]).collect();
    let outer = |path: &&String| {
        !all.iter().any(|other| path.strip_prefix(other.as_str()).is_some_and(|rest| rest.starts_with('.')))
    };
    all.iter().filter(outer).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::derived::ScopePiece;

    #[test]
    fn a_nested_field_is_requested_once() {
        const fn field(path: &'static [&'static str]) -> ScopePiece {
            ScopePiece::Field { path, write: |_, _| false }
        }
        const SCOPES: &[ChangeScope] = &[ChangeScope {
            text: "",
            pieces: &[field(&["a"]), field(&["a", "b"]), field(&["ab"]), field(&["c", "d"])],
            prefix: false,
        }];
        let models = [WatchedModel { collection: "c", scopes: SCOPES }];
        assert_eq!(fields(&models).into_iter().collect::<Vec<_>>(), ["_id", "a", "ab", "c.d"]);
        assert!(StreamRequest::new(&models).documents);
        assert!(!StreamRequest::new(&[WatchedModel { collection: "c", scopes: &[] }]).documents);
    }
}
