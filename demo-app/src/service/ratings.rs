//! Ratings of the supplier, behind a cache, a breaker, a retry, a timeout, a bulkhead and a fallback.
//!
//! A page is worth more with a rating than without, and more without than not at all. So a rating may be old, or unknown,
//! but asking for one neither fails nor takes long, whatever the supplier does.

use fastness::{bulkhead, cacheable, circuit_breaker, fallback, retry, timed, timeout};

use super::market::Market;
use crate::domain::Id;
use crate::supplier::{Rating, SupplierError};

/// The rating of a product: at most ten seconds old, or an hour while the supplier cannot be asked, or else unknown.
///
/// # Errors
///
/// [`SupplierError::NoSuchProduct`].
// Outermost first: a hit asks no service; a breaker sees a call with all its attempts as one; each attempt has a time limit.
#[fallback(unknown)]
#[timed(name = "ratings.rating")]
#[cacheable(ttl = 10, key = "rating:{product}", stale_if_error = "1h", skip(market))]
#[circuit_breaker(name = "supplier", open_for = "2s", ignore = SupplierError::is_answer)]
#[retry(attempts = 3, wait = "20ms", when = SupplierError::is_temporary)]
#[timeout("250ms")]
#[bulkhead(max = 64)]
pub async fn rating(market: &Market, product: Id) -> Result<Rating, SupplierError> {
    market.supplier.rating(product).await
}

#[expect(clippy::unused_async, reason = "the fallback of an async function is one too")]
async fn unknown(_: &Market, _: Id, error: SupplierError) -> Result<Rating, SupplierError> {
    if error.is_answer() { Err(error) } else { Ok(Rating::UNKNOWN) }
}
