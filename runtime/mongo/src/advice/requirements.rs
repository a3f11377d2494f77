//! Requirements of a query on an index: the fields that it compares for equality, sorts by, and limits to a range.

use bson::{Bson, Document};

use crate::plan::IndexDefinition;

/// Requirements of one branch of a query; a query with `$or` has several.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct IndexRequirements {
    equal: Vec<String>,
    sort: Vec<(String, i32)>,
    range: Vec<String>,
    /// True if a condition needs an index of another kind (text, geospatial).
    unsupported: bool,
}

/// Maximum number of branches of a query that gets advice. Nested `$or`s come from requests, and multiply.
const MAX_BRANCHES: usize = 32;

/// MongoDB's maximum number of fields in an index.
const MAX_FIELDS: usize = 32;

/// Maximum number of values of an `$in` whose sorted results the server merges (the default of `internalQueryMaxScansToExplode`); with more
/// values, `$in` is a range in a query that sorts.
const MAX_MERGED: usize = 200;

impl IndexRequirements {
    /// Returns the requirements of a filter and a sort; empty if no ordinary index serves them.
    pub(super) fn from_query(filter: &Document, sort: &Document) -> Vec<Self> {
        let natural = |(field, value): (&String, &Bson)| field.starts_with('$') || matches!(value, Bson::Document(_));
        if sort.iter().any(natural) {
            return Vec::new();
        }
        let mut branches = vec![Self::default()];
        collect("", filter, !sort.is_empty(), &mut branches);
        if branches.iter().any(|branch| branch.unsupported) {
            return Vec::new();
        }
        if branches.iter().any(|branch| branch.equal.is_empty() && branch.range.is_empty()) {
            // If one branch reads the whole collection, indexes for the others are useless.
            branches = vec![Self::default()];
        }
        for branch in &mut branches {
            branch.finish(sort);
        }
        branches.retain(|branch| branch.equal.len() + branch.sort.len() + branch.range.len() <= MAX_FIELDS);
        branches.dedup();
        branches
    }

    fn finish(&mut self, sort: &Document) {
        for fields in [&mut self.equal, &mut self.range] {
            fields.sort();
            fields.dedup();
        }
        // A field with a fixed value needs no sort, and neither a fixed nor a sorted field needs a range.
        let direction =
            |value: &Bson| if value.as_f64().is_some_and(|value| value < 0.0) || negative(value) { -1 } else { 1 };
        let sort = sort.iter().map(|(field, value)| (field.clone(), direction(value)));
        self.sort = sort.filter(|(field, _)| !self.equal.contains(field)).collect();
        let known = |field: &String| self.equal.contains(field) || self.sort.iter().any(|(sorted, _)| sorted == field);
        let range = self.range.iter().filter(|field| !known(field)).cloned().collect();
        self.range = range;
    }

    /// Returns whether an index meets the requirements: first the equality fields in any order, then the sort fields in their directions
    /// or all reversed, then the range fields.
    pub(super) fn is_served_by(&self, index: &IndexDefinition) -> bool {
        let options = ["partialFilterExpression", "collation", "sparse", "hidden", "wildcardProjection"];
        if options.iter().any(|option| index.option(option).is_some()) {
            return false;
        }
        let Some(keys) = plain_key(index) else { return false };
        if (index.has_flag("unique") || index.is_id_index()) && keys.iter().all(|(key, _)| self.equal.contains(key)) {
            // A unique match: the query finds one document at most.
            return true;
        }
        let (fixed, rest) = keys.split_at(self.equal.len().min(keys.len()));
        let (sorted, rest) = rest.split_at(self.sort.len().min(rest.len()));
        let in_order = |reversed: i32| {
            sorted.len() == self.sort.len()
                && self.sort.iter().zip(sorted).all(|(one, other)| one.0 == other.0 && one.1 == other.1 * reversed)
        };
        // A range on a sort field is served by the sort.
        fixed.len() == self.equal.len()
            && self.equal.iter().all(|field| fixed.iter().any(|(key, _)| key == field))
            && (in_order(1) || in_order(-1))
            && self.range.iter().all(|field| rest.iter().take(self.range.len()).any(|(key, _)| key == field))
    }

    /// Returns the key of an index for the requirements. Equality fields that an existing index begins with come first, in its order, so
    /// that the new index can replace it.
    pub(super) fn key(&self, existing: &[IndexDefinition]) -> Document {
        let leading = |index: &IndexDefinition| -> Vec<String> {
            let keys = plain_key(index).unwrap_or_default().into_iter().map(|(key, _)| key);
            keys.take_while(|key| self.equal.contains(key)).collect()
        };
        let mut fixed = existing.iter().map(leading).max_by_key(Vec::len).unwrap_or_default();
        let rest: Vec<_> = self.equal.iter().filter(|field| !fixed.contains(field)).cloned().collect();
        fixed.extend(rest);
        let ascending = |field: &String| (field.clone(), Bson::Int32(1));
        let sorted = self.sort.iter().map(|(field, direction)| (field.clone(), Bson::Int32(*direction)));
        fixed.iter().map(ascending).chain(sorted).chain(self.range.iter().map(ascending)).collect()
    }
}

fn negative(value: &Bson) -> bool {
    value.as_i32().is_some_and(i32::is_negative) || value.as_i64().is_some_and(i64::is_negative)
}

/// Returns fields and directions of an index; `None` if it has fields of another kind than ascending and descending.
pub(super) fn plain_key(index: &IndexDefinition) -> Option<Vec<(String, i32)>> {
    let key = |(field, direction): (&String, &Bson)| match direction {
        Bson::Int32(direction) if !field.ends_with("$**") => Some((field.clone(), direction.signum())),
        _ => None,
    };
    index.key().iter().map(key).collect()
}

/// Adds the conditions of a filter to every branch; an `$or` multiplies the branches.
fn collect(prefix: &str, filter: &Document, sorts: bool, branches: &mut Vec<IndexRequirements>) {
    for (field, value) in filter {
        match (field.as_str(), value) {
            ("$and", Bson::Array(parts)) => {
                parts.iter().filter_map(Bson::as_document).for_each(|part| collect(prefix, part, sorts, branches));
            }
            ("$or", Bson::Array(parts)) if branches.len().saturating_mul(parts.len()) > MAX_BRANCHES => {
                mark_unsupported(branches);
            }
            ("$or", Bson::Array(parts)) => {
                let branch = |part: &Document| {
                    let mut branches = branches.clone();
                    collect(prefix, part, sorts, &mut branches);
                    branches
                };
                *branches = parts.iter().filter_map(Bson::as_document).flat_map(branch).collect();
            }
            ("$comment", _) => {}
            (operator, _) if operator.starts_with('$') => {
                // `$text` needs a text index; no index serves `$nor`, `$expr` and `$where`.
                if operator == "$text" {
                    mark_unsupported(branches);
                }
            }
            (field, value) => compare(&format!("{prefix}{field}"), value, sorts, branches),
        }
    }
}

fn compare(field: &str, value: &Bson, sorts: bool, branches: &mut Vec<IndexRequirements>) {
    let operators = match value {
        Bson::Document(operators) if operators.keys().next().is_some_and(|key| key.starts_with('$')) => operators,
        Bson::RegularExpression(_) => return add_range(field, has_prefix(value, ""), branches),
        _ => return add_equality(field, branches),
    };
    for (operator, value) in operators {
        match (operator.as_str(), value) {
            ("$in", Bson::Array(values)) if sorts && values.len() > MAX_MERGED => add_range(field, true, branches),
            ("$in", Bson::Array(values)) if values.iter().any(|value| matches!(value, Bson::RegularExpression(_))) => {
                let bounds = |value: &Bson| !matches!(value, Bson::RegularExpression(_)) || has_prefix(value, "");
                add_range(field, values.iter().all(bounds), branches);
            }
            ("$eq" | "$in", _) => add_equality(field, branches),
            ("$gt" | "$gte" | "$lt" | "$lte", _) => add_range(field, true, branches),
            ("$regex", pattern) => {
                add_range(field, has_prefix(pattern, operators.get_str("$options").unwrap_or_default()), branches);
            }
            ("$elemMatch", Bson::Document(inner)) if inner.keys().next().is_some_and(|key| key.starts_with('$')) => {
                compare(field, value, sorts, branches);
            }
            ("$elemMatch", Bson::Document(inner)) => collect(&format!("{field}."), inner, sorts, branches),
            ("$near" | "$nearSphere" | "$geoWithin" | "$geoIntersects", _) => {
                mark_unsupported(branches);
            }
            // `$ne`, `$nin`, `$not`, `$exists` and similar operators leave nearly the whole index to read.
            _ => {}
        }
    }
}

fn add_equality(field: &str, branches: &mut [IndexRequirements]) {
    for branch in branches {
        branch.equal.push(field.to_owned());
    }
}

fn mark_unsupported(branches: &mut [IndexRequirements]) {
    for branch in branches {
        branch.unsupported = true;
    }
}

/// Returns whether all matches of a pattern begin with the same text, so that they are adjacent in an index.
fn has_prefix(pattern: &Bson, options: &str) -> bool {
    let (pattern, inline_options) = match pattern {
        Bson::String(pattern) => (pattern.as_str(), ""),
        Bson::RegularExpression(regex) => (regex.pattern.as_str(), regex.options.as_str()),
        _ => return false,
    };
    let mut rest = pattern.strip_prefix('^').unwrap_or_default().chars();
    let first = rest.next().is_some_and(|first| first.is_alphanumeric() || " _-@/:,;=#".contains(first));
    let whole = !rest.next().is_some_and(|second| "*?{".contains(second));
    // A pattern that ignores case, matches at any line or has alternatives may match texts with other beginnings.
    first
        && whole
        && !pattern.contains('|')
        && !options.chars().chain(inline_options.chars()).any(|option| "imx".contains(option))
}

/// Adds a range on the field, if the condition limits it to one.
fn add_range(field: &str, bounds: bool, branches: &mut [IndexRequirements]) {
    if bounds {
        for branch in branches {
            branch.range.push(field.to_owned());
        }
    }
}
