//! Accesses of a query: to its collection, as the server runs it, and to the collections that its stages join.

use bson::{Bson, Document};

use super::access::{CollectionAccess, field_of};
use super::explain::Explanation;
use crate::conversions::read_count;
use crate::query::{Operation, Query};

/// Returns the access of a query to its collection. Later stages of a pipeline count as far as the server moves them forward.
pub(crate) fn access(query: &Query, explained: Option<&Explanation>) -> CollectionAccess {
    let stages = &query.parts.pipeline;
    let leading = LeadingStages::new(stages);
    let mut access = match query.operation {
        Operation::Aggregate => {
            let moved = explained.and_then(|explained| explained.filter.as_ref());
            let written = leading.filter();
            let filter = moved.filter(|_| !contains(&written, "$expr") && leading.place.is_none());
            CollectionAccess::new(&query.collection, filter.unwrap_or(&written))
        }
        _ => CollectionAccess::new(&query.collection, &query.parts.filter),
    };
    let in_memory = explained.and_then(|explained| explained.sort.clone());
    let (sort, limit) = match (query.operation, in_memory) {
        (Operation::Aggregate, Some(sorted)) => sorted,
        (Operation::Aggregate, None) => (leading.sort.clone(), leading.limit),
        _ => (query.parts.sort.clone(), u64::from(query.parts.limit)),
    };
    access = access.with_sort(&sort);
    access.limit = if limit == 0 { 0 } else { limit + read_count(query.options().get("skip")) };
    access.needed = explained.and_then(|explained| explained.needed.clone()).or(leading.needed);
    access.counts = query.operation == Operation::Count;
    access.collation.clone_from(&query.parts.collation);
    access.distinct = match query.operation {
        Operation::Distinct => Some(query.parts.field.clone()),
        Operation::Aggregate => leading.group,
        _ => None,
    };
    if let Some(place) = leading.place {
        access.near(&place);
    }
    access
}

/// Returns the accesses of a pipeline's stages to other collections.
pub(crate) fn joined(stages: &[Document], collation: Option<&Document>) -> Vec<CollectionAccess> {
    let mut found = Vec::new();
    for (name, value) in stages.iter().flat_map(Document::iter) {
        match (name.as_str(), value) {
            ("$lookup", Bson::Document(join)) => lookup(join, &mut found),
            ("$graphLookup", Bson::Document(join)) => {
                if let (Ok(from), Ok(field)) = (join.get_str("from"), join.get_str("connectToField")) {
                    let mut access = CollectionAccess::new(from, &Document::new());
                    access.join(field);
                    found.push(access);
                }
            }
            ("$unionWith", Bson::Document(other)) => {
                if let Ok(from) = other.get_str("coll") {
                    nested(from, &stages_of(other, "pipeline"), &mut found);
                }
            }
            ("$facet", Bson::Document(facets)) => {
                for (facet, _) in facets {
                    found.extend(joined(&stages_of(facets, facet), None));
                }
            }
            _ => {}
        }
    }
    for access in &mut found {
        access.joined = true;
        access.collation = collation.cloned();
    }
    found
}

fn lookup(join: &Document, found: &mut Vec<CollectionAccess>) {
    let Ok(from) = join.get_str("from") else { return };
    nested(from, &stages_of(join, "pipeline"), found);
    let Some(access) = found.iter_mut().rev().find(|access| access.collection == from) else { return };
    if let Ok(field) = join.get_str("foreignField") {
        access.join(field);
    }
}

/// Adds the accesses of a pipeline in a stage, the collections that it joins first.
fn nested(from: &str, stages: &[Document], found: &mut Vec<CollectionAccess>) {
    found.extend(joined(stages, None));
    let leading = LeadingStages::new(stages);
    let mut access = CollectionAccess::new(from, &leading.filter()).with_sort(&leading.sort);
    access.limit = leading.limit;
    found.push(access);
}

fn stages_of(stage: &Document, field: &str) -> Vec<Document> {
    let stages = stage.get_array(field).into_iter().flatten();
    stages.filter_map(Bson::as_document).cloned().collect()
}

/// Filter, sort and limit with which a pipeline begins.
#[derive(Default)]
struct LeadingStages {
    filters: Vec<Document>,
    sort: Document,
    limit: u64,
    /// Field by which the documents are grouped, without sums.
    group: Option<String>,
    /// Fields that a group needs.
    needed: Option<Vec<String>>,
    /// The stage `$geoNear`.
    place: Option<Document>,
}

impl LeadingStages {
    fn new(stages: &[Document]) -> Self {
        let mut leading = Self::default();
        for stage in stages {
            match stage.iter().next() {
                Some((name, Bson::Document(filter))) if name == "$match" => leading.filters.push(filter.clone()),
                Some((name, Bson::Document(keys))) if name == "$sort" && leading.sort.is_empty() => {
                    leading.sort.clone_from(keys);
                }
                Some((name, Bson::Document(place))) if name == "$geoNear" => leading.place = Some(place.clone()),
                Some((name, Bson::Document(group))) if name == "$group" => {
                    leading.group = leading.grouped_by(group);
                    leading.needed = fields_of(group);
                    break;
                }
                Some((name, value)) if name == "$limit" => {
                    leading.limit = read_count(Some(value));
                    break;
                }
                _ => break,
            }
        }
        leading
    }

    /// Returns the field by which documents are grouped, if only the first one of each group counts.
    fn grouped_by(&self, group: &Document) -> Option<String> {
        let by = group.get("_id").and_then(field_of)?;
        let first = |(field, sum): (&String, &Bson)| {
            field == "_id" || sum.as_document().is_some_and(|sum| sum.contains_key("$first"))
        };
        let in_order = self.sort.keys().next().is_none_or(|first| first == by);
        let alone = group.len() == 1 || !self.sort.is_empty();
        (in_order && alone && group.iter().all(first)).then(|| by.to_owned())
    }

    fn filter(&self) -> Document {
        match &self.filters[..] {
            [] => Document::new(),
            [one] => one.clone(),
            several => bson::doc! { "$and": several.to_vec() },
        }
    }
}

/// Returns the fields that expressions name; `None` if they take whole documents.
fn fields_of(expressions: &Document) -> Option<Vec<String>> {
    fn read(value: &Bson, fields: &mut Vec<String>) -> Option<()> {
        match value {
            Bson::String(text) if text.starts_with("$$") => None,
            Bson::String(text) => {
                fields.extend(text.strip_prefix('$').map(str::to_owned));
                Some(())
            }
            Bson::Document(inner) => inner.iter().try_for_each(|(_, value)| read(value, fields)),
            Bson::Array(parts) => parts.iter().try_for_each(|value| read(value, fields)),
            _ => Some(()),
        }
    }
    let mut fields = Vec::new();
    read(&expressions.clone().into(), &mut fields)?;
    Some(fields)
}

/// Returns whether a filter has an operator at any depth.
fn contains(filter: &Document, operator: &str) -> bool {
    filter.iter().any(|(name, value)| {
        name == operator
            || match value {
                Bson::Document(inner) => contains(inner, operator),
                Bson::Array(parts) => parts.iter().filter_map(Bson::as_document).any(|part| contains(part, operator)),
                _ => false,
            }
    })
}
