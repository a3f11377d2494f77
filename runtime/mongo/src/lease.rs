//! A lease in the database, so that one process of a fleet builds indexes at a time.
//!
//! All times are read on the server. A running builder renews the lease; after a crash another process takes it when it expires. Two
//! builders at once do no harm to data (creating an existing index does nothing), but undo each other's work if their versions declare
//! different indexes.
//!
//! May use: `error`.

use std::time::Duration;

use bson::{Document, doc};
use mongodb::Database;
use mongodb::options::ReturnDocument;

use crate::error::{Error, code};
use fastness_core::seam::pause;

/// Collection of the lease, in the database whose indexes are built.
pub(crate) const COLLECTION: &str = "fastness_leases";

/// `_id` of the lease document.
const ID: &str = "indexes";

/// Number of renewals within the lease time.
const RENEWALS_PER_LEASE: u32 = 3;

/// Pause between two attempts to take the lease.
const ACQUIRE_INTERVAL: Duration = Duration::from_millis(250);

/// Runs `work`, which writes, while no other process does. Without the right to write the lease, runs it without waiting for other
/// processes.
pub(crate) async fn with_lease<T>(
    db: &Database,
    time: Duration,
    max_wait: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let lease = match BuildLease::acquire(db, time, max_wait).await {
        Ok(lease) => lease,
        Err(error) if error.is_unauthorized() => {
            tracing::warn!(%error, "building indexes without waiting for other processes");
            return work.await;
        }
        Err(error) => return Err(error),
    };
    let report = tokio::select! {
        report = work => report,
        () = lease.renew_until_lost() => Err(Error::busy("the lease on building indexes was lost, and another process may hold it: apply again when it has finished")),
    };
    lease.release().await;
    report
}

/// Returns a random name for a process that takes leases.
pub(crate) fn random_holder() -> String {
    format!("{:08x}-{}", fastrand::u32(..), std::process::id())
}

/// Returns the update pipeline that gives a lease document to `holder`, if it is free, expired, or already the holder's.
pub(crate) fn acquire_pipeline(holder: &str, time: Duration) -> Vec<Document> {
    let time = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    // A document that does not exist yet has no `until`, and a missing value sorts before every time.
    let free = doc! { "$or": [{ "$eq": ["$holder", holder] }, { "$lt": ["$until", "$$NOW"] }] };
    let until = doc! { "$add": ["$$NOW", time] };
    vec![doc! { "$set": {
        "holder": { "$cond": [free.clone(), holder, "$holder"] },
        "until": { "$cond": [free, until, "$until"] },
    } }]
}

/// The right to build indexes. It ends when it is [released](Self::release), or expires after its drop.
#[derive(Debug)]
pub(crate) struct BuildLease {
    db: Database,
    holder: String,
    time: Duration,
}

impl BuildLease {
    /// Takes the lease, or waits for it up to `max_wait`.
    pub(crate) async fn acquire(db: &Database, time: Duration, max_wait: Duration) -> Result<Self, Error> {
        let lease = Self { db: db.clone(), holder: random_holder(), time };
        let waiting = async {
            while !lease.renew().await? {
                pause(ACQUIRE_INTERVAL).await;
            }
            Ok(())
        };
        match tokio::time::timeout(max_wait, waiting).await {
            Ok(taken) => taken.map(|()| lease),
            Err(_) => {
                // The last attempt may have taken the lease, though its reply was not awaited.
                lease.release().await;
                Err(Error::busy(format!(
                    "another process holds the lease in `{}.{COLLECTION}`: raise `max_wait`, or try again when it has finished",
                    db.name()
                )))
            }
        }
    }

    /// Takes the lease, or extends it. Returns false if another process holds it.
    pub(crate) async fn renew(&self) -> Result<bool, Error> {
        let leases = self.db.collection::<Document>(COLLECTION);
        let held =
            leases.find_one_and_update(doc! { "_id": ID }, acquire_pipeline(&self.holder, self.time)).upsert(true);
        match held.return_document(ReturnDocument::After).await {
            Ok(lease) => {
                Ok(lease.is_some_and(|lease| lease.get_str("holder").is_ok_and(|holder| holder == self.holder)))
            }
            Err(error) => {
                let error = Error::from_driver(format!("take the lease in `{}.{COLLECTION}`", self.db.name()), &error);
                // Two processes inserted the document at once, and the other was first.
                if error.code() == Some(code::DUPLICATE_KEY) { Ok(false) } else { Err(error) }
            }
        }
    }

    /// Renews the lease from time to time, and returns when it is lost.
    pub(crate) async fn renew_until_lost(&self) {
        let mut failures = 0;
        // After this many failures the lease has expired.
        while failures < RENEWALS_PER_LEASE {
            pause(self.time / RENEWALS_PER_LEASE).await;
            match self.renew().await {
                Ok(true) => failures = 0,
                Ok(false) => return,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, "the lease on building indexes could not be renewed");
                }
            }
        }
    }

    /// Releases the lease at once.
    pub(crate) async fn release(self) {
        let leases = self.db.collection::<Document>(COLLECTION);
        if let Err(error) = leases.delete_one(doc! { "_id": ID, "holder": &self.holder }).await {
            let error = Error::from_driver("release the lease", &error);
            tracing::warn!(%error, "the lease on building indexes could not be released: it ends when it expires");
        }
    }
}
