//! Estimates of the documents and index entries that an access reads by an index, from counts.

use std::collections::BTreeSet;

use super::access::{CollectionAccess, Conjunct, KeyBound};
use super::counts::AccessCounts;

/// Estimated reads of an access.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ReadEstimate {
    pub(super) keys: f64,
    pub(super) documents: f64,
    /// True if the result is sorted in memory.
    pub(super) sorts: bool,
}

/// Fields and directions of an index, and the documents that it contains.
#[derive(Clone, Debug)]
pub(super) struct IndexShape {
    pub(super) key: Vec<(String, i32)>,
    /// True if it lacks the documents without its fields.
    pub(super) sparse: bool,
    /// Conditions that all documents in it meet.
    pub(super) meets: u32,
}

/// Conditions that one index has to serve: all of an access, or those of one branch.
pub(super) struct AccessScope<'a> {
    pub(super) access: &'a CollectionAccess,
    pub(super) counts: &'a AccessCounts,
    /// Conditions with their bits.
    pub(super) conjuncts: Vec<(u32, &'a Conjunct)>,
    /// Number of documents that the access returns from the scope.
    pub(super) matches: f64,
    pub(super) sorted: bool,
}

/// Maximum number of lists' combinations whose sorted results the server merges (`internalQueryMaxScansToExplode`).
const MAX_MERGED: usize = 200;

/// Entries of an array, if an index on it is read for another field.
const ELEMENTS: f64 = 3.0;

/// Factor by which the matches may stand further apart in an index than on average.
const SCATTER: f64 = 4.0;

/// Bounds of one field.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FieldBounds {
    /// Conditions that fix its value.
    pub(super) points: u32,
    /// Conditions that limit it to intervals.
    pub(super) ranges: u32,
    /// Number of fixed values.
    pub(super) values: usize,
}

impl IndexShape {
    pub(super) fn new(key: Vec<(String, i32)>) -> Self {
        Self { key, sparse: false, meets: 0 }
    }
}

impl ReadEstimate {
    pub(super) fn reads(&self) -> f64 {
        self.keys + self.documents
    }
}

impl AccessScope<'_> {
    /// Returns the bits of all conditions.
    pub(super) fn all(&self) -> u32 {
        self.conjuncts.iter().map(|(bit, _)| bit).sum()
    }

    fn share(&self, bits: u32) -> f64 {
        self.counts.share(bits)
    }

    fn is_array(&self, field: &str) -> bool {
        !self.counts.arrays_of(field).is_empty()
    }

    /// Returns the bounds that the conditions on a field have in an index. An array has the bounds of one condition only.
    pub(super) fn bounds(&self, field: &str) -> FieldBounds {
        let array = self.is_array(field);
        let usable =
            self.conjuncts.iter().filter(|(_, conjunct)| conjunct.field == field && !(array && conjunct.scalar));
        let mut bounds = FieldBounds { values: 1, ..FieldBounds::default() };
        for (bit, conjunct) in usable {
            let bits = match conjunct.bound {
                _ if conjunct.is_point() => &mut bounds.points,
                KeyBound::Range => &mut bounds.ranges,
                _ => continue,
            };
            let better = !array || *bits == 0 || self.counts.share(*bit) < self.counts.share(*bits);
            if better {
                *bits = if array { *bit } else { *bits | bit };
                if let KeyBound::List(values) = conjunct.bound {
                    bounds.values = values;
                }
            }
        }
        bounds
    }

    /// Returns the bits of conditions on a field that are checked on its index entries.
    fn checked(&self, field: &str) -> u32 {
        if self.is_array(field) {
            return 0;
        }
        let on =
            self.conjuncts.iter().filter(|(_, conjunct)| conjunct.field == field && conjunct.bound != KeyBound::Exists);
        on.map(|(bit, _)| bit).sum()
    }

    /// Returns the `$elemMatch` with a condition on a field.
    fn element_of(&self, field: &str) -> Option<usize> {
        self.conjuncts.iter().find(|(_, conjunct)| conjunct.field == field).and_then(|(_, conjunct)| conjunct.element)
    }

    /// Estimates the reads by an index; `None` if the server would not use it.
    pub(super) fn estimate(&self, index: &IndexShape) -> Option<ReadEstimate> {
        let walk = self.walk(index);
        let limit = to_f64(self.access.limit);
        let served = self.sorted && self.serves_sort(index, &walk);
        if walk.bits == 0 && !served && !self.is_distinct(index, &walk) {
            return None;
        }
        let mut keys = self.counts.documents * self.share(walk.bits) * walk.inflation;
        let mut documents = self.counts.documents * self.share(walk.bits | walk.checked);
        if self.access.limit > 0 && (served || !self.sorted) && self.matches > limit {
            // Matches may stand far apart in the order of the index.
            let open = |bits: u32| if self.all() & !bits == 0 { 1.0 } else { SCATTER };
            keys *= (limit / self.matches * open(walk.bits)).min(1.0);
            documents *= (limit / self.matches * open(walk.bits | walk.checked)).min(1.0);
        }
        keys += to_f64(walk.lists as u64);
        if self.is_distinct(index, &walk) && (served || !self.sorted) {
            let field = self.access.distinct.as_deref().unwrap_or_default();
            return Some(ReadEstimate {
                keys: self.counts.distinct_values(field).min(keys),
                documents: 0.0,
                sorts: false,
            });
        }
        if self.is_covered(index, &walk) {
            documents = 0.0;
        }
        Some(ReadEstimate { keys, documents, sorts: self.sorted && !served })
    }

    /// Estimates the reads by a unique index, of which an equality of all fields finds one document.
    pub(super) fn of_unique(&self, index: &IndexShape) -> Option<ReadEstimate> {
        let walk = self.walk(index);
        if walk.points < index.key.len() || walk.lists > 1 {
            return self.estimate(index);
        }
        Some(ReadEstimate { keys: 1.0, documents: 1.0, sorts: false })
    }

    /// Follows the key as far as the conditions bound it.
    fn walk(&self, index: &IndexShape) -> KeyWalk {
        let mut walk = KeyWalk { bits: index.meets, checked: 0, points: 0, lists: 1, inflation: 1.0 };
        let mut arrays = BTreeSet::new();
        let mut open = true;
        let mut last = None;
        for (at, (field, _)) in index.key.iter().enumerate() {
            let bounds = self.bounds(field);
            let in_arrays = self.counts.arrays_of(field);
            // Conditions on two fields of one array may be met by different elements.
            let element = self.element_of(field);
            let apart = in_arrays.iter().any(|path| arrays.contains(path)) && (element.is_none() || element != last);
            last = element;
            let bounded = open && !apart && (bounds.points | bounds.ranges) != 0;
            if bounded && bounds.points != 0 {
                walk.bits |= bounds.points;
                walk.lists = walk.lists.saturating_mul(bounds.values);
                walk.points = at + 1;
            } else if bounded {
                walk.bits |= bounds.ranges;
                open = false;
            } else {
                if open && index.sparse {
                    walk.bits |= self.exists(field);
                }
                open = false;
                walk.inflation *= if in_arrays.is_empty() { 1.0 } else { ELEMENTS };
            }
            walk.checked |= self.checked(field);
            arrays.extend(in_arrays);
        }
        walk
    }

    fn exists(&self, field: &str) -> u32 {
        let on = self.conjuncts.iter().filter(|(_, one)| one.field == field && one.bound == KeyBound::Exists);
        on.map(|(bit, _)| bit).sum()
    }

    /// Returns the sort without the fields that have one value.
    pub(super) fn open_sort(&self, fixed: &[String]) -> Vec<(String, i32)> {
        let one = |field: &String| {
            let bounds = self.bounds(field);
            fixed.contains(field) && bounds.points != 0 && bounds.values == 1 && !self.is_array(field)
        };
        self.access.sort.iter().filter(|(field, _)| !one(field)).cloned().collect()
    }

    fn serves_sort(&self, index: &IndexShape, walk: &KeyWalk) -> bool {
        let fixed: Vec<String> = index.key[..walk.points].iter().map(|(field, _)| field.clone()).collect();
        let sort = self.open_sort(&fixed);
        let rest = &index.key[walk.points..];
        let in_order =
            |turned: i32| sort.iter().zip(rest).all(|(one, other)| one.0 == other.0 && one.1 == other.1 * turned);
        walk.lists <= MAX_MERGED
            && sort.len() <= rest.len()
            && (in_order(1) || in_order(-1))
            && !index.sparse
            && !sort.iter().any(|(field, _)| self.is_array(field))
    }

    fn is_distinct(&self, index: &IndexShape, walk: &KeyWalk) -> bool {
        let Some(distinct) = &self.access.distinct else { return false };
        let next = index.key.get(walk.points).is_some_and(|(field, _)| field == distinct);
        let points = self.conjuncts.iter().all(|(bit, one)| one.is_point() && walk.bits & bit != 0);
        points && walk.lists == 1 && next && !index.sparse
    }

    fn is_covered(&self, index: &IndexShape, walk: &KeyWalk) -> bool {
        let in_key = |field: &String| index.key.iter().any(|(part, _)| part == field);
        let met = self.all() & !(walk.bits | walk.checked) == 0;
        let plain = !self
            .conjuncts
            .iter()
            .any(|(_, one)| matches!(one.bound, KeyBound::Null | KeyBound::Free | KeyBound::Exists));
        let needed = self.access.counts || self.access.needed.as_ref().is_some_and(|needed| needed.iter().all(in_key));
        // An index entry with a collation lacks the text.
        let text = self.access.collation.is_some() && self.conjuncts.iter().any(|(_, one)| one.textual);
        needed && met && plain && !text && !index.key.iter().any(|(field, _)| self.is_array(field))
    }
}

/// Bounds of a key.
struct KeyWalk {
    /// Conditions that bound the entries.
    bits: u32,
    /// Conditions that are checked on the entries.
    checked: u32,
    /// Number of leading fields with fixed values.
    points: usize,
    /// Number of combinations of fixed values.
    lists: usize,
    /// Factor by which arrays multiply the entries.
    inflation: f64,
}

#[allow(clippy::cast_precision_loss, reason = "estimates")]
fn to_f64(count: u64) -> f64 {
    count as f64
}
