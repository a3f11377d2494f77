//! Votes, cached by id and by list; tallies, one count at a time for each proposal.

use std::sync::Arc;

use fastness::{bulkhead, cache_invalidate, cache_put, cacheable, rate_limit, timed};

use super::market::Market;
use super::users::recount_votes;
use crate::domain::{Id, Listing, Model, Page, Tally, Vote};
use crate::store::Result;

/// The vote `id`. It never changes, so it may be old.
#[cacheable(ttl = "1h", key = "vote:{id}", negative_ttl = 10, stale_if_error = "1d", load_timeout = "2s", skip(market))]
pub async fn get_vote(market: &Market, id: &str) -> Result<Option<Arc<Vote>>> {
    Ok(market.repository.find(&id.to_owned()).await?.map(Arc::new))
}

/// A page of the documents that `listing` admits. Pages after the tenth are not cached, because they are rarely requested twice.
#[cacheable(ttl = 60, key = "votes:{listing:hash}", skip(market), condition = listing.page.number <= 10)]
pub async fn list_votes(market: &Market, listing: &Listing) -> Result<Arc<Page<Vote>>> {
    market.repository.list(listing).await.map(Arc::new)
}

/// Casts a vote, which then counts for the users who have the voter's address. A voter has 30 tries an hour.
///
/// # Errors
///
/// [`StoreError::Voted`](crate::store::StoreError::Voted), and those of any write.
///
/// # Cancel safety
///
/// The vote is cast or not. If the future is dropped in between, the voter's total is behind until their next vote, which counts
/// all of them anew.
pub async fn cast(market: &Market, draft: Vote) -> Result<Arc<Vote>> {
    let voter = draft.voter_address.clone();
    cast_by(market, &voter, draft).await
}

#[timed(name = "votes.cast", slow = "250ms")]
#[rate_limit(name = "votes.cast", calls = 30, per = "1h", key = "{voter}")]
async fn cast_by(market: &Market, voter: &str, draft: Vote) -> Result<Arc<Vote>> {
    let voters = market.repository.voters(draft.business, voter).await?;
    let vote = insert_vote(market, draft.created(0, market.clock.now())).await?;
    for user in voters {
        if let Err(error) = recount_votes(market, user).await {
            // The vote stands; to call this a failure would have it cast again.
            tracing::warn!(%error, "a user's total is behind until their next vote");
        }
    }
    Ok(vote)
}

#[cache_invalidate("votes:*", tally_entry(vote.business, &vote.proposal_id), when = always)]
#[cache_put(key = "vote:{vote.id}", ttl = "1h")]
async fn insert_vote(market: &Market, vote: Vote) -> Result<Arc<Vote>> {
    market.repository.insert(vote.clone()).await?;
    Ok(Arc::new(vote))
}

/// Counts the votes on a proposal. Many clients read it while the votes come in: one count at a time per proposal, and few at a time in
/// all, because each reads every vote on it. A vote invalidates it by its handle.
#[timed(name = "votes.tally", slow = "100ms")]
#[cacheable(ttl = 30, key = "tally:{business}:{proposal}", stale_if_error = "5m", handle = tally_entry, skip(market))]
#[bulkhead(max = 32, wait = "500ms")]
pub async fn tally(market: &Market, business: Id, proposal: &str) -> Result<Arc<Tally>> {
    market.repository.tally(business, proposal).await.map(Arc::new)
}
