//! Declared indexes of a database, and their comparison with the existing ones.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bson::Document;
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
    /// Names of options, by collection, that two models declare differently.
    conflicts: BTreeMap<String, BTreeSet<&'static str>>,
    /// The time after which an index without a use counts as unused.
    pub(super) unused: Duration,
}

impl DeclaredIndexes {
    /// Creates an empty list.
    pub(super) fn new(db: &Database) -> Self {
        Self {
            db: db.clone(),
            collections: Vec::new(),
            options: Vec::new(),
            conflicts: BTreeMap::new(),
            unused: advice::UNUSED_AFTER,
        }
    }

    /// Adds indexes of a collection.
    pub(super) fn add(&mut self, name: &str, indexes: &[DeclaredIndex]) {
        match self.collections.iter_mut().find(|(collection, _)| collection == name) {
            Some((_, declared)) => declared.extend_from_slice(indexes),
            None => self.collections.push((name.to_owned(), indexes.to_vec())),
        }
    }

    /// Adds the options of a collection to those of the collection's other models.
    pub(super) fn add_options(&mut self, name: &str, options: CollectionOptions) {
        match self.options.iter_mut().find(|(other, _)| other == name) {
            Some((_, declared)) => {
                let differ = declared.merge(options);
                if !differ.is_empty() {
                    self.conflicts.entry(name.to_owned()).or_default().extend(differ);
                }
            }
            None if options == CollectionOptions::DEFAULT => {}
            None => self.options.push((name.to_owned(), options)),
        }
    }

    /// Compares the declared options of a collection with those of the server; `None` if no model declares any.
    fn collection_step(&self, name: &str, existing: Option<&Document>) -> Option<CollectionStep> {
        if let Some(differ) = self.conflicts.get(name) {
            return Some(CollectionStep::conflict(name, differ.iter().copied(), existing.is_some()));
        }
        let (_, options) = self.options.iter().find(|(other, _)| other == name)?;
        CollectionStep::new(name, options, existing)
    }

    /// Compares the declarations with the indexes on the server.
    pub(super) async fn plan(&self) -> Result<IndexPlan, Error> {
        let (mut collections, mut steps) = (Vec::with_capacity(self.collections.len()), Vec::new());
        for (name, indexes) in &self.collections {
            let listing = index_commands::list(&self.db, name).await?;
            let step = self.collection_step(name, listing.options.as_ref());
            // An index would create the collection without its options.
            let absent = step.as_ref().is_some_and(CollectionStep::is_absent);
            steps.extend(step);
            if absent {
                continue;
            }
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
