use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Business, Id, Page, PageRequest, Product, User};
use crate::store::Collection;

/// The collections, with the indexes that queries need. Whoever changes a table changes its indexes in the same call.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) businesses: BTreeMap<Id, Business>,
    pub(super) products: BTreeMap<Id, Product>,
    pub(super) users: BTreeMap<Id, User>,
    /// Unique: the email of each business.
    pub(super) business_by_email: BTreeMap<String, Id>,
    /// (business, product), in the order of products within each business.
    pub(super) products_by_business: BTreeSet<(Id, Id)>,
    last_business: Id,
    last_product: Id,
    last_user: Id,
}

impl Tables {
    pub(super) fn next_id(&mut self, collection: Collection) -> Id {
        let last = match collection {
            Collection::Businesses => &mut self.last_business,
            Collection::Products => &mut self.last_product,
            Collection::Users => &mut self.last_user,
        };
        *last += 1;
        *last
    }
}

/// The values of `ids` that `table` has, each once.
pub(super) fn pick<T: Clone>(table: &BTreeMap<Id, T>, ids: &[Id]) -> Vec<T> {
    let distinct: BTreeSet<&Id> = ids.iter().collect();
    distinct.into_iter().filter_map(|id| table.get(id)).cloned().collect()
}

/// One page of `matches`, of which there are `total`. Only the page's items are cloned.
pub(super) fn page<'a, T: Clone + 'a>(
    request: PageRequest,
    total: usize,
    matches: impl Iterator<Item = &'a T>,
) -> Page<T> {
    let skip = usize::try_from(request.skip()).unwrap_or(usize::MAX);
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let items = matches.skip(skip).take(limit).cloned().collect();
    Page::new(request, items, u64::try_from(total).unwrap_or(u64::MAX))
}
