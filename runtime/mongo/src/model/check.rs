//! What the derive asks of paths at compile time: their names, and what only the types together can tell. A panic here is
//! a compile error on the key that the user wrote.

use super::declaration::{Field, Kind, Literal};
use super::nested::{Date, Keyed};
use super::path::{At, Entry, FieldSet, Holds, Key, Nested, Path, Root, Steps};
use super::text::Text;

/// The paths of a model's fields.
pub const fn root<M: Nested + 'static>() -> &'static M::Fields<M, Root> {
    M::Fields::<M, Root>::ALL
}

/// The paths below `path`.
pub const fn below<M: 'static, T: Nested, P: At>(_: &Path<M, T, P>) -> &'static T::Fields<M, P> {
    T::Fields::<M, P>::ALL
}

/// The entry of the map at `path` whose key is `K`'s.
pub const fn entry<K: Key, M: 'static, T: Keyed, P: At>(_: &Path<M, T, P>) -> &'static Path<M, T::Value, Entry<P, K>> {
    &Path::NEW
}

/// The way to a field with a name of its own.
///
/// # Panics
///
/// If the field is flattened.
#[track_caller]
pub const fn steps<M, T, P: At>(_: &Path<M, T, P>) -> &'static Steps {
    assert!(
        !P::STEPS.is_flattened(),
        "this field is flattened and has no stored name of its own: name one of the fields in it"
    );
    P::STEPS
}

/// The way to a date.
pub const fn date<M, T: Date, P: At>(_: &Path<M, T, P>) {}

/// Fails if documents cannot be indexed by these keys, since several of them are arrays.
#[track_caller]
pub const fn arrays(keys: &[(Kind, &Steps)]) {
    let mut at = 0;
    while at < keys.len() {
        hashed(keys[at]);
        let mut other = 0;
        while other < at {
            together(keys[other], keys[at]);
            other += 1;
        }
        at += 1;
    }
}

#[track_caller]
const fn hashed((kind, steps): (Kind, &Steps)) {
    if matches!(kind, Kind::Hashed) && steps.has_array() {
        let name = steps.dotted();
        let why = Text::EMPTY
            .and("`")
            .and(name.as_str())
            .and("` is or lies in an array, and MongoDB hashes no arrays: index it in order, `= 1`");
        panic!("{}", why.as_str());
    }
}

#[track_caller]
const fn together((kind, steps): (Kind, &Steps), (other_kind, other): (Kind, &Steps)) {
    let text = matches!(kind, Kind::Text { .. });
    let other_text = matches!(other_kind, Kind::Text { .. });
    if text && other_text {
        return;
    }
    if text && array(other_kind, other) {
        beside_text(other);
    }
    if other_text && array(kind, steps) {
        beside_text(steps);
    }
    if !text && !other_text && array(kind, steps) && array(other_kind, other) && steps.parallel(other) {
        let (name, other) = (steps.dotted(), other.dotted());
        let why =
            Text::EMPTY.and("`").and(name.as_str()).and("` and `").and(other.as_str()).and(
                "` are both in arrays, and MongoDB refuses documents with two arrays in one index: index them apart",
            );
        panic!("{}", why.as_str());
    }
}

/// A place may be stored as an array of two coordinates, which is one value.
const fn array(kind: Kind, steps: &Steps) -> bool {
    steps.has_array() && !(matches!(kind, Kind::Sphere | Kind::Plane) && steps.ends_in_array())
}

#[track_caller]
const fn beside_text(steps: &Steps) {
    let name = steps.dotted();
    let why = Text::EMPTY
        .and("`")
        .and(name.as_str())
        .and("` is or lies in an array, and MongoDB refuses arrays beside `text` in one index: index it apart");
    panic!("{}", why.as_str());
}

/// Fails if no value of the field can be compared with the literals.
///
/// # Panics
///
/// Then, and this is how it fails.
#[track_caller]
pub const fn compares(steps: &Steps, literals: &[Literal]) {
    let mut at = 0;
    while at < literals.len() {
        let (fits, what) = match (steps.holds, literals[at]) {
            (Holds::Anything, _)
            | (Holds::Bools, Literal::Bool(_))
            | (Holds::Numbers, Literal::Int(_) | Literal::Double(_))
            | (Holds::Texts, Literal::Text(_)) => (true, ""),
            (Holds::Bools, _) => (false, "a boolean: compare it with `true` or `false`"),
            (Holds::Numbers, _) => (false, "a number: compare it with one, without quotes"),
            (Holds::Texts, _) => (false, "a string: compare it with one, in quotes"),
            (Holds::Others, _) => (false, "neither a string, a number nor a boolean: write `exists(..)`"),
        };
        if !fits {
            let name = steps.dotted();
            let why = Text::EMPTY.and("`").and(name.as_str()).and("` is ").and(what);
            panic!("{}", why.as_str());
        }
        at += 1;
    }
}

/// One field of an index.
pub const fn field(steps: &'static Steps, kind: Kind) -> Field {
    Field { path: steps.names(), kind }
}
