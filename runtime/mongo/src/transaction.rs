//! A transaction of the server, and the cache's part in it.
//!
//! May use: `error`.

use std::time::Duration;

use fastness_core::seam::{nanos, now, pause};
use fastness_core::{CacheTransaction, Clock};
use mongodb::ClientSession;
use mongodb::error::{ErrorKind, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure};

use crate::error::code;

/// The longest time for which a transaction, or its commit, is tried again: the driver's own.
const LONGEST: Duration = Duration::from_secs(120);

/// The upper bounds of the pause before the first and before later attempts, of which a random part is waited.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(500));

/// An error of a transaction's body: it may carry an error of the driver, whose labels say whether the transaction is tried again.
///
/// ```
/// use fastness::mongo::TransactionError;
///
/// #[derive(Debug, thiserror::Error)]
/// enum OrderError {
///     #[error("sold out")]
///     SoldOut,
///     #[error(transparent)]
///     Mongo(#[from] mongodb::error::Error),
/// }
///
/// impl TransactionError for OrderError {
///     fn driver_error(&self) -> Option<&mongodb::error::Error> {
///         match self {
///             Self::Mongo(error) => Some(error),
///             Self::SoldOut => None,
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which of its values is an error of the driver",
    label = "the error of a transaction",
    note = "implement `From<mongodb::error::Error>` and `fastness::mongo::TransactionError` for it"
)]
pub trait TransactionError: From<mongodb::error::Error> {
    /// Returns the driver's error, if this one is, or wraps, an error of the driver.
    fn driver_error(&self) -> Option<&mongodb::error::Error>;
}

impl TransactionError for mongodb::error::Error {
    fn driver_error(&self) -> Option<&mongodb::error::Error> {
        Some(self)
    }
}

/// Runs a body inside of a transaction of this session, commits it, and then sends what the body has invalidated.
///
/// Inside, cached calls bypass the cache, and invalidations are collected, as in a [`CacheTransaction`]. Give the session to each operation
/// of the driver, which is otherwise no part of the transaction. An error of the body rolls back, and so invalidates nothing.
///
/// The labels of the driver's errors decide on attempts, for at most two minutes: after `TransientTransactionError` the body runs again, and
/// what its failed attempt had collected is dropped; after `UnknownTransactionCommitResult` the commit is sent again. If its outcome is
/// unknown even then, the collected invalidations are sent, at once and once more in a minute. A body that runs again must not have effects
/// outside of the transaction.
///
/// The session's default options of transactions apply.
///
/// ```no_run
/// use fastness::cache_invalidate;
/// use mongodb::bson::{Document, doc};
/// use mongodb::error::Error;
/// use mongodb::{ClientSession, Database};
///
/// #[cache_invalidate("stock:{id}")]
/// async fn take(db: &Database, session: &mut ClientSession, id: i64) -> Result<(), Error> {
///     let stock = db.collection::<Document>("stock");
///     stock.update_one(doc! { "_id": id }, doc! { "$inc": { "left": -1 } }).session(session).await?;
///     Ok(())
/// }
///
/// async fn order(db: &Database, ids: &[i64]) -> Result<(), Error> {
///     let mut session = db.client().start_session().await?;
///     fastness::mongo::transaction(&mut session, async |session| {
///         for id in ids {
///             take(db, session, *id).await?;
///         }
///         Ok(())
///     })
///     .await
/// }
/// ```
///
/// # Errors
///
/// The body's error; the driver's, if the transaction cannot be begun or committed. After an error whose label is
/// `UnknownTransactionCommitResult` the transaction may have committed.
///
/// # Cancel safety
///
/// Dropping the future rolls the transaction back, unless the commit was sent. What was collected is invalidated in the background.
pub async fn transaction<T, E, F>(session: &mut ClientSession, mut body: F) -> Result<T, E>
where
    E: TransactionError,
    F: for<'s> AsyncFnMut(&'s mut ClientSession) -> Result<T, E>,
{
    let attempts = TransactionAttempts::new();
    for attempt in 0.. {
        session.start_transaction().await?;
        let cached = CacheTransaction::new();
        let value = match cached.run(body(session)).await {
            Ok(value) => value,
            Err(error) => {
                // A transaction whose commit was not sent cannot commit, whether or not the server hears of its end.
                let _ = session.abort_transaction().await;
                cached.rollback();
                let is_transient = error.driver_error().is_some_and(is_transient);
                if !(is_transient && attempts.goes_on(attempt).await) {
                    return Err(error);
                }
                continue;
            }
        };
        match commit(session, &attempts).await {
            Ok(()) => {
                cached.commit().await;
                return Ok(value);
            }
            Err(error) if is_transient(&error) && !is_unknown(&error) => {
                cached.rollback();
                if !attempts.goes_on(attempt).await {
                    return Err(error.into());
                }
            }
            Err(error) => {
                // Also without the label: a write concern that cannot be satisfied does not undo the commit.
                cached.unknown().await;
                return Err(error.into());
            }
        }
    }
    unreachable!("attempts end by time")
}

/// Sends the commit until its outcome is known, or the time is over.
async fn commit(session: &mut ClientSession, attempts: &TransactionAttempts) -> Result<(), mongodb::error::Error> {
    for attempt in 0.. {
        let Err(error) = session.commit_transaction().await else { return Ok(()) };
        let again = is_unknown(&error) && !is_out_of_time(&error);
        if !(again && attempts.goes_on(attempt).await) {
            return Err(error);
        }
    }
    unreachable!("attempts end by time")
}

fn is_transient(error: &mongodb::error::Error) -> bool {
    error.contains_label(TRANSIENT_TRANSACTION_ERROR)
}

fn is_unknown(error: &mongodb::error::Error) -> bool {
    error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT)
}

/// Returns whether the commit exceeded its `maxTimeMS`, which a caller sets in order not to wait longer.
fn is_out_of_time(error: &mongodb::error::Error) -> bool {
    match &*error.kind {
        ErrorKind::Command(error) => error.code == code::MAX_TIME_EXPIRED,
        ErrorKind::Write(WriteFailure::WriteConcernError(error)) => error.code == code::MAX_TIME_EXPIRED,
        _ => false,
    }
}

/// The attempts at one transaction.
struct TransactionAttempts {
    /// The time at which they end.
    until: u64,
}

impl TransactionAttempts {
    fn new() -> Self {
        Self { until: now(&Clock::system()).saturating_add(nanos(LONGEST)) }
    }

    /// Waits before the attempt after this one. Returns false, at once, if there is no time left.
    async fn goes_on(&self, attempt: i32) -> bool {
        let bound = PAUSES.0.mul_f64(1.5_f64.powi(attempt.min(16))).min(PAUSES.1);
        let wait = bound.mul_f64(fastrand::f64());
        if now(&Clock::system()).saturating_add(nanos(wait)) >= self.until {
            return false;
        }
        pause(wait).await;
        true
    }
}
