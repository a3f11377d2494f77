//! What of a query an index can serve: the fields that it fixes, sorts by, and bounds.

use bson::{Bson, Document};

use crate::plan::Index;

/// One way through a query; a query with `$or` has one for each branch.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shape {
    equal: Vec<String>,
    sort: Vec<(String, i32)>,
    range: Vec<String>,
    /// It has something that only an index of another kind serves (text, places).
    foreign: bool,
}

/// A query of more alternatives is left alone: they come from requests, and multiply.
const ALTERNATIVES: usize = 32;

/// An index can have as many fields.
const FIELDS: usize = 32;

/// The server merges as many sorted runs; from more values on, `$in` counts as a bound when the query sorts.
const MERGED: usize = 200;

impl Shape {
    /// Of a filter and a sort. Empty where no ordinary index serves it.
    pub(super) fn of(filter: &Document, sort: &Document) -> Vec<Self> {
        let natural = |(field, value): (&String, &Bson)| field.starts_with('$') || matches!(value, Bson::Document(_));
        if sort.iter().any(natural) {
            return Vec::new();
        }
        let mut shapes = vec![Self::default()];
        collect("", filter, !sort.is_empty(), &mut shapes);
        if shapes.iter().any(|shape| shape.foreign) {
            return Vec::new();
        }
        if shapes.iter().any(|shape| shape.equal.is_empty() && shape.range.is_empty()) {
            // Where one alternative has to read everything, what serves the others is of no use.
            shapes = vec![Self::default()];
        }
        for shape in &mut shapes {
            shape.finish(sort);
        }
        shapes.retain(|shape| shape.equal.len() + shape.sort.len() + shape.range.len() <= FIELDS);
        shapes.dedup();
        shapes
    }

    fn finish(&mut self, sort: &Document) {
        for fields in [&mut self.equal, &mut self.range] {
            fields.sort();
            fields.dedup();
        }
        // What is fixed is sorted already, and bounds say nothing more of it.
        let direction =
            |value: &Bson| if value.as_f64().is_some_and(|value| value < 0.0) || negative(value) { -1 } else { 1 };
        let sort = sort.iter().map(|(field, value)| (field.clone(), direction(value)));
        self.sort = sort.filter(|(field, _)| !self.equal.contains(field)).collect();
        let known = |field: &String| self.equal.contains(field) || self.sort.iter().any(|(sorted, _)| sorted == field);
        let range = self.range.iter().filter(|field| !known(field)).cloned().collect();
        self.range = range;
    }

    /// Whether an existing index already has it all: the fixed fields first in any order, then the sorted ones, in their
    /// directions or all reversed, then those that are bounded.
    pub(super) fn is_served_by(&self, index: &Index) -> bool {
        let options = ["partialFilterExpression", "collation", "sparse", "hidden", "wildcardProjection"];
        if options.iter().any(|option| index.option(option).is_some()) {
            return false;
        }
        let Some(keys) = ordinary(index) else { return false };
        if (index.is("unique") || index.is_of_id()) && keys.iter().all(|(key, _)| self.equal.contains(key)) {
            // There is one document at most.
            return true;
        }
        let (fixed, rest) = keys.split_at(self.equal.len().min(keys.len()));
        let (sorted, rest) = rest.split_at(self.sort.len().min(rest.len()));
        let in_order = |reversed: i32| {
            sorted.len() == self.sort.len()
                && self.sort.iter().zip(sorted).all(|(one, other)| one.0 == other.0 && one.1 == other.1 * reversed)
        };
        // A bound on a sorted field is served with the sort.
        fixed.len() == self.equal.len()
            && self.equal.iter().all(|field| fixed.iter().any(|(key, _)| key == field))
            && (in_order(1) || in_order(-1))
            && self.range.iter().all(|field| rest.iter().take(self.range.len()).any(|(key, _)| key == field))
    }

    /// The keys of the index for it. Of the fixed fields, those with which an existing index begins come first, in its order,
    /// so that the new one can replace it.
    pub(super) fn key(&self, existing: &[Index]) -> Document {
        let leading = |index: &Index| -> Vec<String> {
            let keys = ordinary(index).unwrap_or_default().into_iter().map(|(key, _)| key);
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

/// Keys and directions of an index that has no others than ascending and descending ones.
pub(super) fn ordinary(index: &Index) -> Option<Vec<(String, i32)>> {
    let key = |(field, direction): (&String, &Bson)| match direction {
        Bson::Int32(direction) if !field.ends_with("$**") => Some((field.clone(), direction.signum())),
        _ => None,
    };
    index.key().iter().map(key).collect()
}

/// Adds what a filter says to every shape; a filter of alternatives multiplies them.
fn collect(prefix: &str, filter: &Document, sorts: bool, shapes: &mut Vec<Shape>) {
    for (field, value) in filter {
        match (field.as_str(), value) {
            ("$and", Bson::Array(parts)) => {
                parts.iter().filter_map(Bson::as_document).for_each(|part| collect(prefix, part, sorts, shapes));
            }
            ("$or", Bson::Array(parts)) if shapes.len().saturating_mul(parts.len()) > ALTERNATIVES => estrange(shapes),
            ("$or", Bson::Array(parts)) => {
                let branch = |part: &Document| {
                    let mut shapes = shapes.clone();
                    collect(prefix, part, sorts, &mut shapes);
                    shapes
                };
                *shapes = parts.iter().filter_map(Bson::as_document).flat_map(branch).collect();
            }
            ("$comment", _) => {}
            (operator, _) if operator.starts_with('$') => {
                // `$text` needs another index; `$nor`, `$expr` and `$where` are served by none.
                if operator == "$text" {
                    estrange(shapes);
                }
            }
            (field, value) => compare(&format!("{prefix}{field}"), value, sorts, shapes),
        }
    }
}

fn compare(field: &str, value: &Bson, sorts: bool, shapes: &mut Vec<Shape>) {
    let operators = match value {
        Bson::Document(operators) if operators.keys().next().is_some_and(|key| key.starts_with('$')) => operators,
        Bson::RegularExpression(_) => return bound(field, has_prefix(value, ""), shapes),
        _ => return fix(field, shapes),
    };
    for (operator, value) in operators {
        match (operator.as_str(), value) {
            ("$in", Bson::Array(values)) if sorts && values.len() > MERGED => bound(field, true, shapes),
            ("$in", Bson::Array(values)) if values.iter().any(|value| matches!(value, Bson::RegularExpression(_))) => {
                let bounds = |value: &Bson| !matches!(value, Bson::RegularExpression(_)) || has_prefix(value, "");
                bound(field, values.iter().all(bounds), shapes);
            }
            ("$eq" | "$in", _) => fix(field, shapes),
            ("$gt" | "$gte" | "$lt" | "$lte", _) => bound(field, true, shapes),
            ("$regex", pattern) => {
                bound(field, has_prefix(pattern, operators.get_str("$options").unwrap_or_default()), shapes);
            }
            ("$elemMatch", Bson::Document(inner)) if inner.keys().next().is_some_and(|key| key.starts_with('$')) => {
                compare(field, value, sorts, shapes);
            }
            ("$elemMatch", Bson::Document(inner)) => collect(&format!("{field}."), inner, sorts, shapes),
            ("$near" | "$nearSphere" | "$geoWithin" | "$geoIntersects", _) => {
                estrange(shapes);
            }
            // `$ne`, `$nin`, `$not`, `$exists` and the like leave nearly all of an index to be read.
            _ => {}
        }
    }
}

fn fix(field: &str, shapes: &mut [Shape]) {
    for shape in shapes {
        shape.equal.push(field.to_owned());
    }
}

fn estrange(shapes: &mut [Shape]) {
    for shape in shapes {
        shape.foreign = true;
    }
}

/// Whether all that a pattern finds begins with the same text, so that it lies side by side in an index.
fn has_prefix(pattern: &Bson, options: &str) -> bool {
    let (pattern, own) = match pattern {
        Bson::String(pattern) => (pattern.as_str(), ""),
        Bson::RegularExpression(regex) => (regex.pattern.as_str(), regex.options.as_str()),
        _ => return false,
    };
    let mut rest = pattern.strip_prefix('^').unwrap_or_default().chars();
    let first = rest.next().is_some_and(|first| first.is_alphanumeric() || " _-@/:,;=#".contains(first));
    let whole = !rest.next().is_some_and(|second| "*?{".contains(second));
    // Without regard to case, or at any line, or as an alternative, it may begin with other texts.
    first && whole && !pattern.contains('|') && !options.chars().chain(own.chars()).any(|option| "imx".contains(option))
}

/// What bounds nothing is of no use.
fn bound(field: &str, bounds: bool, shapes: &mut [Shape]) {
    if bounds {
        for shape in shapes {
            shape.range.push(field.to_owned());
        }
    }
}
