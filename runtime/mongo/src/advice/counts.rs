//! Counts of the documents that meet the conditions of an access, under a bound.

use std::collections::{BTreeMap, BTreeSet};

use bson::{Document, doc};
use mongodb::Database;
use mongodb::options::{ReadPreference, SelectionCriteria};

use super::access::{CollectionAccess, Conjunct, KeyBound, MeasuredReads};
use crate::command::documents;
use crate::conversions::read_count;
use crate::error::Error;

/// Number of documents up to which a collection is counted as a whole.
const MAX_WHOLE: u64 = 20_000;

/// Number of documents that are drawn from a larger collection.
const SAMPLE: i64 = 2_000;

/// Time limit of a count on the server, in milliseconds.
const MAX_MILLIS: i64 = 2_000;

/// Number of documents of a sample that have to meet conditions together for their share to be known.
const MIN_COUNT: f64 = 3.0;

/// Maximum number of combinations that are counted.
const MAX_COMBINATIONS: usize = 64;

/// Counts of one access. Bit `n` of a combination stands for its `n`th condition.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccessCounts {
    /// Number of documents of the collection.
    pub(super) documents: f64,
    /// Number of documents that were counted.
    counted: f64,
    combinations: BTreeMap<u32, f64>,
    /// Shares of conditions that could not be counted, by their bit.
    assumed: BTreeMap<u32, f64>,
    /// Documents that meet the whole filter.
    whole: f64,
    /// Paths at which a document has an array.
    arrays: BTreeSet<String>,
    /// Number of distinct values of a field.
    distinct: BTreeMap<String, f64>,
}

impl AccessCounts {
    /// Counts, in one aggregation that reads at most 40 000 documents, or 2 000 of a larger collection.
    pub(crate) async fn count(db: &Database, access: &CollectionAccess) -> Result<Self, Error> {
        let action = || format!("count documents of `{}.{}`", db.name(), access.collection);
        let near = || SelectionCriteria::ReadPreference(ReadPreference::SecondaryPreferred { options: None });
        let size = db.run_command(doc! { "count": &access.collection, "maxTimeMS": MAX_MILLIS });
        let size = size.selection_criteria(near()).await.map_err(|error| Error::from_driver(action(), &error))?;
        let size = read_count(size.get("n"));
        let request = CountRequest::new(access);
        let mut stages = Vec::new();
        if size > MAX_WHOLE {
            stages.push(doc! { "$sample": { "size": SAMPLE } });
        }
        stages.push(doc! { "$facet": request.facets() });
        let mut command =
            doc! { "aggregate": &access.collection, "pipeline": stages, "cursor": {}, "maxTimeMS": MAX_MILLIS };
        if let Some(collation) = &access.collation {
            command.insert("collation", collation.clone());
        }
        let found = documents(db.run_cursor_command(command).selection_criteria(near())).await;
        let found = found.map_err(|error| Error::from_driver(action(), &error))?;
        Ok(request.read(access, size, found.first().unwrap_or(&Document::new())))
    }

    /// Returns counts as if each equality met one document of a hundred, each range half of them, and each pattern a tenth.
    #[cfg(test)]
    pub(super) fn assumed(access: &CollectionAccess, documents: f64) -> Self {
        let shares = access.conjuncts().enumerate().map(|(bit, conjunct)| (1 << bit, share(conjunct)));
        Self { documents, counted: documents, assumed: shares.collect(), whole: -1.0, ..Self::default() }
    }

    /// Returns counts of a sample.
    #[cfg(test)]
    pub(super) fn sampled(documents: f64, counted: f64, combinations: &[(u32, f64)]) -> Self {
        Self { documents, counted, combinations: combinations.iter().copied().collect(), ..Self::default() }
    }

    /// Returns the share of the documents that meet all conditions of a combination.
    pub(super) fn share(&self, combination: u32) -> f64 {
        let mut share = 1.0;
        let mut countable = combination;
        for (bit, assumed) in &self.assumed {
            if combination & bit != 0 {
                share *= assumed;
                countable &= !bit;
            }
        }
        share * self.counted_share(countable)
    }

    fn counted_share(&self, combination: u32) -> f64 {
        if combination == 0 {
            return 1.0;
        }
        let contained = self.combinations.iter().filter(|(known, _)| *known & !combination == 0);
        let exact = self.combinations.get(&combination).copied();
        let count = exact.or_else(|| contained.map(|(_, count)| *count).min_by(f64::total_cmp));
        let Some(count) = count else { return 1.0 };
        let share = |count: f64| (count / self.counted.max(1.0)).min(1.0);
        if self.counted >= self.documents || count >= MIN_COUNT {
            return share(count);
        }
        // So few of a sample say little: the conditions are taken to be independent. None of a sample may still be some of all.
        let single = (0..u32::BITS).map(|bit| 1 << bit).filter(|bit| combination & bit != 0);
        let single = single.map(|bit| share(self.combinations.get(&bit).copied().unwrap_or(self.counted).max(0.5)));
        single.product::<f64>().min(share(count.max(0.5)))
    }

    /// Returns the number of documents that meet the whole filter.
    pub(super) fn matches(&self, all: u32) -> f64 {
        if self.whole < 0.0 {
            return self.documents * self.share(all);
        }
        let assumed: f64 = self.assumed.values().product();
        self.documents * assumed * (self.whole / self.counted.max(1.0)).min(1.0)
    }

    /// Returns the paths at which a field passes through or ends in an array.
    pub(super) fn arrays_of(&self, field: &str) -> BTreeSet<String> {
        paths(field).filter(|path| self.arrays.contains(path)).collect()
    }

    /// Notes that a field passes through arrays, as an existing index states.
    pub(crate) fn add_arrays(&mut self, paths: impl IntoIterator<Item = String>) {
        self.arrays.extend(paths);
    }

    /// Bounds measured reads by those of the whole collection, if they are those of a join, which reads it many times.
    pub(crate) fn bounded(&self, measured: Option<MeasuredReads>) -> Option<MeasuredReads> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let all = self.documents as u64;
        measured
            .map(|one| if one.reads == u64::MAX { MeasuredReads { reads: all, documents: all, ..one } } else { one })
    }

    /// Returns the number of distinct values of a field.
    pub(super) fn distinct_values(&self, field: &str) -> f64 {
        self.distinct.get(field).copied().unwrap_or(self.documents)
    }
}

/// Share that is assumed of a condition that cannot be counted.
fn share(conjunct: &Conjunct) -> f64 {
    match conjunct.bound {
        KeyBound::Equal | KeyBound::Null | KeyBound::Joined | KeyBound::Text | KeyBound::Sphere | KeyBound::Plane => {
            0.01
        }
        #[allow(clippy::cast_precision_loss, reason = "a share")]
        KeyBound::List(values) => (0.01 * values as f64).min(0.9),
        KeyBound::Range if conjunct.textual => 0.1,
        KeyBound::Range => 0.5,
        KeyBound::Exists | KeyBound::Free => 1.0,
    }
}

/// The parts of the aggregation that counts.
struct CountRequest {
    combinations: BTreeMap<u32, Document>,
    whole: Document,
    paths: Vec<String>,
    distinct: Vec<String>,
}

impl CountRequest {
    fn new(access: &CollectionAccess) -> Self {
        let conjuncts: Vec<_> = access.conjuncts().collect();
        let filter = |combination: u32| {
            let parts = conjuncts.iter().enumerate().filter(|(bit, _)| combination & (1 << bit) != 0);
            CollectionAccess::filter_of(parts.map(|(_, conjunct)| *conjunct))
        };
        let mut wanted = Vec::new();
        let common = (1_u32 << access.common.len()) - 1;
        let mut first = access.common.len();
        if access.branches.is_empty() {
            combinations(common, &mut wanted);
        }
        for branch in &access.branches {
            combinations(common | (((1 << branch.len()) - 1) << first), &mut wanted);
            first += branch.len();
        }
        let countable = wanted.into_iter().filter_map(|combination| Some((combination, filter(combination)?)));
        let fields = conjuncts.iter().map(|conjunct| conjunct.field.as_str());
        let fields = fields.chain(access.sort.iter().map(|(field, _)| field.as_str()));
        let fields = fields.chain(access.needed.iter().flatten().map(String::as_str)).chain(access.distinct.as_deref());
        let joined = conjuncts.iter().filter(|conjunct| conjunct.bound == KeyBound::Joined);
        let joined = joined.map(|conjunct| conjunct.field.clone());
        let all_paths: BTreeSet<_> = fields.filter(|field| !field.is_empty()).flat_map(paths).collect();
        Self {
            combinations: countable.take(MAX_COMBINATIONS).collect(),
            whole: whole(access),
            paths: all_paths.into_iter().collect(),
            distinct: joined.chain(access.distinct.clone()).collect(),
        }
    }

    fn facets(&self) -> Document {
        let count = || doc! { "$count": "n" };
        let matching = |filter: &Document| vec![doc! { "$match": filter.clone() }, count()];
        let mut facets = doc! { "all": [count()], "whole": matching(&self.whole) };
        for (combination, filter) in &self.combinations {
            facets.insert(format!("c{combination}"), matching(filter));
        }
        for (number, path) in self.paths.iter().enumerate() {
            let array = doc! { "$match": { path: { "$type": "array" } } };
            facets.insert(format!("a{number}"), vec![array, doc! { "$limit": 1 }, count()]);
        }
        for (number, field) in self.distinct.iter().enumerate() {
            let groups = doc! { "$group": { "_id": format!("${field}") } };
            facets.insert(format!("d{number}"), vec![groups, count()]);
        }
        facets
    }

    #[allow(clippy::cast_precision_loss, reason = "estimates")]
    fn read(&self, access: &CollectionAccess, size: u64, reply: &Document) -> AccessCounts {
        let count = |name: &str| {
            let found = reply.get_array(name).ok().and_then(|found| found.first()?.as_document());
            read_count(found.and_then(|found| found.get("n"))) as f64
        };
        let distinct = self.distinct.iter().enumerate();
        let distinct: BTreeMap<_, _> = distinct.map(|(n, field)| (field.clone(), count(&format!("d{n}")))).collect();
        let uncounted = access.conjuncts().enumerate().filter(|(_, conjunct)| conjunct.filter.is_none());
        let assumed = uncounted.map(|(bit, conjunct)| match conjunct.bound {
            KeyBound::Joined => (1 << bit, 1.0 / distinct.get(&conjunct.field).copied().unwrap_or(1.0).max(1.0)),
            _ => (1 << bit, share(conjunct)),
        });
        let arrays = self.paths.iter().enumerate().filter(|(number, _)| count(&format!("a{number}")) > 0.0);
        let combinations = self.combinations.keys();
        AccessCounts {
            documents: size as f64,
            counted: count("all"),
            combinations: combinations.map(|bits| (*bits, count(&format!("c{bits}")))).collect(),
            assumed: assumed.collect(),
            whole: count("whole"),
            arrays: arrays.map(|(_, path)| path.clone()).collect(),
            distinct,
        }
    }
}

/// Returns the countable part of the whole filter.
fn whole(access: &CollectionAccess) -> Document {
    let countable = |conjuncts: &[Conjunct]| {
        CollectionAccess::filter_of(conjuncts.iter().filter(|conjunct| conjunct.filter.is_some())).unwrap_or_default()
    };
    let mut whole = countable(&access.common);
    if !access.branches.is_empty() {
        whole.insert("$or", access.branches.iter().map(|branch| countable(branch)).collect::<Vec<_>>());
    }
    whole
}

/// Adds the combinations of these bits: all if there are few bits, otherwise single bits, pairs, and all of them.
fn combinations(bits: u32, wanted: &mut Vec<u32>) {
    let single: Vec<u32> = (0..u32::BITS).map(|bit| 1 << bit).filter(|bit| bits & bit != 0).collect();
    let mut add = |combination: u32| {
        if combination != 0 && !wanted.contains(&combination) {
            wanted.push(combination);
        }
    };
    add(bits);
    if single.len() <= 4 {
        for chosen in 0..1_u32 << single.len() {
            let members = single.iter().enumerate().filter(|(number, _)| chosen & (1 << number) != 0);
            add(members.map(|(_, bit)| bit).sum());
        }
        return;
    }
    for one in &single {
        add(*one);
    }
    for one in &single {
        for other in &single {
            add(one | other);
        }
    }
}

/// Returns a field's path and its beginnings: `a`, `a.b`.
fn paths(field: &str) -> impl Iterator<Item = String> {
    let ends = field.match_indices('.').map(|(end, _)| end).chain([field.len()]);
    ends.map(|end| field[..end].to_owned())
}
