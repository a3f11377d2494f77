//! Votes of the embedded store.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryRepository;
use super::tables::list;
use crate::domain::{Count, Id, Listing, Page, Tally, Vote};
use crate::store::{Collection, Result, StoreError, Votes};

#[async_trait]
impl Votes for MemoryRepository {
    async fn vote(&self, id: &str) -> Result<Option<Vote>> {
        self.read(|tables| Ok(tables.vote_by_id.get(id).and_then(|at| tables.votes.get(&at)).cloned())).await
    }

    async fn list_votes(&self, listing: &Listing) -> Result<Page<Vote>> {
        self.read(|tables| Ok(list(listing, &tables.votes))).await
    }

    async fn insert_vote(&self, vote: Vote) -> Result<()> {
        self.write(|tables| {
            tables.business_exists(vote.business)?;
            let product = tables.products.get(&vote.selected_product_id);
            if product.is_none_or(|product| product.business != vote.business) {
                return Err(StoreError::Dangling("selectedProductId"));
            }
            if tables.vote_by_id.get(&vote.id).is_some() {
                return Err(StoreError::Voted);
            }
            let at = tables.next_id(Collection::Votes);
            tables.vote_by_id.take(&vote.id, at);
            tables.votes.insert(at, vote);
            Ok(())
        })
        .await
    }

    async fn tally(&self, business: Id, proposal: &str) -> Result<Tally> {
        self.read(|tables| {
            let mut counts: BTreeMap<Id, u64> = BTreeMap::new();
            let votes = tables.votes.values().filter(|vote| vote.business == business && vote.proposal_id == proposal);
            votes.for_each(|vote| *counts.entry(vote.selected_product_id).or_default() += 1);
            let counts = counts.into_iter().map(|(product, votes)| Count { product, votes });
            Ok(Tally::new(business, proposal, counts.collect()))
        })
        .await
    }
}
