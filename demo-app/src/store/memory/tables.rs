//! Tables of the embedded store, and the rules that each of them holds its documents to.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::domain::{
    Business, Id, Listing, Manufacturer, Model, Page, PageRequest, Product, Reference, SupplyChainEvent, Target,
    Unique, User, Vote,
};
use crate::store::{Result, StoreError};

/// The documents of one collection, in the order in which they were added.
#[derive(Debug)]
pub(super) struct Table<M: Model> {
    rows: BTreeMap<u64, M>,
    /// The place of each document among the rows.
    places: HashMap<M::Id, u64>,
    next_place: u64,
    last_id: Id,
}

impl<M: Model> Default for Table<M> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), places: HashMap::new(), next_place: 0, last_id: 0 }
    }
}

/// All tables hold documents of the model `M`.
pub(super) trait Holds<M: Model> {
    fn table(&self) -> &Table<M>;
    fn table_mut(&mut self) -> &mut Table<M>;
}

macro_rules! tables {
    ($($name:ident: $model:ty),* $(,)?) => {
        /// The collections.
        #[derive(Debug, Default)]
        pub(super) struct Tables {
            $(pub(super) $name: Table<$model>,)*
        }

        $(impl Holds<$model> for Tables {
            fn table(&self) -> &Table<$model> {
                &self.$name
            }
            fn table_mut(&mut self) -> &mut Table<$model> {
                &mut self.$name
            }
        })*
    };
}

tables! {
    businesses: Business,
    events: SupplyChainEvent,
    manufacturers: Manufacturer,
    products: Product,
    users: User,
    votes: Vote,
}

impl Tables {
    /// Checks that the documents that this one names are there.
    pub(super) fn check_references(&self, document: &impl Model) -> Result<()> {
        let exists = |Reference { id, to, .. }: &Reference| match to {
            Target::Businesses => self.businesses.get(id).is_some(),
            Target::Manufacturers => self.manufacturers.get(id).is_some(),
            Target::Products => self.products.get(id).is_some(),
            Target::ProductsOf(business) => self.products.get(id).is_some_and(|product| product.business == *business),
        };
        let dangling = document.references().into_iter().find(|reference| !exists(reference));
        dangling.map_or(Ok(()), |reference| Err(StoreError::Dangling(reference.field)))
    }
}

impl<M: Model> Table<M> {
    pub(super) fn next_id(&mut self) -> Id {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn get(&self, id: &M::Id) -> Option<&M> {
        self.rows.get(self.places.get(id)?)
    }

    pub(super) fn get_mut(&mut self, id: &M::Id) -> Option<&mut M> {
        self.rows.get_mut(self.places.get(id)?)
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &M> {
        self.rows.values()
    }

    /// The documents of `ids` that are there, each once.
    pub(super) fn get_many(&self, ids: &[M::Id]) -> Vec<M> {
        let places: BTreeSet<_> = ids.iter().filter_map(|id| self.places.get(id)).collect();
        places.into_iter().filter_map(|place| self.rows.get(place)).cloned().collect()
    }

    pub(super) fn insert(&mut self, document: M) -> Result<()> {
        if self.places.contains_key(&document.id()) {
            return Err(StoreError::duplicate::<M>());
        }
        self.check_unique(&document)?;
        self.places.insert(document.id(), self.next_place);
        self.rows.insert(self.next_place, document);
        self.next_place += 1;
        Ok(())
    }

    pub(super) fn update(&mut self, id: &M::Id, draft: M, only_if: Option<&M>) -> Result<Option<M>> {
        let Some(old) = self.get(id) else { return Ok(None) };
        check_unchanged(Some(old), only_if)?;
        if let Some((field, _)) = draft.fixed().filter(|fixed| old.fixed() != Some(*fixed)) {
            return Err(StoreError::Fixed(field));
        }
        let new = draft.over(old);
        self.check_unique(&new)?;
        Ok(self.get_mut(id).map(|document| {
            document.clone_from(&new);
            new
        }))
    }

    pub(super) fn delete(&mut self, id: &M::Id, only_if: Option<&M>) -> Result<bool> {
        check_unchanged(self.get(id), only_if)?;
        let row = self.places.remove(id).and_then(|place| self.rows.remove(&place));
        Ok(row.is_some())
    }

    /// Removes all documents but those.
    pub(super) fn retain(&mut self, stays: impl Fn(&M) -> bool) {
        self.rows.retain(|_, document| {
            let stays = stays(document);
            if !stays {
                self.places.remove(&document.id());
            }
            stays
        });
    }

    fn check_unique(&self, document: &M) -> Result<()> {
        let same = |(_, text): Unique<M>| {
            self.rows().any(|other| other.id() != document.id() && text(other) == text(document))
        };
        if M::UNIQUE.is_some_and(same) { Err(StoreError::duplicate::<M>()) } else { Ok(()) }
    }

    /// A page of the documents that the listing admits, in its order. Only the page's items are cloned.
    pub(super) fn list(&self, listing: &Listing) -> Page<M> {
        let admits = |document: &&M| listing.filter.iter().all(|(name, value)| document.value(name) == *value);
        let mut matches: Vec<&M> = self.rows().filter(admits).collect();
        if listing.backward {
            matches.reverse();
        }
        // A stable sort: what it cannot tell apart stays in this order.
        matches.sort_by(|one, other| {
            let keys = listing.sort.iter().map(|key| {
                let order = one.value(&key.field).cmp(&other.value(&key.field));
                if key.descending { order.reverse() } else { order }
            });
            keys.fold(Ordering::Equal, Ordering::then)
        });
        page(listing.page, &matches)
    }
}

/// Checks that a write that depends on a document finds that one.
fn check_unchanged<M: PartialEq>(stored: Option<&M>, only_if: Option<&M>) -> Result<()> {
    if only_if.is_none() || stored == only_if { Ok(()) } else { Err(StoreError::Changed) }
}

/// One page of `matches`. Only the page's items are cloned.
pub(super) fn page<M: Clone>(request: PageRequest, matches: &[&M]) -> Page<M> {
    let [skip, limit] = [request.skip(), u64::from(request.limit)].map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    let items = matches.iter().skip(skip).take(limit).map(|document| (*document).clone()).collect();
    Page::new(request, items, matches.len() as u64)
}
