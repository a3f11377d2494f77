//! Queries of one collection alone: a search by words goes by a text index, one by place by a `2dsphere` index, and a tally is one aggregation.

use bson::{Document, doc};
use mongodb::options::{CountOptions, FindOptions};
use serde::Deserialize;

use super::convert::signed;
use super::{MongoRepository, all, unavailable};
use crate::domain::{
    Count, Id, Near, NearEvent, Page, PageRequest, Product, ProductQuery, SupplyChainEvent, Tally, Vote,
};
use crate::store::Result;

impl MongoRepository {
    /// One page of what a search finds, in the order in which it is found. It is counted as far as pages go: to count what a common word
    /// finds takes as long as to read all of it.
    pub(super) async fn search(&self, query: &ProductQuery) -> Result<Page<Product>> {
        let (products, filter, page) = (self.collection::<Product>(), words(query), query.page);
        let reach = CountOptions::builder().limit(PageRequest::MAX_REACH).build();
        let total = products.count(filter.clone(), reach).await.map_err(|error| unavailable(&error))?;
        let options = FindOptions::builder().skip(page.skip()).limit(i64::from(page.limit)).build();
        Ok(Page::new(page, all(products.find(filter, options)).await?, total))
    }

    /// The events near a place. The nearest come first: that is the order in which the index finds them.
    pub(super) async fn nearest(&self, near: Near) -> Result<Vec<NearEvent>> {
        #[derive(Deserialize)]
        struct Found {
            distance: f64,
            event: SupplyChainEvent,
        }
        let place = doc! { "type": "Point", "coordinates": near.coordinates().to_vec() };
        let stages = [
            doc! { "$geoNear": {
                "near": place,
                "key": "location.coordinates",
                "distanceField": "distance",
                "maxDistance": f64::from(near.within),
                "spherical": true,
            } },
            doc! { "$limit": i64::from(near.limit) },
            doc! { "$project": { "_id": 0, "distance": 1, "event": "$$ROOT" } },
        ];
        let mut found = all(self.collection::<SupplyChainEvent>().aggregate::<Found>(stages, None)).await?;
        // What is equally far away comes in any order.
        found.sort_by(|one, other| one.distance.total_cmp(&other.distance).then(one.event.id.cmp(&other.event.id)));
        Ok(found.into_iter().map(|found| NearEvent::new(found.event, found.distance)).collect())
    }

    /// The votes on a proposal, counted for each product.
    pub(super) async fn count_votes(&self, business: Id, proposal: &str) -> Result<Tally> {
        #[derive(Deserialize)]
        struct Group {
            #[serde(rename = "_id")]
            product: Id,
            votes: u64,
        }
        let stages = [
            doc! { "$match": { "business": signed(business), "proposalId": proposal } },
            doc! { "$group": { "_id": "$selectedProductId", "votes": { "$sum": 1_i64 } } },
        ];
        let groups = all(self.collection::<Vote>().aggregate::<Group>(stages, None)).await?;
        let counts = groups.into_iter().map(|group| Count { product: group.product, votes: group.votes });
        Ok(Tally::new(business, proposal, counts.collect()))
    }
}

/// Each word in quotes, because MongoDB looks for any of the words that are not, and for all of those that are.
fn words(query: &ProductQuery) -> Document {
    let words = query.text.split_whitespace();
    let words: Vec<_> = words.map(|word| format!("\"{}\"", word.replace(['"', '\\'], ""))).collect();
    let mut filter = doc! { "$text": { "$search": words.join(" ") } };
    if let Some(category) = &query.category {
        filter.insert("category", category);
    }
    filter
}
