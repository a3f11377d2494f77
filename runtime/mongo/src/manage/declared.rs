//! The declared indexes of a database, compared with those that it has.

use std::time::Duration;

use mongodb::Database;

use super::server::{self, Listing};
use crate::advise::{self, Unneeded, Usage};
use crate::error::Error;
use crate::model::Declaration;
use crate::plan::{self, Index, Plan};

/// The declared indexes, and the database that is to have them.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    pub(super) db: Database,
    /// By collection, in the order in which they were named.
    pub(super) collections: Vec<(String, Vec<Declaration>)>,
    /// The time after which an index without a use counts as unused.
    pub(super) unused: Duration,
}

impl Declared {
    /// Without any collection yet.
    pub(super) fn new(db: &Database) -> Self {
        Self { db: db.clone(), collections: Vec::new(), unused: advise::UNUSED }
    }

    /// Adds indexes of a collection.
    pub(super) fn add(&mut self, name: &str, indexes: &[Declaration]) {
        match self.collections.iter_mut().find(|(collection, _)| collection == name) {
            Some((_, declared)) => declared.extend_from_slice(indexes),
            None => self.collections.push((name.to_owned(), indexes.to_vec())),
        }
    }

    /// Compares them with what the server lists.
    pub(super) async fn plan(&self) -> Result<Plan, Error> {
        let mut collections = Vec::with_capacity(self.collections.len());
        for (name, indexes) in &self.collections {
            let listing = server::list(&self.db, name).await?;
            let declared = indexes.iter().map(|index| Index::declared(index, listing.collation.as_ref())).collect();
            collections.push(plan::Collection { name: name.clone(), declared, existing: listing.indexes });
        }
        Ok(Plan::new(self.db.name(), collections))
    }

    /// The indexes of a collection that nothing needs, with a note of those that a model declares.
    pub(super) fn unneeded(&self, collection: &str, listing: &Listing, usages: &[Usage]) -> Vec<Unneeded> {
        let mut found = advise::unneeded(collection, &listing.indexes, usages, self.unused);
        let indexes = self.collections.iter().filter(|(name, _)| name == collection).flat_map(|(_, indexes)| indexes);
        let declared: Vec<_> = indexes.map(|index| Index::declared(index, listing.collation.as_ref())).collect();
        for unneeded in &mut found {
            let existing = listing.indexes.iter().find(|index| index.name() == unneeded.index);
            unneeded.declared = existing.is_some_and(|index| declared.iter().any(|other| other.does_the_same(index)));
        }
        found
    }
}
