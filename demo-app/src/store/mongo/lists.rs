//! Lists, each by the index that serves it.
//!
//! That index is named to the server, which would otherwise choose by trial, and not always the same one. Where it is not there
//! (the indexes of a fresh database are still being made), the list is made without.

use bson::{Bson, Document, doc};
use fastness::Indexed;
use fastness::mongo::{self, Error};
use mongodb::options::{CountOptions, FindOptions, Hint};
use serde::de::DeserializeOwned;

use super::convert::{date, signed};
use super::{MongoRepository, all, unavailable};
use crate::domain::{Listing, Page, PageRequest, Scalar};
use crate::store::indexes::Field;
use crate::store::{Collection, Result};

impl MongoRepository {
    /// One page of a list.
    pub(super) async fn list<M, T>(&self, kind: Collection, listing: &Listing) -> Result<Page<T>>
    where
        M: Indexed + DeserializeOwned + Send + Sync + Into<T>,
    {
        let collection = self.collection::<M>();
        let (filter, hint) = (filter(listing), hint(kind, listing));
        let total = self.count(&collection, &filter, hint.clone()).await?;
        let mut options = FindOptions::builder().sort(sort(listing)).build();
        (options.skip, options.limit) = (Some(listing.page.skip()), Some(i64::from(listing.page.limit)));
        options.hint = hint;
        let found = match collection.find(filter.clone(), options.clone()).await {
            Err(error) if is_no_such_index(&error) => {
                options.hint = None;
                collection.find(filter, options).await
            }
            found => found,
        };
        let items = all(async { found }).await?.into_iter().map(Into::into).collect();
        Ok(Page::new(listing.page, items, total))
    }

    /// One page of what a filter finds, in the order in which it is found. It is counted as far as pages go: to count what a common word finds
    /// takes as long as to read all of it.
    pub(super) async fn found<M, T>(&self, filter: Document, request: PageRequest) -> Result<Page<T>>
    where
        M: Indexed + DeserializeOwned + Send + Sync + Into<T>,
    {
        let collection = self.collection::<M>();
        let reach = CountOptions::builder().limit(PageRequest::MAX_REACH).build();
        let total = collection.count(filter.clone(), reach).await.map_err(|error| unavailable(&error))?;
        let options = FindOptions::builder().skip(request.skip()).limit(i64::from(request.limit)).build();
        let items = all(collection.find(filter, options)).await?;
        Ok(Page::new(request, items.into_iter().map(Into::into).collect(), total))
    }

    async fn count<M: Indexed + Send + Sync>(
        &self,
        collection: &mongo::Collection<M>,
        filter: &Document,
        hint: Option<Hint>,
    ) -> Result<u64> {
        let counted = if filter.is_empty() {
            // Counting all documents one by one takes as long as reading them.
            let driver = collection.driver();
            self.client.bounded("count documents", async { driver.estimated_document_count().await }).await
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

fn filter(listing: &Listing) -> Document {
    listing.filter.iter().map(|(name, value)| (name.clone(), stored(value))).collect()
}

fn stored(value: &Scalar) -> Bson {
    match value {
        Scalar::Absent => Bson::Null,
        Scalar::Number(number) => Bson::Int64(signed(*number)),
        Scalar::Text(text) => Bson::String(text.clone()),
        Scalar::Flag(flag) => Bson::Boolean(*flag),
        Scalar::Moment(moment) => Bson::DateTime(date(*moment)),
    }
}

fn sort(listing: &Listing) -> Document {
    let key = |descending| if descending { -1 } else { 1 };
    listing.sort.iter().map(|sort| (sort.field.clone(), Bson::Int32(key(sort.descending)))).collect()
}

/// The index that serves the list, by its fields: some have names of MongoDB's own making.
fn hint(collection: Collection, listing: &Listing) -> Option<Hint> {
    if listing.is_all() {
        return Some(Hint::Keys(doc! { "_id": 1 }));
    }
    let index = collection.index_of(listing)?;
    let key = |field: &Field| (field.name.to_owned(), Bson::Int32(if field.descending { -1 } else { 1 }));
    Some(Hint::Keys(index.fields.iter().map(key).collect()))
}

/// `BadValue`: the index that was named is not there. (Nothing else of these queries comes from outside unchecked.)
fn is_no_such_index(error: &Error) -> bool {
    error.code() == Some(2)
}

#[cfg(test)]
mod tests {
    use fastness::mongo::model::IndexKind;

    use super::*;
    use crate::store::mongo::documents::{Business, Manufacturer, Product, SupplyChainEvent, User, VotingRecord};

    /// The declared indexes that filter and sort, each as its fields, whether they descend, and whether it is sparse.
    fn declared<M: Indexed>() -> Vec<(Vec<(String, bool)>, bool)> {
        let ordered = |kind: IndexKind| matches!(kind, IndexKind::Ascending | IndexKind::Descending);
        let lists = M::INDEXES.iter().filter(|index| index.fields.iter().all(|field| ordered(field.kind)));
        let fields = |index: &mongo::model::DeclaredIndex| {
            index.fields.iter().map(|field| (field.path.join("."), field.kind == IndexKind::Descending)).collect()
        };
        lists.map(|index| (fields(index), index.sparse)).collect()
    }

    fn listed(collection: Collection) -> Vec<(Vec<(String, bool)>, bool)> {
        let indexes = collection.indexes().iter();
        let fields = |fields: &[Field]| fields.iter().map(|field| (field.name.to_owned(), field.descending)).collect();
        indexes.map(|index| (fields(index.fields), index.sparse)).collect()
    }

    #[test]
    fn the_models_declare_the_indexes_that_lists_go_by() {
        assert_eq!(declared::<Business>(), listed(Collection::Businesses));
        assert_eq!(declared::<SupplyChainEvent>(), listed(Collection::Events));
        assert_eq!(declared::<Manufacturer>(), listed(Collection::Manufacturers));
        assert_eq!(declared::<Product>(), listed(Collection::Products));
        assert_eq!(declared::<User>(), listed(Collection::Users));
        assert_eq!(declared::<VotingRecord>(), listed(Collection::Votes));
    }
}
