//! Access of a command to one collection: the conditions that an index can bound, the order, and the number of documents.

use bson::{Bson, Document, doc};

use super::pattern::has_prefix;

/// Access to one collection.
#[derive(Clone, Debug, Default)]
pub(crate) struct CollectionAccess {
    pub(crate) collection: String,
    /// Conditions that all documents meet.
    pub(super) common: Vec<Conjunct>,
    /// Conditions of each alternative of an `$or`; empty if there is none.
    pub(super) branches: Vec<Vec<Conjunct>>,
    /// Fields and directions.
    pub(super) sort: Vec<(String, i32)>,
    /// True if the order is one that no ordinary index has.
    pub(super) foreign_order: bool,
    /// Number of documents that are skipped or returned; 0 for all.
    pub(super) limit: u64,
    /// Fields that the command needs, if it needs only some.
    pub(super) needed: Option<Vec<String>>,
    /// Field of which only the distinct values are asked for.
    pub(super) distinct: Option<String>,
    /// True if the documents are only counted.
    pub(super) counts: bool,
    pub(super) collation: Option<Document>,
    /// Fields with words, and with places, of which the command names none.
    pub(super) words: Vec<String>,
    /// True if another collection's documents are each looked up in this one.
    pub(crate) joined: bool,
}

/// Measured reads without the index.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MeasuredReads {
    pub(crate) reads: u64,
    pub(crate) documents: u64,
    pub(crate) sorts: bool,
}

/// Condition of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Conjunct {
    pub(super) field: String,
    pub(super) bound: KeyBound,
    /// The condition as a filter; `None` if it cannot be counted.
    pub(super) filter: Option<Document>,
    /// True if it compares a text.
    pub(super) textual: bool,
    /// True if an index on an array does not bound it.
    pub(super) scalar: bool,
    /// Number of the `$elemMatch` that it is in: one element meets all conditions of it.
    pub(super) element: Option<usize>,
}

/// Kind of the bounds of a condition in an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyBound {
    /// Equality with a value.
    Equal,
    /// Null or absent.
    Null,
    /// A list of values.
    List(usize),
    /// An interval, or several.
    Range,
    /// Present, which only an index without the other documents bounds.
    Exists,
    /// An equality with a field of another collection.
    Joined,
    /// A place on the sphere.
    Sphere,
    /// A place on a plane.
    Plane,
    /// Words.
    Text,
    /// None.
    Free,
}

/// Maximum number of conditions, and of those in all branches, that are counted. Further ones may come from requests.
const MAX_CONDITIONS: usize = 12;

/// Maximum number of branches of a query that gets advice.
const MAX_BRANCHES: usize = 8;

impl CollectionAccess {
    /// Returns the access of a filter.
    pub(crate) fn new(collection: &str, filter: &Document) -> Self {
        let mut access = Self { collection: collection.to_owned(), ..Self::default() };
        access.add(filter);
        access.bound();
        access
    }

    /// Leaves out conditions beyond those that are counted.
    fn bound(&mut self) {
        self.common.truncate(MAX_CONDITIONS);
        if self.branches.iter().map(Vec::len).sum::<usize>() > MAX_CONDITIONS {
            self.branches.clear();
        }
    }

    pub(crate) fn with_sort(mut self, sort: &Document) -> Self {
        self.foreign_order = sort.iter().any(|(field, value)| field.starts_with('$') || value.as_document().is_some());
        let direction = |value: &Bson| match value {
            Bson::Int32(direction) => direction.signum(),
            Bson::Int64(direction) if *direction < 0 => -1,
            Bson::Double(direction) if *direction < 0.0 => -1,
            _ => 1,
        };
        self.sort = sort.iter().map(|(field, value)| (field.clone(), direction(value))).collect();
        if self.foreign_order {
            self.sort.clear();
        }
        self
    }

    /// Returns the filter of some conditions; `None` if it cannot be counted.
    pub(super) fn filter_of<'a>(conjuncts: impl Iterator<Item = &'a Conjunct>) -> Option<Document> {
        let mut parts = Vec::new();
        let mut elements: Vec<(usize, String, Vec<Document>)> = Vec::new();
        for conjunct in conjuncts {
            let filter = conjunct.filter.clone()?;
            let inner = filter.iter().next().and_then(|(field, value)| Some((field, value.as_document()?)));
            let inner =
                inner.and_then(|(field, value)| Some((field.clone(), value.get_document("$elemMatch").ok()?.clone())));
            match (conjunct.element, inner) {
                (Some(number), Some((field, inner))) => {
                    match elements.iter_mut().find(|(known, of, _)| *known == number && *of == field) {
                        Some((_, _, parts)) => parts.push(inner),
                        None => elements.push((number, field, vec![inner])),
                    }
                }
                _ => parts.push(filter),
            }
        }
        parts.extend(elements.into_iter().map(|(_, field, parts)| doc! { field: { "$elemMatch": { "$and": parts } } }));
        Some(if parts.is_empty() {
            Document::new()
        } else {
            doc! { "$and": parts }
        })
    }

    /// Returns all conditions: first the common ones, then those of each branch.
    pub(super) fn conjuncts(&self) -> impl Iterator<Item = &Conjunct> {
        self.common.iter().chain(self.branches.iter().flatten())
    }

    #[cfg(test)]
    pub(super) fn fields(&self) -> Vec<&str> {
        self.conjuncts().map(|conjunct| conjunct.field.as_str()).collect()
    }

    pub(crate) fn collation(&self) -> Option<&Document> {
        self.collation.as_ref()
    }

    /// Adds an equality with a field of another collection.
    pub(crate) fn join(&mut self, field: &str) {
        self.common.push(Conjunct::new(field, KeyBound::Joined, None));
    }

    /// Adds the condition of a stage `$geoNear`, on the field that it names.
    pub(super) fn near(&mut self, stage: &Document) {
        let place = stage.get("near").cloned().unwrap_or(Bson::Null);
        let flat = if place.as_document().is_some() { KeyBound::Sphere } else { KeyBound::Plane };
        // The place comes first, so that it is not left out.
        self.common.insert(0, Conjunct::new(stage.get_str("key").unwrap_or_default(), flat, None));
        if let Ok(query) = stage.get_document("query") {
            self.add(query);
        }
        self.bound();
    }

    /// Returns whether words or places are asked for whose fields the command does not name.
    pub(crate) fn lacks_fields(&self) -> bool {
        self.common.iter().any(|one| one.bound == KeyBound::Text || (one.field.is_empty() && one.is_place()))
    }

    /// Takes the fields that the command does not name from documents: those with several words, or with a place.
    pub(crate) fn name_fields(&mut self, documents: &[Document]) {
        let fields = |has: fn(&Bson) -> bool| -> Vec<String> {
            let mut found = Vec::new();
            for (field, _) in documents.iter().flatten().filter(|(_, value)| has(value)) {
                if !found.contains(field) {
                    found.push(field.clone());
                }
            }
            found
        };
        self.words = fields(|value| value.as_str().is_some_and(|text| text.trim().contains(' ')));
        if self.words.is_empty() {
            self.words = fields(|value| value.as_str().is_some());
        }
        let places = fields(is_place);
        for conjunct in self.common.iter_mut().filter(|one| one.field.is_empty() && one.is_place()) {
            conjunct.field = places.first().cloned().unwrap_or_default();
        }
    }

    fn add(&mut self, filter: &Document) {
        for (field, value) in filter {
            match (field.as_str(), value) {
                ("$and", Bson::Array(parts)) => {
                    parts.iter().filter_map(Bson::as_document).for_each(|part| self.add(part));
                }
                ("$or", Bson::Array(parts))
                    if self.branches.is_empty() && (2..=MAX_BRANCHES).contains(&parts.len()) =>
                {
                    self.branches = parts.iter().filter_map(Bson::as_document).map(branch).collect();
                }
                ("$or", Bson::Array(parts)) if parts.len() == 1 => {
                    parts.iter().filter_map(Bson::as_document).for_each(|part| self.add(part));
                }
                _ => condition(field, value, &mut self.common),
            }
        }
    }
}

/// Returns the conditions of an alternative. One in it counts as a condition without bounds.
fn branch(filter: &Document) -> Vec<Conjunct> {
    let mut found = Vec::new();
    conditions(filter, &mut found);
    found
}

fn conditions(filter: &Document, found: &mut Vec<Conjunct>) {
    for (field, value) in filter {
        condition(field, value, found);
    }
}

impl Conjunct {
    fn new(field: &str, bound: KeyBound, filter: Option<Document>) -> Self {
        Self { field: field.to_owned(), bound, filter, textual: false, scalar: false, element: None }
    }

    /// Returns whether only an index of a special kind serves it.
    pub(super) fn is_special(&self) -> bool {
        self.bound == KeyBound::Text || (self.is_place() && self.filter.is_none())
    }

    fn is_place(&self) -> bool {
        matches!(self.bound, KeyBound::Sphere | KeyBound::Plane)
    }

    /// Returns whether a single value, or a list of them, bounds it.
    pub(super) fn is_point(&self) -> bool {
        matches!(self.bound, KeyBound::Equal | KeyBound::Null | KeyBound::List(_) | KeyBound::Joined)
    }
}

fn condition(field: &str, value: &Bson, found: &mut Vec<Conjunct>) {
    match (field, value) {
        ("$and", Bson::Array(parts)) => {
            parts.iter().filter_map(Bson::as_document).for_each(|part| conditions(part, found));
        }
        ("$comment", _) => {}
        ("$text", _) => found.push(Conjunct::new("", KeyBound::Text, None)),
        ("$where", _) => found.push(Conjunct::new("", KeyBound::Free, None)),
        ("$expr", expression) => expressions(expression, found),
        (operator, _) if operator.starts_with('$') => {
            found.push(Conjunct::new("", KeyBound::Free, Some(doc! { operator: value.clone() })));
        }
        (field, Bson::Document(operators)) if operators.keys().next().is_some_and(|key| key.starts_with('$')) => {
            operators.iter().for_each(|operator| comparison(field, operator, operators, found));
        }
        (field, Bson::RegularExpression(_)) => found.push(pattern(field, value, "")),
        (field, value) => found.push(equality(field, value, doc! { field: value.clone() })),
    }
}

fn comparison(field: &str, (operator, value): (&String, &Bson), all: &Document, found: &mut Vec<Conjunct>) {
    let filter = doc! { field: { operator: value.clone() } };
    let simple = |bound| Conjunct { textual: is_text(value), ..Conjunct::new(field, bound, Some(filter.clone())) };
    found.push(match (operator.as_str(), value) {
        ("$options" | "$maxDistance" | "$minDistance", _) => return,
        ("$eq", value) => equality(field, value, filter),
        ("$in", Bson::Array(values)) => list(field, values, filter),
        ("$gt" | "$gte" | "$lt" | "$lte" | "$ne" | "$nin", _) => simple(KeyBound::Range),
        ("$regex", value) => pattern(field, value, all.get_str("$options").unwrap_or_default()),
        ("$exists", Bson::Boolean(false) | Bson::Int32(0)) => simple(KeyBound::Null),
        ("$exists", _) => simple(KeyBound::Exists),
        ("$not", Bson::Document(inner)) => Conjunct::new(field, negation(inner), Some(filter)),
        ("$all", Bson::Array(values)) => return values.iter().for_each(|value| element(field, value, found)),
        ("$elemMatch", Bson::Document(inner)) => return elements(field, inner, found),
        ("$near" | "$nearSphere", place) => Conjunct::new(field, place_kind(place, KeyBound::Plane), None),
        ("$geoWithin" | "$geoIntersects" | "$within", place) => {
            Conjunct::new(field, place_kind(place, KeyBound::Plane), Some(filter))
        }
        (operator, value) if operator.starts_with("$_internalExpr") => internal(field, operator, value),
        _ => Conjunct::new(field, KeyBound::Free, Some(filter)),
    });
}

/// Returns the comparison to which the server turned an expression.
fn internal(field: &str, operator: &str, value: &Bson) -> Conjunct {
    let operator = operator.trim_start_matches("$_internalExpr").to_lowercase();
    let bound = if operator == "eq" { KeyBound::Equal } else { KeyBound::Range };
    let filter = doc! { field: { format!("${operator}"): value.clone() } };
    Conjunct { textual: is_text(value), scalar: true, ..Conjunct::new(field, bound, Some(filter)) }
}

fn equality(field: &str, value: &Bson, filter: Document) -> Conjunct {
    let bound = if *value == Bson::Null { KeyBound::Null } else { KeyBound::Equal };
    Conjunct { textual: is_text(value), ..Conjunct::new(field, bound, Some(filter)) }
}

fn list(field: &str, values: &[Bson], filter: Document) -> Conjunct {
    let patterns = values.iter().filter(|value| matches!(value, Bson::RegularExpression(_)));
    let bound = match patterns.clone().count() {
        0 if values.contains(&Bson::Null) => KeyBound::Range,
        0 => KeyBound::List(values.len()),
        _ if patterns.clone().all(|value| has_prefix(value, "")) => KeyBound::Range,
        _ => KeyBound::Free,
    };
    Conjunct { textual: values.iter().any(is_text), ..Conjunct::new(field, bound, Some(filter)) }
}

fn pattern(field: &str, value: &Bson, options: &str) -> Conjunct {
    let bound = if has_prefix(value, options) { KeyBound::Range } else { KeyBound::Free };
    let mut filter = doc! { "$regex": value.clone() };
    if !options.is_empty() {
        filter.insert("$options", options);
    }
    Conjunct { textual: true, ..Conjunct::new(field, bound, Some(doc! { field: filter })) }
}

fn negation(inner: &Document) -> KeyBound {
    match inner.iter().next() {
        Some((operator, Bson::Boolean(true) | Bson::Int32(1))) if operator == "$exists" => KeyBound::Null,
        Some((operator, _)) if ["$eq", "$in", "$gt", "$gte", "$lt", "$lte"].contains(&operator.as_str()) => {
            KeyBound::Range
        }
        _ => KeyBound::Free,
    }
}

/// Adds one value of an `$all`.
fn element(field: &str, value: &Bson, found: &mut Vec<Conjunct>) {
    match value.as_document().and_then(|value| value.get_document("$elemMatch").ok()) {
        Some(inner) => elements(field, inner, found),
        None => found.push(equality(field, value, doc! { field: { "$eq": value.clone() } })),
    }
}

fn elements(field: &str, inner: &Document, found: &mut Vec<Conjunct>) {
    let whole = doc! { field: { "$elemMatch": inner.clone() } };
    if inner.keys().next().is_some_and(|key| key.starts_with('$') && key != "$and" && key != "$or") {
        let mut parts = Vec::new();
        inner.iter().for_each(|operator| comparison(field, operator, inner, &mut parts));
        let points = parts.iter().all(Conjunct::is_point);
        let bounded = parts.iter().any(|part| part.is_point() || part.bound == KeyBound::Range);
        let bound = if points { KeyBound::Equal } else { KeyBound::Range };
        let textual = parts.iter().any(|part| part.textual);
        let bound = if bounded { bound } else { KeyBound::Free };
        found.push(Conjunct { textual, ..Conjunct::new(field, bound, Some(whole)) });
        return;
    }
    let mut parts = Vec::new();
    conditions(inner, &mut parts);
    let number = found.len();
    for part in parts {
        let filter = part.filter.map(|filter| doc! { field: { "$elemMatch": filter } });
        let name = if part.field.is_empty() { field.to_owned() } else { format!("{field}.{}", part.field) };
        found.push(Conjunct { field: name, filter, element: Some(number), ..part });
    }
}

/// Returns the kind of index for a place: `GeoJSON` needs a sphere, coordinates alone a plane.
fn place_kind(place: &Bson, flat: KeyBound) -> KeyBound {
    match place {
        Bson::Document(place) if place.contains_key("$geometry") || place.contains_key("type") => KeyBound::Sphere,
        Bson::Document(place) if place.contains_key("$centerSphere") => KeyBound::Sphere,
        _ => flat,
    }
}

/// Adds the comparisons of fields with constants in an expression.
fn expressions(expression: &Bson, found: &mut Vec<Conjunct>) {
    let Some((operator, value)) = expression.as_document().and_then(|expression| expression.iter().next()) else {
        return;
    };
    if let ("$and", Bson::Array(parts)) = (operator.as_str(), value) {
        return parts.iter().for_each(|part| expressions(part, found));
    }
    let compared = compared(operator, value);
    found.push(
        compared.unwrap_or_else(|| Conjunct::new("", KeyBound::Free, Some(doc! { "$expr": expression.clone() }))),
    );
}

fn compared(operator: &str, value: &Bson) -> Option<Conjunct> {
    let [left, right] = &value.as_array()?[..] else { return None };
    let (field, constant, turned) = match (field_of(left), field_of(right)) {
        (Some(field), None) => (field, right, false),
        (None, Some(field)) => (field, left, true),
        _ => return None,
    };
    let variable = constant.as_str().and_then(|name| name.strip_prefix("$$"));
    if operator == "$eq" && variable.is_some_and(|name| name.starts_with(|first: char| first.is_ascii_lowercase())) {
        return Some(Conjunct { scalar: true, ..Conjunct::new(field, KeyBound::Joined, None) });
    }
    let constant = constant_of(constant)?;
    let operator = match (operator, turned) {
        ("$eq", _) => "$eq",
        ("$gt", false) | ("$lt", true) => "$gt",
        ("$gte", false) | ("$lte", true) => "$gte",
        ("$lt", false) | ("$gt", true) => "$lt",
        ("$lte", false) | ("$gte", true) => "$lte",
        _ => return None,
    };
    let bound = if operator == "$eq" { KeyBound::Equal } else { KeyBound::Range };
    let filter = Some(doc! { field: { operator: constant.clone() } });
    Some(Conjunct { textual: is_text(&constant), scalar: true, ..Conjunct::new(field, bound, filter) })
}

/// Returns the field that an expression names.
pub(super) fn field_of(expression: &Bson) -> Option<&str> {
    expression.as_str()?.strip_prefix('$').filter(|name| !name.starts_with('$') && !name.is_empty())
}

fn constant_of(expression: &Bson) -> Option<Bson> {
    match expression {
        Bson::Document(inner) => ["$const", "$literal"].iter().find_map(|name| inner.get(name)).cloned(),
        Bson::String(text) if text.starts_with('$') => None,
        Bson::Array(_) => None,
        other => Some(other.clone()),
    }
}

/// Returns whether a value is `GeoJSON`, or a pair of coordinates.
fn is_place(value: &Bson) -> bool {
    match value {
        Bson::Document(place) => place.get_str("type").is_ok() && place.get_array("coordinates").is_ok(),
        Bson::Array(pair) => {
            pair.len() == 2 && pair.iter().all(|part| part.as_f64().is_some() || part.as_i32().is_some())
        }
        _ => false,
    }
}

fn is_text(value: &Bson) -> bool {
    match value {
        Bson::String(_) | Bson::RegularExpression(_) => true,
        Bson::Array(values) => values.iter().any(is_text),
        Bson::Document(inner) => inner.iter().any(|(_, value)| is_text(value)),
        _ => false,
    }
}
