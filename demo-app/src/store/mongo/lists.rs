//! Lists, each by the index that serves it.
//!
//! That index is named to the server, which would otherwise choose by trial, and not always the same one. Where it is not there
//! (the indexes of a fresh database are still being made), the list is made without.

use bson::{Bson, Document, doc};
use fastness::mongo::{self, Error};
use mongodb::options::{CountOptions, FindOptions, Hint};

use super::convert::stored;
use super::{MongoRepository, all, unavailable};
use crate::domain::{Listing, Model, Page, SortKey};
use crate::store::Result;

impl MongoRepository {
    /// One page of a list.
    pub(super) async fn page<M: Model>(&self, listing: &Listing) -> Result<Page<M>> {
        let collection = self.collection::<M>();
        let filter: Document = listing.filter.iter().map(|(name, value)| (name.clone(), stored(value))).collect();
        let hint = hint::<M>(listing);
        let total = self.count(&collection, &filter, hint.clone()).await?;
        let mut options = FindOptions::builder().sort(order(&listing.sort)).build();
        (options.skip, options.limit) = (Some(listing.page.skip()), Some(i64::from(listing.page.limit)));
        options.hint = hint;
        let found = match collection.find(filter.clone(), options.clone()).await {
            Err(error) if is_no_such_index(&error) => {
                options.hint = None;
                collection.find(filter, options).await
            }
            found => found,
        };
        Ok(Page::new(listing.page, all(async { found }).await?, total))
    }

    async fn count<M: Model>(
        &self,
        collection: &mongo::Collection<M>,
        filter: &Document,
        hint: Option<Hint>,
    ) -> Result<u64> {
        let counted = if filter.is_empty() {
            // Counting all documents one by one takes as long as reading them.
            let driver = collection.driver().clone();
            self.client.bounded("count documents", async move { driver.estimated_document_count().await }).await
        } else {
            let mut options = CountOptions::default();
            options.hint = hint;
            match collection.count(filter.clone(), options).await {
                Err(error) if is_no_such_index(&error) => collection.count(filter.clone(), None).await,
                counted => counted,
            }
        };
        counted.map_err(|error| unavailable(&error))
    }
}

fn order(keys: &[SortKey]) -> Document {
    keys.iter().map(|key| (key.field.clone(), Bson::Int32(if key.descending { -1 } else { 1 }))).collect()
}

/// The index that serves the list, by its fields: some have names of MongoDB's own making.
fn hint<M: Model>(listing: &Listing) -> Option<Hint> {
    if *listing == Listing::all(listing.page) {
        return Some(Hint::Keys(doc! { "_id": 1 }));
    }
    listing.index::<M>().map(|keys| Hint::Keys(order(&keys)))
}

/// `BadValue`: the index that was named is not there. (Nothing else of these queries comes from outside unchecked.)
fn is_no_such_index(error: &Error) -> bool {
    error.code() == Some(2)
}

#[cfg(test)]
mod tests {
    use fastness::mongo::model::IndexKind;

    use super::*;
    use crate::domain::{Business, Manufacturer, Product, SupplyChainEvent, User, Vote};

    /// Checks that the declared indexes that filter and sort are those that lists go by.
    fn check<M: Model>() {
        let ordered = |kind: IndexKind| matches!(kind, IndexKind::Ascending | IndexKind::Descending);
        let lists = M::INDEXES.iter().filter(|index| index.fields.iter().all(|field| ordered(field.kind)));
        let text = |index: &mongo::model::DeclaredIndex| {
            let sign = |kind| if kind == IndexKind::Descending { "-" } else { "" };
            let names = index.fields.iter().map(|field| format!("{}{}", sign(field.kind), field.path.join(".")));
            format!("{}{}", names.collect::<Vec<_>>().join(","), if index.sparse { "?" } else { "" })
        };
        assert_eq!(lists.map(text).collect::<Vec<_>>(), M::LISTS);
    }

    #[test]
    fn the_models_declare_the_indexes_that_lists_go_by() {
        check::<Business>();
        check::<SupplyChainEvent>();
        check::<Manufacturer>();
        check::<Product>();
        check::<User>();
        check::<Vote>();
    }
}
