//! Position of the fleet in the change stream, and the lease on reading it, in one document.
//!
//! All times are read on the server. A process that lost its lease without noticing can only announce changes that another process
//! announces too; it can no longer move the position.

use std::time::Duration;

use bson::{Bson, Document, doc};
use mongodb::Database;
use mongodb::change_stream::event::ResumeToken;
use mongodb::options::ReturnDocument;

use super::stream::with_reply_timeout;
use super::target::{POSITIONS, WatchTarget, WatchedModel};
use crate::error::{Error, code};
use crate::lease::{acquire_pipeline, random_holder};
use fastness_core::seam::hash;

/// The position document of a fleet.
#[derive(Debug)]
pub(super) struct PositionLease {
    db: Database,
    id: String,
    holder: String,
    time: Duration,
    /// Names of the collections, for people who read the document.
    collections: Vec<&'static str>,
}

/// Outcome of a claim.
#[derive(Debug)]
pub(super) enum ClaimOutcome {
    /// The lease is held by this process, which reads from the stored position, if there is one.
    Acquired(Option<ResumeToken>),
    /// Another process holds the lease.
    HeldByOther,
}

impl PositionLease {
    /// Returns the position of the processes that share the cache `fleet` and declare the same scopes.
    pub(super) fn new(changes: &WatchTarget, fleet: &str) -> Self {
        let scopes = |model: &WatchedModel| model.scopes.iter().map(|scope| scope.text).collect::<Vec<_>>().join(" ");
        let declared: Vec<_> =
            changes.models.iter().map(|model| format!("{} {}", model.collection, scopes(model))).collect();
        let id = hash(&format!("{fleet}\n{}", declared.join("\n")));
        Self {
            db: changes.db.clone(),
            id: format!("{}{}{id:016x}", changes.name, if changes.name.is_empty() { "" } else { " " }),
            holder: random_holder(),
            time: changes.takeover,
            collections: changes.models.iter().map(|model| model.collection).collect(),
        }
    }

    /// Returns the interval at which the lease is renewed, or tried by other processes.
    pub(super) fn renewal_interval(&self) -> Duration {
        self.time / 4
    }

    /// Takes the lease, or extends it.
    pub(super) async fn claim(&self) -> Result<ClaimOutcome, Error> {
        let positions = self.positions();
        let claim = positions.find_one_and_update(doc! { "_id": &self.id }, acquire_pipeline(&self.holder, self.time));
        let claim = claim.upsert(true).return_document(ReturnDocument::After);
        match with_reply_timeout(self.action("take the lease"), claim.into_future()).await {
            Ok(Some(position)) if position.get_str("holder").is_ok_and(|holder| holder == self.holder) => {
                let token = position.get("token").cloned();
                Ok(ClaimOutcome::Acquired(token.and_then(|token| bson::deserialize_from_bson(token).ok())))
            }
            Ok(_) => Ok(ClaimOutcome::HeldByOther),
            Err(error) => {
                // Two processes inserted the document at once, and the other was first.
                if error.code() == Some(code::DUPLICATE_KEY) { Ok(ClaimOutcome::HeldByOther) } else { Err(error) }
            }
        }
    }

    /// Stores a position, and extends the lease. Returns false if another process holds it.
    pub(super) async fn store(&self, token: &ResumeToken) -> Result<bool, Error> {
        // As a literal, because values in an update pipeline are expressions.
        let token = doc! { "$literal": bson::serialize_to_bson(token).unwrap_or(Bson::Null) };
        let mut update = acquire_pipeline(&self.holder, self.time);
        update.push(doc! { "$set": { "token": token, "collections": &self.collections, "at": "$$NOW" } });
        let positions = self.positions();
        let update = positions.update_one(doc! { "_id": &self.id, "holder": &self.holder }, update);
        let updated = with_reply_timeout(self.action("store a position"), update.into_future()).await?;
        Ok(updated.matched_count == 1)
    }

    /// Releases the lease at once.
    pub(super) async fn release(&self) -> Result<(), Error> {
        let free = doc! { "$unset": { "holder": 1, "until": 1 } };
        let positions = self.positions();
        let release = positions.update_one(doc! { "_id": &self.id, "holder": &self.holder }, free);
        with_reply_timeout(self.action("release the lease"), release.into_future()).await.map(drop)
    }

    fn positions(&self) -> mongodb::Collection<Document> {
        self.db.collection(POSITIONS)
    }

    fn action(&self, verb: &str) -> String {
        format!("{verb} in `{}.{}`", self.db.name(), POSITIONS)
    }
}
