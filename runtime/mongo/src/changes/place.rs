//! How far the fleet got, and who follows: one document that is both the position and the lease on moving it.
//!
//! The times are the server's. One that lost its lease without knowing would only announce what another announces too; it
//! cannot move the position any more.

use std::time::Duration;

use bson::{Bson, Document, doc};
use mongodb::Database;
use mongodb::change_stream::event::ResumeToken;
use mongodb::options::ReturnDocument;

use super::followed::{Followed, POSITIONS, Watched};
use super::stream::within;
use crate::error::{Error, code};
use crate::lease::{held, holder};
use fastness_core::seam::hash;

/// The fleet's document.
#[derive(Debug)]
pub(super) struct Place {
    db: Database,
    id: String,
    holder: String,
    time: Duration,
    /// For people who look into the collection.
    collections: Vec<&'static str>,
}

/// What a claim came to.
#[derive(Debug)]
pub(super) enum Claim {
    /// This process follows, from here if anything was remembered.
    Held(Option<ResumeToken>),
    /// Another does.
    Others,
}

impl Place {
    /// The place of those who share the cache `fleet` and declare the same.
    pub(super) fn new(changes: &Followed, fleet: &str) -> Self {
        let scopes = |model: &Watched| model.scopes.iter().map(|scope| scope.text).collect::<Vec<_>>().join(" ");
        let declared: Vec<_> =
            changes.models.iter().map(|model| format!("{} {}", model.collection, scopes(model))).collect();
        let id = hash(&format!("{fleet}\n{}", declared.join("\n")));
        Self {
            db: changes.db.clone(),
            id: format!("{}{}{id:016x}", changes.name, if changes.name.is_empty() { "" } else { " " }),
            holder: holder(),
            time: changes.takeover,
            collections: changes.models.iter().map(|model| model.collection).collect(),
        }
    }

    /// How often a sign of life is given, and looked for.
    pub(super) fn pulse(&self) -> Duration {
        self.time / 4
    }

    /// Takes the lease, or holds it for longer.
    pub(super) async fn claim(&self) -> Result<Claim, Error> {
        let places = self.places();
        let claim = places.find_one_and_update(doc! { "_id": &self.id }, held(&self.holder, self.time));
        let claim = claim.upsert(true).return_document(ReturnDocument::After);
        match within(self.doing("take the lease"), claim.into_future()).await {
            Ok(Some(place)) if place.get_str("holder").is_ok_and(|holder| holder == self.holder) => {
                let token = place.get("token").cloned();
                Ok(Claim::Held(token.and_then(|token| bson::deserialize_from_bson(token).ok())))
            }
            Ok(_) => Ok(Claim::Others),
            Err(error) => {
                // Two made the document at once, and it was the other.
                if error.code() == Some(code::DUPLICATE_KEY) { Ok(Claim::Others) } else { Err(error) }
            }
        }
    }

    /// Remembers a position, and holds the lease for longer. False if it is another's.
    pub(super) async fn remember(&self, token: &ResumeToken) -> Result<bool, Error> {
        // As a literal, since what stands here is an expression.
        let token = doc! { "$literal": bson::serialize_to_bson(token).unwrap_or(Bson::Null) };
        let mut update = held(&self.holder, self.time);
        update.push(doc! { "$set": { "token": token, "collections": &self.collections, "at": "$$NOW" } });
        let places = self.places();
        let update = places.update_one(doc! { "_id": &self.id, "holder": &self.holder }, update);
        let updated = within(self.doing("remember a position"), update.into_future()).await?;
        Ok(updated.matched_count == 1)
    }

    /// Lets another process take over at once.
    pub(super) async fn release(&self) -> Result<(), Error> {
        let free = doc! { "$unset": { "holder": 1, "until": 1 } };
        let places = self.places();
        let release = places.update_one(doc! { "_id": &self.id, "holder": &self.holder }, free);
        within(self.doing("release the lease"), release.into_future()).await.map(drop)
    }

    fn places(&self) -> mongodb::Collection<Document> {
        self.db.collection(POSITIONS)
    }

    fn doing(&self, what: &str) -> String {
        format!("{what} in `{}.{}`", self.db.name(), POSITIONS)
    }
}
