//! One builder per fleet: a document that says who builds, and until when.
//!
//! The times are the server's. A builder that lives renews; one that died is followed when its time is up. Two builders at once
//! would do no harm to the data (to create an index that exists does nothing), but would undo each other's work if their
//! versions declare different indexes.
//!
//! May use: `error`.

use std::time::Duration;

use bson::{Document, doc};
use mongodb::Database;
use mongodb::options::ReturnDocument;

use crate::error::{Error, code};
use fastness_core::seam::pause;

/// The collection of the lease, in the database whose indexes are built.
pub(crate) const COLLECTION: &str = "fastness_leases";

/// The lease's own id.
const ID: &str = "indexes";

/// How often it is renewed within its time.
const RENEWALS: u32 = 3;

/// How often one who waits asks again.
const RETRY: Duration = Duration::from_millis(250);

/// Does work that writes, while no other process does; without waiting for one another where the lease may not be written.
pub(crate) async fn leased<T>(
    db: &Database,
    time: Duration,
    patience: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let lease = match Lease::take(db, time, patience).await {
        Ok(lease) => lease,
        Err(error) if error.is_unauthorized() => {
            tracing::warn!(%error, "building indexes without waiting for other processes");
            return work.await;
        }
        Err(error) => return Err(error),
    };
    let report = tokio::select! {
        report = work => report,
        () = lease.keep() => Err(Error::busy("another process, which took over the lease,")),
    };
    lease.release().await;
    report
}

/// A name for one who takes leases.
pub(crate) fn holder() -> String {
    format!("{:08x}-{}", fastrand::u32(..), std::process::id())
}

/// Makes a document of a lease that of `holder` from now on, if it is nobody else's.
pub(crate) fn held(holder: &str, time: Duration) -> Vec<Document> {
    let time = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    // A document that is not there yet has no time, which is before every time.
    let free = doc! { "$or": [{ "$eq": ["$holder", holder] }, { "$lt": ["$until", "$$NOW"] }] };
    let until = doc! { "$add": ["$$NOW", time] };
    vec![doc! { "$set": {
        "holder": { "$cond": [free.clone(), holder, "$holder"] },
        "until": { "$cond": [free, until, "$until"] },
    } }]
}

/// The right to build. It ends when it is [released](Self::release), or by itself some time after it was dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    db: Database,
    holder: String,
    time: Duration,
}

impl Lease {
    /// Takes the lease, or waits for it as long as `patience`.
    pub(crate) async fn take(db: &Database, time: Duration, patience: Duration) -> Result<Self, Error> {
        let lease = Self { db: db.clone(), holder: holder(), time };
        let waiting = async {
            while !lease.renew().await? {
                pause(RETRY).await;
            }
            Ok(())
        };
        match tokio::time::timeout(patience, waiting).await {
            Ok(taken) => taken.map(|()| lease),
            Err(_) => {
                // It may have been taken by the very question whose answer was not waited for.
                lease.release().await;
                Err(Error::busy(format!("another process (see `{}.{COLLECTION}`)", db.name())))
            }
        }
    }

    /// Takes it, or holds it for longer. False if it is somebody else's.
    pub(crate) async fn renew(&self) -> Result<bool, Error> {
        let leases = self.db.collection::<Document>(COLLECTION);
        let held = leases.find_one_and_update(doc! { "_id": ID }, held(&self.holder, self.time)).upsert(true);
        match held.return_document(ReturnDocument::After).await {
            Ok(lease) => {
                Ok(lease.is_some_and(|lease| lease.get_str("holder").is_ok_and(|holder| holder == self.holder)))
            }
            Err(error) => {
                let error = Error::of(format!("take the lease in `{}.{COLLECTION}`", self.db.name()), &error);
                // Two made the document at once, and it was the other.
                if error.code() == Some(code::DUPLICATE_KEY) { Ok(false) } else { Err(error) }
            }
        }
    }

    /// Renews the lease, and returns when it is lost.
    pub(crate) async fn keep(&self) {
        let mut failures = 0;
        // After so many failures its time is up.
        while failures < RENEWALS {
            pause(self.time / RENEWALS).await;
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

    /// Gives it back at once.
    pub(crate) async fn release(self) {
        let leases = self.db.collection::<Document>(COLLECTION);
        if let Err(error) = leases.delete_one(doc! { "_id": ID, "holder": &self.holder }).await {
            let error = Error::of("release the lease", &error);
            tracing::warn!(%error, "the lease on building indexes ends when its time is up");
        }
    }
}
