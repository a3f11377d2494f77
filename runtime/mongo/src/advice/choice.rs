//! Choice of the index that makes an access read least, by estimates from counts.

use bson::{Bson, Document, doc};

use super::access::{CollectionAccess, KeyBound, MeasuredReads};
use super::counts::AccessCounts;
use super::estimate::{AccessScope, IndexShape, ReadEstimate};
use super::explain::ExplainResult;
use crate::plan::IndexDefinition;

/// An index that helps an access.
#[derive(Clone, Debug)]
pub(crate) struct ChosenIndex {
    pub(crate) collection: String,
    pub(crate) key: Document,
    pub(crate) options: Document,
    /// Estimate of its reads; `None` if they cannot be estimated.
    pub(super) expected: Option<ReadEstimate>,
    /// A field that holds arrays, if there are others.
    pub(super) array: Option<String>,
}

/// Number of reads that an index has to spare.
pub(super) const MIN_SPARED: u64 = 500;

/// MongoDB's maximum number of fields in an index.
const MAX_FIELDS: usize = 32;

/// Maximum number of fields that are added to an index so that documents need not be read.
const MAX_COVERED: usize = 4;

/// Returns the indexes that help an access: none, one, or one for each branch. `measured` is `None` if the server refuses the command
/// without an index.
pub(crate) fn choose(
    access: &CollectionAccess,
    counts: &AccessCounts,
    existing: &[IndexDefinition],
    measured: Option<MeasuredReads>,
) -> Vec<ChosenIndex> {
    let special = special(access, counts, existing);
    let Some(measured) = measured else { return special.into_iter().collect() };
    if access.foreign_order || access.conjuncts().any(super::access::Conjunct::is_special) {
        return Vec::new();
    }
    let chooser = Chooser { access, counts, existing };
    let whole = chooser.whole(!access.sort.is_empty());
    let mut best = chooser.best(&whole);
    if access.branches.len() > 1
        && let Some(branches) = chooser.branches()
        && best.as_ref().is_none_or(|best| branches.score() < best.score())
    {
        best = Some(branches);
    }
    if let Some(special) = special
        && let Some(estimate) = special.expected
        && best.as_ref().is_none_or(|best| estimate.reads() < best.estimate.reads())
    {
        best = Some(IndexChoice { estimate, new: vec![special], fields: 1 });
    }
    match best {
        Some(best) if is_worth(&best.estimate, &measured) => best.new,
        _ => Vec::new(),
    }
}

/// Returns whether a query reads far more than it returns.
pub(crate) fn wastes(explained: &ExplainResult) -> bool {
    explained.wasted() > MIN_SPARED
}

/// Returns whether a query reads so much that counting is worth its cost.
pub(crate) fn is_wasteful(explained: &ExplainResult, access: &CollectionAccess) -> bool {
    let some = access.counts || access.needed.is_some() || access.distinct.is_some();
    explained.wasted() > MIN_SPARED || (explained.documents > MIN_SPARED && (explained.sorted_in_memory || some))
}

/// Returns whether an index at least halves the reads, or spares a sort in memory.
#[allow(clippy::cast_precision_loss, reason = "estimates")]
fn is_worth(estimate: &ReadEstimate, measured: &MeasuredReads) -> bool {
    let (reads, least) = (measured.reads as f64, MIN_SPARED as f64);
    let halves = estimate.reads() * 2.0 <= reads && reads - estimate.reads() > least;
    let spares =
        measured.sorts && !estimate.sorts && estimate.reads() <= reads * 1.2 && measured.documents > MIN_SPARED;
    halves || spares
}

/// An estimate, and the indexes that it needs.
struct IndexChoice {
    estimate: ReadEstimate,
    /// New indexes; empty if existing ones serve.
    new: Vec<ChosenIndex>,
    /// Number of fields in the new indexes.
    fields: usize,
}

impl IndexChoice {
    /// Returns the reads, and a charge for a sort and for each field that writes have to maintain.
    fn score(&self) -> f64 {
        let sort = if self.estimate.sorts { self.estimate.documents * 2.0 } else { 0.0 };
        #[allow(clippy::cast_precision_loss, reason = "a few")]
        let fields = self.fields as f64;
        (self.estimate.reads() + sort) * (1.0 + 0.05 * fields) + 10.0 * fields
    }
}

struct Chooser<'a> {
    access: &'a CollectionAccess,
    counts: &'a AccessCounts,
    existing: &'a [IndexDefinition],
}

impl<'a> Chooser<'a> {
    /// Returns the scope of the common conditions.
    fn whole(&self, sorted: bool) -> AccessScope<'a> {
        let all = (0..self.access.conjuncts().count()).map(|bit| 1 << bit).sum();
        let conjuncts = self.access.common.iter().enumerate().map(|(bit, conjunct)| (1 << bit, conjunct)).collect();
        AccessScope { access: self.access, counts: self.counts, conjuncts, matches: self.counts.matches(all), sorted }
    }

    /// Returns the indexes that serve each branch, in order if that is cheaper; `None` if a branch has none.
    fn branches(&self) -> Option<IndexChoice> {
        let in_memory = self.branches_in_order(false);
        let in_order = if self.access.sort.is_empty() { None } else { self.branches_in_order(true) };
        let in_order = in_order.filter(|choice| !choice.estimate.sorts);
        match (in_memory, in_order) {
            (Some(one), Some(other)) => Some(if one.score() <= other.score() { one } else { other }),
            (one, other) => one.or(other),
        }
    }

    fn branches_in_order(&self, sorted: bool) -> Option<IndexChoice> {
        let none = ReadEstimate { keys: 0.0, documents: 0.0, sorts: !sorted && !self.access.sort.is_empty() };
        let mut sum = IndexChoice { estimate: none, new: Vec::new(), fields: 0 };
        let unlimited = CollectionAccess { limit: 0, ..self.access.clone() };
        let access = if sorted { self.access } else { &unlimited };
        let mut first = self.access.common.len();
        for branch in &self.access.branches {
            let mut scope = AccessScope { access, ..self.whole(sorted) };
            scope.conjuncts.extend(branch.iter().enumerate().map(|(bit, conjunct)| (1 << (first + bit), conjunct)));
            scope.matches = self.counts.documents * self.counts.share(scope.all());
            first += branch.len();
            let best = self.best(&scope)?;
            if scope.sorted && best.estimate.sorts {
                return None;
            }
            sum.estimate.keys += best.estimate.keys;
            sum.estimate.documents += best.estimate.documents;
            let new = best.new.into_iter().filter(|new| !sum.new.iter().any(|other| other.key == new.key));
            let new: Vec<_> = new.collect();
            sum.fields += new.iter().map(|new| new.key.len()).sum::<usize>();
            sum.new.extend(new);
        }
        for new in &mut sum.new {
            new.expected = Some(sum.estimate);
        }
        Some(sum)
    }

    /// Returns the best index for a scope, an existing one if it is nearly as good.
    fn best(&self, scope: &AccessScope<'_>) -> Option<IndexChoice> {
        let mut best: Option<IndexChoice> = None;
        for index in self.candidates(scope) {
            let Some(estimate) = scope.estimate(&index) else { continue };
            let choice = IndexChoice { estimate, fields: index.key.len(), new: vec![self.chosen(&index, estimate)] };
            if best.as_ref().is_none_or(|best| choice.score() < best.score()) {
                best = Some(choice);
            }
        }
        let served = self.existing.iter().flat_map(|index| {
            let shapes = self.shapes(scope, index);
            let unique = index.has_flag("unique") || index.is_id_index();
            shapes
                .into_iter()
                .filter_map(move |shape| if unique { scope.of_unique(&shape) } else { scope.estimate(&shape) })
        });
        let served = served.map(|estimate| IndexChoice { estimate, new: Vec::new(), fields: 0 });
        let served = served.min_by(|one, other| one.score().total_cmp(&other.score()));
        match (served, best) {
            (Some(served), Some(best)) => {
                let spares = served.estimate.sorts && !best.estimate.sorts && served.estimate.documents > 50.0;
                let enough = served.score() <= best.score() * 1.3 + 30.0 && !spares;
                Some(if enough { served } else { best })
            }
            (served, best) => served.or(best),
        }
    }

    fn chosen(&self, index: &IndexShape, estimate: ReadEstimate) -> ChosenIndex {
        let key = index.key.iter().map(|(field, direction)| (field.clone(), Bson::Int32(*direction))).collect();
        let mut options = Document::new();
        if index.sparse {
            options.insert("sparse", true);
        }
        let textual = self.access.conjuncts().any(|conjunct| conjunct.textual) || !self.access.sort.is_empty();
        if let (Some(collation), true) = (&self.access.collation, textual) {
            options.insert("collation", collation.clone());
        }
        let mut fields = index.key.iter().map(|(field, _)| field);
        let array = fields.find(|field| index.key.len() > 1 && !self.counts.arrays_of(field).is_empty()).cloned();
        ChosenIndex { collection: self.access.collection.clone(), key, options, expected: Some(estimate), array }
    }

    /// Returns the forms in which an existing index can serve a scope.
    fn shapes(&self, scope: &AccessScope<'_>, index: &IndexDefinition) -> Vec<IndexShape> {
        let textual = self.access.conjuncts().any(|conjunct| conjunct.textual) || !self.access.sort.is_empty();
        if index.is_hidden() || (index.option("collation").is_some() && textual) {
            return Vec::new();
        }
        let mut meets = 0;
        if let Some(Bson::Document(partial)) = index.option("partialFilterExpression") {
            match met(scope, partial) {
                Some(bits) => meets = bits,
                None => return Vec::new(),
            }
        }
        let sparse = index.has_flag("sparse");
        if let Some((field, _)) = index.key().iter().find(|(field, _)| field.ends_with("$**")) {
            let below = field.trim_end_matches("$**");
            let fields = self.access.conjuncts().map(|conjunct| &conjunct.field);
            let fields = fields.filter(|field| field.starts_with(below) && !field.is_empty());
            return fields
                .map(|field| IndexShape { sparse: true, ..IndexShape::new(vec![(field.clone(), 1)]) })
                .collect();
        }
        let Some(key) = super::requirements::plain_key(index) else { return Vec::new() };
        // A sparse index lacks documents that match null.
        let lacking = |(_, one): &(u32, &super::access::Conjunct)| {
            one.bound == KeyBound::Null && key.iter().any(|(field, _)| *field == one.field)
        };
        if sparse && scope.conjuncts.iter().any(lacking) {
            return Vec::new();
        }
        vec![IndexShape { key, sparse, meets }]
    }

    /// Returns the keys that may serve a scope: fields with fixed values first, then the sort and ranges in both orders.
    fn candidates(&self, scope: &AccessScope<'_>) -> Vec<IndexShape> {
        let (points, ranges) = self.fields(scope);
        let mut keys: Vec<Vec<(String, i32)>> = Vec::new();
        let mut prefixes = vec![self.with_leading(&points), Vec::new()];
        for first in &points {
            let mut prefix = vec![first.clone()];
            prefixes.push(prefix.clone());
            for field in points.iter().filter(|field| *field != first) {
                let key: Vec<_> = prefix.iter().chain([field]).map(|field| (field.clone(), 1)).collect();
                if self.can_be_built(&key) {
                    prefix.push(field.clone());
                    prefixes.push(prefix.clone());
                }
            }
        }
        for prefix in prefixes {
            let rest: Vec<String> = points.iter().filter(|field| !prefix.contains(field)).cloned().collect();
            for tail in tails(scope, &prefix, &ranges, &rest) {
                let mut key: Vec<_> = prefix.iter().map(|field| (field.clone(), 1)).collect();
                for part in tail {
                    if !key.iter().any(|(field, _)| *field == part.0) {
                        key.push(part);
                    }
                }
                if !key.is_empty() && !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        let covering: Vec<_> = keys.iter().filter_map(|key| self.covering(scope, key)).collect();
        keys.extend(covering);
        let exists = scope.conjuncts.iter().filter(|(_, one)| one.bound == KeyBound::Exists);
        let exists =
            exists.map(|(_, one)| IndexShape { sparse: true, ..IndexShape::new(vec![(one.field.clone(), 1)]) });
        let keys =
            keys.into_iter().filter(|key| key.len() <= MAX_FIELDS && self.can_be_built(key)).map(IndexShape::new);
        keys.filter(|index| index.key != [("_id".to_owned(), 1)]).chain(exists).collect()
    }

    /// Returns the fields with fixed values, the most selective first, and those with ranges.
    fn fields(&self, scope: &AccessScope<'_>) -> (Vec<String>, Vec<String>) {
        let (mut points, mut ranges) = (Vec::new(), Vec::new());
        for (_, conjunct) in &scope.conjuncts {
            let bounds = scope.bounds(&conjunct.field);
            let (fields, bits) = match (bounds.points, bounds.ranges) {
                (0, 0) => continue,
                (0, bits) => (&mut ranges, bits),
                (bits, _) => (&mut points, bits),
            };
            let found = (self.counts.share(bits), conjunct.field.clone());
            if !fields.contains(&found) {
                fields.push(found);
            }
        }
        for fields in [&mut points, &mut ranges] {
            fields.sort_by(|one, other| one.0.total_cmp(&other.0).then_with(|| one.1.cmp(&other.1)));
        }
        let names = |fields: Vec<(f64, String)>| fields.into_iter().map(|(_, field)| field).collect();
        (names(points), names(ranges))
    }

    /// Returns the fields in the order of an existing index that begins with some of them, so that the new index can replace it.
    fn with_leading(&self, points: &[String]) -> Vec<String> {
        let leading = |index: &IndexDefinition| -> Vec<String> {
            let keys = super::requirements::plain_key(index).unwrap_or_default().into_iter().map(|(key, _)| key);
            keys.take_while(|key| points.contains(key)).collect()
        };
        let mut fixed = self.existing.iter().map(leading).max_by_key(Vec::len).unwrap_or_default();
        let rest: Vec<_> = points.iter().filter(|field| !fixed.contains(field)).cloned().collect();
        fixed.extend(rest);
        fixed
    }

    /// Returns the key with the other fields that the command needs.
    fn covering(&self, scope: &AccessScope<'_>, key: &[(String, i32)]) -> Option<Vec<(String, i32)>> {
        let plain = scope.estimate(&IndexShape::new(key.to_vec()))?;
        #[allow(clippy::cast_precision_loss, reason = "a constant")]
        if plain.documents <= MIN_SPARED as f64 {
            return None;
        }
        let filtered = scope.conjuncts.iter().map(|(_, conjunct)| &conjunct.field);
        let needed = self.access.needed.iter().flatten().chain(filtered).filter(|field| !field.is_empty());
        let mut whole = key.to_vec();
        for field in needed {
            if !whole.iter().any(|(part, _)| part == field) {
                whole.push((field.clone(), 1));
            }
        }
        let enough = self.access.needed.is_some() || self.access.counts;
        (enough && whole.len() > key.len() && whole.len() <= MAX_COVERED).then_some(whole)
    }

    /// Returns whether no two fields pass through different arrays, which the server refuses for a document with both.
    fn can_be_built(&self, key: &[(String, i32)]) -> bool {
        let arrays: Vec<_> = key.iter().map(|(field, _)| self.counts.arrays_of(field)).collect();
        !arrays.iter().enumerate().any(|(at, one)| {
            let parallel = |other: &std::collections::BTreeSet<String>| {
                one.difference(other).next().is_some() && other.difference(one).next().is_some()
            };
            arrays[at + 1..].iter().any(parallel)
        })
    }
}

/// Returns the parts that may follow a prefix.
fn tails(scope: &AccessScope<'_>, prefix: &[String], ranges: &[String], rest: &[String]) -> Vec<Vec<(String, i32)>> {
    let ascending = |field: &String| (field.clone(), 1);
    let sort = if scope.sorted { scope.open_sort(prefix) } else { Vec::new() };
    let mut tails = vec![Vec::new(), sort.clone()];
    for range in ranges {
        tails.push([sort.clone(), vec![ascending(range)]].concat());
        tails.push([vec![ascending(range)], sort.clone()].concat());
        tails.push(vec![ascending(range)]);
        tails.extend(ranges.iter().map(|other| vec![ascending(range), ascending(other)]));
    }
    tails.push([sort.clone(), ranges.iter().map(ascending).collect()].concat());
    tails.push([sort.clone(), rest.iter().map(ascending).collect()].concat());
    if let Some(field) = &scope.access.distinct {
        tails.push(vec![ascending(field)]);
        tails.push([vec![ascending(field)], ranges.iter().map(ascending).collect()].concat());
    }
    tails
}

/// Returns the conditions that a partial index's filter repeats; `None` if it holds others.
fn met(scope: &AccessScope<'_>, partial: &Document) -> Option<u32> {
    let mut bits = 0;
    for (field, value) in partial {
        let value = match value {
            Bson::Document(value) if value.len() == 1 => {
                value.get("$eq").cloned().unwrap_or_else(|| value.clone().into())
            }
            other => other.clone(),
        };
        let same = |conjunct: &super::access::Conjunct| {
            let forms = [doc! { field: value.clone() }, doc! { field: { "$eq": value.clone() } }];
            let exists = value == Bson::from(doc! { "$exists": true })
                && matches!(conjunct.bound, KeyBound::Equal | KeyBound::Range | KeyBound::Exists)
                && conjunct.field == *field;
            exists || conjunct.filter.as_ref().is_some_and(|filter| forms.contains(filter))
        };
        bits |= scope.conjuncts.iter().find(|(_, conjunct)| same(conjunct))?.0;
    }
    Some(bits)
}

/// Returns the index that words or places need.
fn special(access: &CollectionAccess, counts: &AccessCounts, existing: &[IndexDefinition]) -> Option<ChosenIndex> {
    let is_special =
        |one: &super::access::Conjunct| matches!(one.bound, KeyBound::Sphere | KeyBound::Plane | KeyBound::Text);
    let (bit, conjunct) = access.common.iter().enumerate().find(|(_, one)| is_special(one))?;
    let is_place = |value: &Bson| matches!(value.as_str(), Some("2d" | "2dsphere"));
    let (key, exists): (Document, bool) = if conjunct.bound == KeyBound::Text {
        let fields = access.words.iter().map(|field| (field.clone(), "text".into()));
        (fields.collect(), existing.iter().any(IndexDefinition::is_text))
    } else {
        let kind = if conjunct.bound == KeyBound::Sphere { "2dsphere" } else { "2d" };
        let on = |index: &IndexDefinition| index.key().get(&conjunct.field).is_some_and(is_place);
        (doc! { &conjunct.field: kind }, existing.iter().any(on))
    };
    if exists || key.keys().all(String::is_empty) {
        return None;
    }
    // A cover of the area by cells holds some more documents.
    let found = counts.documents * counts.share(1 << bit);
    let cells =
        ReadEstimate { keys: found * 2.5 + 20.0, documents: found * 1.5 + 10.0, sorts: !access.sort.is_empty() };
    let expected = conjunct.filter.is_some().then_some(cells);
    Some(ChosenIndex { collection: access.collection.clone(), key, options: Document::new(), expected, array: None })
}
