//! Checks that the derive evaluates at compile time, where the types of several fields have to be known. A panic here is a compile error
//! at the key that the user wrote.

use super::declaration::{IndexField, IndexKind};
use super::nested::{Date, StoredArray, StoredMap};
use super::path::{DocumentRoot, FieldLocation, FieldPath, FieldSet, ListElement, MapEntry, MapKey, Nested, PathSteps};
use super::text::ConstText;

/// Returns the paths of a model's fields.
pub const fn root<M: Nested + 'static>() -> &'static M::Fields<M, DocumentRoot> {
    M::Fields::<M, DocumentRoot>::ALL
}

/// Returns the paths below `path`.
pub const fn nested_fields<M: 'static, T: Nested, P: FieldLocation>(
    _: &FieldPath<M, T, P>,
) -> &'static T::Fields<M, P> {
    T::Fields::<M, P>::ALL
}

/// Returns the path of the entry with the key of `K`, in the map at `path`.
pub const fn map_entry<K: MapKey, M: 'static, T: StoredMap, P: FieldLocation>(
    _: &FieldPath<M, T, P>,
) -> &'static FieldPath<M, T::Value, MapEntry<P, K>> {
    &FieldPath::NEW
}

/// Returns the path of the element at the position of `K`, in the array at `path`.
pub const fn list_element<K: MapKey, M: 'static, T: StoredArray, P: FieldLocation>(
    _: &FieldPath<M, T, P>,
) -> &'static FieldPath<M, T::Item, ListElement<P, K>> {
    &FieldPath::NEW
}

/// Returns the stored names on the path to a field that has a name of its own.
///
/// # Panics
///
/// Panics if the field is flattened.
#[track_caller]
pub const fn path_steps<M, T, P: FieldLocation>(_: &FieldPath<M, T, P>) -> &'static PathSteps {
    assert!(
        !P::STEPS.is_flattened(),
        "this field is flattened and has no stored name of its own: name one of the fields in it"
    );
    P::STEPS
}

/// Compiles only if the field is stored as a date.
pub const fn require_date<M, T: Date, P: FieldLocation>(_: &FieldPath<M, T, P>) {}

/// Fails to compile if MongoDB rejects arrays in the combination of these keys.
#[track_caller]
pub const fn check_arrays(keys: &[(IndexKind, &PathSteps)]) {
    let (mut hashed, mut ordered, mut at) = (false, true, 0);
    while at < keys.len() {
        hashed |= matches!(keys[at].0, IndexKind::Hashed);
        ordered &= !matches!(keys[at].0, IndexKind::Text { .. } | IndexKind::Sphere | IndexKind::Plane);
        at += 1;
    }
    at = 0;
    while at < keys.len() {
        if hashed {
            reject_hashed_array(keys[at]);
        }
        let mut other = 0;
        while other < at {
            check_pair(keys[other], keys[at], ordered);
            other += 1;
        }
        at += 1;
    }
}

/// Fails to compile if the key of a hashed index enters an array.
#[track_caller]
const fn reject_hashed_array((kind, steps): (IndexKind, &PathSteps)) {
    if steps.enters_array() {
        let name = steps.dotted();
        let rest = if matches!(kind, IndexKind::Hashed) {
            "` is or lies in an array, and MongoDB cannot hash arrays: index it in order, `= 1`"
        } else {
            "` is or lies in an array, and MongoDB refuses arrays beside `hashed` in one index: index it separately"
        };
        let why = ConstText::EMPTY.append("`").append(name.as_str()).append(rest);
        panic!("{}", why.as_str());
    }
}

/// `ordered` is true if all keys of the index are in order: only then does the server count an array of which a key names a position.
#[track_caller]
const fn check_pair(
    (kind, steps): (IndexKind, &PathSteps),
    (other_kind, other): (IndexKind, &PathSteps),
    ordered: bool,
) {
    let text = matches!(kind, IndexKind::Text { .. });
    let other_text = matches!(other_kind, IndexKind::Text { .. });
    if text && other_text {
        return;
    }
    if text && is_array_key(other_kind, other) {
        reject_array_beside_text(other);
    }
    if other_text && is_array_key(kind, steps) {
        reject_array_beside_text(steps);
    }
    let arrays = if ordered {
        steps.enters_array() && other.enters_array()
    } else {
        is_array_key(kind, steps) && is_array_key(other_kind, other)
    };
    if !text && !other_text && arrays && steps.parallel(other) {
        let (name, other) = (steps.dotted(), other.dotted());
        let why = ConstText::EMPTY.append("`").append(name.as_str()).append("` and `").append(other.as_str()).append(
            "` are both in arrays, and MongoDB refuses documents with two arrays in one index: index them separately",
        );
        panic!("{}", why.as_str());
    }
}

/// Returns whether a document can have several values at this path. Coordinates may be stored as an array, which is one value.
const fn is_array_key(kind: IndexKind, steps: &PathSteps) -> bool {
    steps.has_array() && !(matches!(kind, IndexKind::Sphere | IndexKind::Plane) && steps.ends_in_array())
}

#[track_caller]
const fn reject_array_beside_text(steps: &PathSteps) {
    let name = steps.dotted();
    let why = ConstText::EMPTY
        .append("`")
        .append(name.as_str())
        .append("` is or lies in an array, and MongoDB refuses arrays beside `text` in one index: index it separately");
    panic!("{}", why.as_str());
}

/// Fails to compile if a longer index, over the named fields, makes this one superfluous.
///
/// # Panics
///
/// Panics unless one of the fields that the longer index has in addition is or lies in an array: then it has many entries for a document,
/// and the shorter index reads fewer. Evaluated at compile time.
#[track_caller]
pub const fn check_prefix(names: &str, additional: &[&PathSteps]) {
    let mut at = 0;
    while at < additional.len() {
        if additional[at].has_array() {
            return;
        }
        at += 1;
    }
    let why = ConstText::EMPTY.append("the index on `").append(names).append(
        "` starts with these keys and serves the same queries: remove this one, or write `allow(prefix)` in it if it is needed",
    );
    panic!("{}", why.as_str());
}

/// Returns one field of an index.
pub const fn index_field(steps: &'static PathSteps, kind: IndexKind) -> IndexField {
    IndexField { path: steps.names(), kind }
}
