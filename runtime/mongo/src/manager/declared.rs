//! Declared indexes of a database, and their comparison with the existing ones.

use std::collections::BTreeMap;
use std::time::Duration;

use mongodb::Database;

use super::index_commands::{self, ExistingIndexes};
use crate::advice::{self, IndexUsage, UnneededIndex};
use crate::error::Error;
use crate::model::{CollectionOptions, DeclaredIndex};
use crate::plan::{self, CollectionStep, IndexDefinition, IndexPlan};

/// The declared indexes of a database.
#[derive(Clone, Debug)]
pub(super) struct DeclaredIndexes {
    pub(super) db: Database,
    /// Indexes by collection, in the order in which they were added.
    pub(super) collections: Vec<(String, Vec<DeclaredIndex>)>,
    /// Options of collections that models declare.
    pub(super) options: Vec<(String, CollectionOptions)>,
    /// The time after which an index without a use counts as unused.
    pub(super) unused: Duration,
}

impl DeclaredIndexes {
    /// Creates an empty list.
    pub(super) fn new(db: &Database) -> Self {
        Self { db: db.clone(), collections: Vec::new(), options: Vec::new(), unused: advice::UNUSED_AFTER }
    }

    /// Adds indexes of a collection.
    pub(super) fn add(&mut self, name: &str, indexes: &[DeclaredIndex]) {
        match self.collections.iter_mut().find(|(collection, _)| collection == name) {
            Some((_, declared)) => declared.extend_from_slice(indexes),
            None => self.collections.push((name.to_owned(), indexes.to_vec())),
        }
    }

    /// Adds the options of a collection.
    pub(super) fn add_options(&mut self, name: &str, options: CollectionOptions) {
        if options != CollectionOptions::DEFAULT && !self.options.iter().any(|(other, _)| other == name) {
            self.options.push((name.to_owned(), options));
        }
    }

    /// Compares the declarations with the indexes on the server.
    pub(super) async fn plan(&self) -> Result<IndexPlan, Error> {
        let (mut collections, mut steps) = (Vec::with_capacity(self.collections.len()), Vec::new());
        for (name, indexes) in &self.collections {
            let listing = index_commands::list(&self.db, name).await?;
            let options = self.options.iter().find(|(other, _)| other == name).map(|(_, options)| options);
            steps.extend(options.and_then(|options| CollectionStep::new(name, options, listing.options.as_ref())));
            let declared =
                indexes.iter().map(|index| IndexDefinition::declared(index, listing.collation.as_ref())).collect();
            collections.push(plan::CollectionIndexes { name: name.clone(), declared, existing: listing.indexes });
        }
        Ok(IndexPlan::new(self.db.name(), collections).with_collections(steps))
    }

    /// Returns the indexes of a collection that are not needed, and marks those that a model declares.
    pub(super) async fn unneeded(
        &self,
        collection: &str,
        listing: &ExistingIndexes,
        usages: &[IndexUsage],
    ) -> Vec<UnneededIndex> {
        let mut arrays = BTreeMap::new();
        for index in advice::longer(&listing.indexes) {
            arrays.insert(index.name().to_owned(), advice::arrays(&self.db, collection, index.name()).await);
        }
        let mut found = advice::unneeded(collection, &listing.indexes, usages, &arrays, self.unused);
        let indexes = self.collections.iter().filter(|(name, _)| name == collection).flat_map(|(_, indexes)| indexes);
        let declared: Vec<_> =
            indexes.map(|index| IndexDefinition::declared(index, listing.collation.as_ref())).collect();
        for unneeded in &mut found {
            let existing = listing.indexes.iter().find(|index| index.name() == unneeded.index);
            unneeded.declared =
                existing.is_some_and(|index| declared.iter().any(|other| other.is_same_except_name(index)));
        }
        found
    }
}
