//! Facts about the stored form of a field's type: whether paths continue below it, and whether it is an array, a map or a date.
//!
//! Invariant: the type is asked, not its spelling, so type aliases work. A type without facts (a type parameter, a type with its own
//! `Serialize`) raises no error.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, LinkedList, VecDeque};
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use bson::oid::ObjectId;
use bson::{Bson, Document};

use super::path::{FieldLocation, Nested, ValueKind};

/// A map whose entries are stored as fields.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a map: it has no keys",
    label = "`[\"..\"]` names a key of a map or of a `Document`"
)]
pub trait StoredMap {
    /// Type of the map's values.
    type Value;
}

/// A type that is stored as a BSON date, so that documents can expire by it.
///
/// MongoDB silently never expires a document by a field of another type, a date as text included. The types of `jiff`, `chrono` and
/// `time` serialize as text by default; a field with `#[serde(with = "..")]` or `#[serde_as(..)]` is trusted to be stored as a date.
/// Implement this trait for types of your own that wrap a [`bson::DateTime`].
#[diagnostic::on_unimplemented(
    message = "documents cannot expire by a `{Self}`, which is not stored as a BSON date",
    label = "a date is needed here",
    note = "use `bson::DateTime`, or have serde store a BSON date: \
            `#[serde_as(as = \"bson::serde_helpers::datetime::FromJiff02Timestamp\")]`",
    note = "a number of seconds (Unix time) or a text never expires: convert it with `$toDate` in an update, and write \
            `bson::DateTime` as the type of the field",
    note = "for a type of your own that is stored as a date: `impl fastness::mongo::model::Date for {Self} {{}}`"
)]
pub trait Date {}

/// A type that is stored as an array.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not stored as an array: it has no positions",
    label = "a number names a position in a list",
    note = "for a map or a `Document`, name a key: `metadata[\"0\"]`"
)]
pub trait StoredArray {
    /// Type of the elements.
    type Item;
}

/// A type with a value that is stored as `null`.
pub trait Nullable {}

impl<T> Nullable for Option<T> {}

macro_rules! nullable {
    ($($outer:ident),*) => { $(impl<T: Nullable> Nullable for $outer<T> {})* };
}
nullable!(Box, Rc, Arc);

/// A type whose kind of values is known.
pub trait KnownValue {
    /// The kind of values; of an array, of the values in it, at any depth.
    const HOLDS: ValueKind;
    /// The same kind if every value is stored as one of it: neither in an array nor as `null`.
    const PLAIN: ValueKind = Self::HOLDS;
    /// The kind of every element of an array, where all elements are of one.
    const ITEMS: ValueKind = ValueKind::Anything;
}

/// A field that serde stores through a conversion, so that its type does not determine its stored form.
#[derive(Debug)]
pub struct Converted<T>(PhantomData<fn() -> T>);

impl<T> Date for Converted<T> {}
impl Date for bson::DateTime {}

/// Implements the facts of wrappers, which are stored as their content is, or not at all.
macro_rules! transparent {
    ($($outer:ident),*) => { $(
        impl<T: Nested> Nested for $outer<T> {
            type Fields<M: 'static, P: FieldLocation> = T::Fields<M, P>;
        }
        impl<T: StoredMap> StoredMap for $outer<T> {
            type Value = T::Value;
        }
        impl<T: StoredArray> StoredArray for $outer<T> {
            type Item = T::Item;
        }
        impl<T: Date> Date for $outer<T> {}
    )* };
}
transparent!(Option, Box, Rc, Arc);

impl<T: KnownValue> KnownValue for Option<T> {
    const HOLDS: ValueKind = T::HOLDS;
    const PLAIN: ValueKind = ValueKind::Anything;
    const ITEMS: ValueKind = T::ITEMS;
}

macro_rules! pointer {
    ($($outer:ident),*) => { $(
        impl<T: KnownValue> KnownValue for $outer<T> {
            const HOLDS: ValueKind = T::HOLDS;
            const PLAIN: ValueKind = T::PLAIN;
            const ITEMS: ValueKind = T::ITEMS;
        }
    )* };
}
pointer!(Box, Rc, Arc);

/// Implements the facts of arrays. MongoDB looks into them by itself, so paths do not name them; a document expires by its earliest date.
macro_rules! array {
    ($($outer:ty, [$($generics:tt)*];)*) => { $(
        impl<T: Nested, $($generics)*> Nested for $outer {
            type Fields<M: 'static, P: FieldLocation> = T::Fields<M, P>;
        }
        impl<T: StoredMap, $($generics)*> StoredMap for $outer {
            type Value = T::Value;
        }
        impl<T, $($generics)*> StoredArray for $outer {
            type Item = T;
        }
        impl<T: Date, $($generics)*> Date for $outer {}
        impl<T: KnownValue, $($generics)*> KnownValue for $outer {
            const HOLDS: ValueKind = T::HOLDS;
            const PLAIN: ValueKind = ValueKind::Anything;
            const ITEMS: ValueKind = T::PLAIN;
        }
    )* };
}
array! {
    Vec<T>, [];
    VecDeque<T>, [];
    LinkedList<T>, [];
    BTreeSet<T>, [];
    HashSet<T, S>, [S];
    [T; N], [const N: usize];
}

impl<K, V, S> StoredMap for HashMap<K, V, S> {
    type Value = V;
}
impl<K, V> StoredMap for BTreeMap<K, V> {
    type Value = V;
}
impl StoredMap for Document {
    type Value = Bson;
}
impl StoredMap for Bson {
    type Value = Bson;
}

macro_rules! plain {
    ($($holds:ident: $($type:ty),*;)*) => { $($(
        impl KnownValue for $type {
            const HOLDS: ValueKind = ValueKind::$holds;
        }
    )*)* };
}
plain! {
    Bools: bool;
    Numbers: u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, f32, f64;
    Texts: String, char, Box<str>, Rc<str>, Arc<str>;
    Dates: bson::DateTime;
    Ids: ObjectId;
    Others: Document;
}

/// Facts about the type `T`: its own constants where it implements the trait, else those of [`DefaultFacts`].
#[derive(Debug)]
pub struct TypeFacts<T>(PhantomData<fn() -> T>);

impl<T: StoredArray> TypeFacts<T> {
    /// True: the type is stored as an array.
    pub const ARRAY: bool = true;
}

impl<T: Nullable> TypeFacts<T> {
    /// True: a value of the type may be stored as `null`.
    pub const NULL: bool = true;
}

impl<T: KnownValue> TypeFacts<T> {
    /// Kind of the values.
    pub const HOLDS: ValueKind = T::HOLDS;
    /// Kind of every element of an array.
    pub const ITEMS: ValueKind = T::ITEMS;
}

/// The facts about a type without facts of its own.
pub trait DefaultFacts {
    /// False: the type is not known to be stored as an array.
    const ARRAY: bool = false;
    /// False: no value of the type is known to be stored as `null`.
    const NULL: bool = false;
    /// Unknown kind of values.
    const HOLDS: ValueKind = ValueKind::Anything;
    /// Unknown kind of elements.
    const ITEMS: ValueKind = ValueKind::Anything;
}

impl<T> DefaultFacts for TypeFacts<T> {}
