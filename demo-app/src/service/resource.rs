//! The operations that most models have, so that one set of handlers serves them all.

use std::collections::HashMap;
use std::sync::Arc;

use super::market::Market;
use super::{businesses, manufacturers, products, users};
use crate::domain::{Business, Id, Listing, Manufacturer, Model, Page, Product, User};
use crate::store::{Collection, Result};

/// A model whose documents clients read, list, add, change and remove, each by a function of its module.
pub trait Resource: Model<Id = Id> {
    /// The documents as they are stored now, whatever is cached: what a write may depend on.
    fn stored(market: &Market) -> &dyn Collection<Self>;
    /// The document `id`.
    fn get(market: &Market, id: Id) -> impl Future<Output = Result<Option<Arc<Self>>>> + Send;
    /// The documents of `ids` that exist.
    fn get_many(market: &Market, ids: &[Id]) -> impl Future<Output = Result<HashMap<Id, Arc<Self>>>> + Send;
    /// A page of the documents that `listing` admits.
    fn list(market: &Market, listing: &Listing) -> impl Future<Output = Result<Arc<Page<Self>>>> + Send;
    /// Adds a document with a new id.
    fn insert(market: &Market, id: Id, draft: Self) -> impl Future<Output = Result<Arc<Self>>> + Send;
    /// Replaces the document `id` by `draft`, if it exists and, where `only_if` is given, equals it.
    fn update(
        market: &Market,
        id: Id,
        draft: Self,
        only_if: Option<&Self>,
    ) -> impl Future<Output = Result<Option<Arc<Self>>>> + Send;
    /// Removes the document `id`; tells whether there was one.
    fn delete(market: &Market, id: Id, only_if: Option<&Self>) -> impl Future<Output = Result<bool>> + Send;
}

macro_rules! resource {
    ($model:ty: $module:ident $get:ident $get_many:ident $list:ident $insert:ident $update:ident $delete:ident) => {
        impl Resource for $model {
            fn stored(market: &Market) -> &dyn Collection<Self> {
                &*market.repository
            }
            async fn get(market: &Market, id: Id) -> Result<Option<Arc<Self>>> {
                $module::$get(market, id).await
            }
            async fn get_many(market: &Market, ids: &[Id]) -> Result<HashMap<Id, Arc<Self>>> {
                $module::$get_many(market, ids).await
            }
            async fn list(market: &Market, listing: &Listing) -> Result<Arc<Page<Self>>> {
                $module::$list(market, listing).await
            }
            async fn insert(market: &Market, id: Id, draft: Self) -> Result<Arc<Self>> {
                $module::$insert(market, id, draft).await
            }
            async fn update(market: &Market, id: Id, draft: Self, only_if: Option<&Self>) -> Result<Option<Arc<Self>>> {
                $module::$update(market, id, draft, only_if).await
            }
            async fn delete(market: &Market, id: Id, only_if: Option<&Self>) -> Result<bool> {
                $module::$delete(market, id, only_if).await
            }
        }
    };
}

resource!(Business: businesses get_business get_businesses list_businesses insert_business update_business delete_business);
resource!(Manufacturer: manufacturers get_manufacturer get_manufacturers list_manufacturers insert_manufacturer update_manufacturer delete_manufacturer);
resource!(Product: products get_product get_products list_products insert_product update_product delete_product);
resource!(User: users get_user get_users list_users insert_user update_user delete_user);
