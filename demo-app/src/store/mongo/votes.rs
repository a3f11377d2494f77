//! Votes in MongoDB; a tally is one aggregation.

use async_trait::async_trait;
use bson::{Document, doc};
use serde::Deserialize;

use super::convert::{signed, unsigned};
use super::{MongoRepository, all, documents, unavailable};
use crate::domain::{Count, Id, Listing, Page, Tally, Vote};
use crate::store::{Collection, Products, Result, StoreError, Votes};

#[async_trait]
impl Votes for MongoRepository {
    async fn vote(&self, id: &str) -> Result<Option<Vote>> {
        let votes = self.collection::<documents::VotingRecord>();
        let found = votes.find_one(doc! { "_id": id }, None).await;
        found.map(|found| found.map(Into::into)).map_err(|error| unavailable(&error))
    }

    async fn list_votes(&self, listing: &Listing) -> Result<Page<Vote>> {
        self.list::<documents::VotingRecord, _>(Collection::Votes, listing).await
    }

    async fn insert_vote(&self, vote: Vote) -> Result<()> {
        self.business_exists(vote.business).await?;
        let product = self.product(vote.selected_product_id).await?;
        if product.is_none_or(|product| product.business != vote.business) {
            return Err(StoreError::Dangling("selectedProductId"));
        }
        let votes = self.collection::<documents::VotingRecord>();
        let inserted = votes.insert_one(documents::VotingRecord::from(vote), None).await;
        inserted.map(drop).map_err(|error| if error.is_duplicate() { StoreError::Voted } else { unavailable(&error) })
    }

    async fn tally(&self, business: Id, proposal: &str) -> Result<Tally> {
        #[derive(Deserialize)]
        struct Group {
            #[serde(rename = "_id")]
            product: i64,
            votes: i64,
        }
        let votes = self.collection::<documents::VotingRecord>();
        let groups = all(votes.aggregate::<Group>(tally_of(business, proposal), None)).await?;
        let count = |group: Group| Count { product: unsigned(group.product), votes: unsigned(group.votes) };
        Ok(Tally::new(business, proposal, groups.into_iter().map(count).collect()))
    }
}

/// The pipeline that counts the votes for each product.
fn tally_of(business: Id, proposal: &str) -> [Document; 2] {
    [
        doc! { "$match": { "business": signed(business), "proposalId": proposal } },
        doc! { "$group": { "_id": "$selectedProductId", "votes": { "$sum": 1_i64 } } },
    ]
}
