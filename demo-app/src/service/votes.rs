//! Votes, cached by id and by list; tallies, one count at a time for each proposal.

use std::fmt;
use std::sync::Arc;

use fastness::{bulkhead, cache_invalidate, cache_put, cacheable, rate_limit, timed};

use super::UserService;
use crate::clock::Clock;
use crate::domain::{Id, Listing, Page, Tally, Vote, VoteDraft};
use crate::store::{Repository, Result};

/// Votes of customers on proposals.
#[derive(Clone)]
pub struct VoteService {
    repository: Arc<dyn Repository>,
    users: UserService,
    clock: Clock,
}

impl VoteService {
    /// The service over `repository`; `users` have their votes counted.
    pub fn new(repository: Arc<dyn Repository>, users: UserService, clock: Clock) -> Self {
        Self { repository, users, clock }
    }

    /// The vote `id`. It never changes, so it may be old.
    #[cacheable(
        ttl = "1h",
        key = "vote:{id}",
        negative_ttl = 10,
        stale_if_error = "1d",
        load_timeout = "2s",
        skip(self)
    )]
    pub async fn get_vote(&self, id: &str) -> Result<Option<Arc<Vote>>> {
        Ok(self.repository.vote(id).await?.map(Arc::new))
    }

    /// One page of what `listing` admits. What is far back is rarely asked for twice.
    #[cacheable(ttl = 60, key = "votes:{listing:hash}", skip(self), condition = listing.page.number <= 10)]
    pub async fn list_votes(&self, listing: &Listing) -> Result<Arc<Page<Vote>>> {
        self.repository.list_votes(listing).await.map(Arc::new)
    }

    /// The votes on a proposal, counted.
    pub async fn tally(&self, business: Id, proposal: &str) -> Result<Arc<Tally>> {
        tally(&self.repository, business, proposal).await
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
    pub async fn cast(&self, draft: VoteDraft) -> Result<Arc<Vote>> {
        let voter = draft.voter_address.clone();
        self.cast_by(&voter, draft).await
    }

    #[timed(name = "votes.cast", slow = "250ms")]
    #[rate_limit(name = "votes.cast", calls = 30, per = "1h", key = "{voter}")]
    async fn cast_by(&self, voter: &str, draft: VoteDraft) -> Result<Arc<Vote>> {
        let voters = self.repository.voters(draft.business, voter).await?;
        let vote = self.insert_vote(draft.into_vote(self.clock.now())).await?;
        for user in voters {
            if let Err(error) = self.users.recount_votes(user).await {
                // The vote stands; to call this a failure would have it cast again.
                tracing::warn!(%error, "a user's total is behind until their next vote");
            }
        }
        Ok(vote)
    }

    #[cache_invalidate("votes:*", tally_entry(vote.business, &vote.proposal_id), when = always)]
    #[cache_put(key = "vote:{vote.id}", ttl = "1h", skip(self))]
    async fn insert_vote(&self, vote: Vote) -> Result<Arc<Vote>> {
        self.repository.insert_vote(vote.clone()).await?;
        Ok(Arc::new(vote))
    }
}

/// Counts the votes on a proposal. Many clients read it while the votes come in: one count at a time per proposal, and few at a time in
/// all, because each reads every vote on it. (A free function, so that there is a handle by which a vote invalidates it.)
#[timed(name = "votes.tally", slow = "100ms")]
#[cacheable(ttl = 30, key = "tally:{business}:{proposal}", stale_if_error = "5m", handle = tally_entry, skip(repository))]
#[bulkhead(max = 32, wait = "500ms")]
async fn tally(repository: &Arc<dyn Repository>, business: Id, proposal: &str) -> Result<Arc<Tally>> {
    repository.tally(business, proposal).await.map(Arc::new)
}

impl fmt::Debug for VoteService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VoteService").finish_non_exhaustive()
    }
}
