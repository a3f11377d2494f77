//! Lists, each by the index that serves it.
//!
//! That index is named to the server, which would otherwise choose by trial, and not always the same one. Where it is not there
//! (the indexes of a fresh database are still being made), the list is made without.

use bson::{Bson, Document, doc};
use fastness::Indexed;
use fastness::index::Kind;
use mongodb::action::{Action, CountDocuments, Find};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::Hint;
use serde::de::DeserializeOwned;

use super::convert::{date, signed};
use super::{MongoRepository, all};
use crate::domain::{Listing, Page, PageRequest, Scalar};
use crate::store::Result;
use crate::store::served::{index_of, name};

impl MongoRepository {
    /// One page of a list.
    pub(super) async fn list<M, T>(&self, listing: &Listing) -> Result<Page<T>>
    where
        M: Indexed + DeserializeOwned + Send + Sync + Into<T>,
    {
        let collection = self.collection::<M>();
        let (filter, hint) = (filter(listing), hint::<M>(listing));
        let count = async {
            // Counting all documents one by one takes as long as reading them.
            if filter.is_empty() {
                return collection.estimated_document_count().await;
            }
            let counted = collection.count_documents(filter.clone()).optional(hint.clone(), CountDocuments::hint);
            match counted.await {
                Err(error) if is_no_such_index(&error) => collection.count_documents(filter.clone()).await,
                counted => counted,
            }
        };
        let total = self.run("count documents", count).await?;
        let items = self.run("list documents", async {
            let find = || {
                let found = collection.find(filter.clone()).sort(sort(listing));
                found.skip(listing.page.skip()).limit(i64::from(listing.page.limit))
            };
            let found = match find().optional(hint.clone(), Find::hint).await {
                Err(error) if is_no_such_index(&error) => find().await?,
                found => found?,
            };
            all(found).await
        });
        let items = items.await?.into_iter().map(Into::into).collect();
        Ok(Page::new(listing.page, items, total))
    }

    /// One page of what a filter finds, in the order in which it is found.
    pub(super) async fn found<M, T>(&self, filter: Document, request: PageRequest) -> Result<Page<T>>
    where
        M: Indexed + DeserializeOwned + Send + Sync + Into<T>,
    {
        let collection = self.collection::<M>();
        let count = async { collection.count_documents(filter.clone()).await };
        let total = self.run("count what is found", count).await?;
        let items = self.run("find documents", async {
            all(collection.find(filter.clone()).skip(request.skip()).limit(i64::from(request.limit)).await?).await
        });
        Ok(Page::new(request, items.await?.into_iter().map(Into::into).collect(), total))
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
fn hint<M: Indexed>(listing: &Listing) -> Option<Hint> {
    if listing.is_all() {
        return Some(Hint::Keys(doc! { "_id": 1 }));
    }
    let index = index_of::<M>(listing)?;
    let key = |kind| if kind == Kind::Descending { -1 } else { 1 };
    Some(Hint::Keys(index.fields.iter().map(|field| (name(field), Bson::Int32(key(field.kind)))).collect()))
}

/// Code 2, `BadValue`: the index that was named is not there.
fn is_no_such_index(error: &Error) -> bool {
    matches!(&*error.kind, ErrorKind::Command(command) if command.code == 2 && command.message.contains("hint"))
}
