//! What a field's type says of its stored form: whether paths go on below it, whether it is an array, a map or a date.
//!
//! Invariant: the type is asked, not its spelling, so aliases work. Where a type cannot be asked (a type parameter, a type
//! that serializes in a way of its own), nothing is assumed, and no error is raised.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, LinkedList, VecDeque};
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use bson::oid::ObjectId;
use bson::{Bson, Document};

use super::path::{At, Holds, Nested};

/// A map, whose entries are stored as fields.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no map, and has no keys",
    label = "`[\"..\"]` names a key of a map or of a `Document`"
)]
pub trait Keyed {
    /// What the map holds.
    type Value;
}

/// A type that is stored as a BSON date, so that documents can expire by it.
///
/// MongoDB never deletes a document by a field that holds anything else, a date as text included, and does not say so. The
/// types of `jiff`, `chrono` and `time` serialize as text by themselves; a field with `#[serde(with = "..")]`
/// or `#[serde_as(..)]` is trusted to be stored as a date. Implement this for types of your own that wrap a
/// [`bson::DateTime`].
#[diagnostic::on_unimplemented(
    message = "documents cannot expire by a `{Self}`, which is not stored as a BSON date",
    label = "`expire_after` needs a date here",
    note = "use `bson::DateTime`, or have serde store a BSON date: \
            `#[serde_as(as = \"bson::serde_helpers::datetime::FromJiff02Timestamp\")]`",
    note = "for a type of your own that is stored as a date: `impl fastness::mongo::model::Date for {Self} {{}}`"
)]
pub trait Date {}

/// A type that is stored as an array.
pub trait Array {}

/// A type whose values are known.
pub trait Plain {
    /// What they are.
    const HOLDS: Holds;
}

/// A field that serde stores through a conversion, so that its type says nothing of its stored form.
#[derive(Debug)]
pub struct Converted<T>(PhantomData<fn() -> T>);

impl<T> Date for Converted<T> {}
impl Date for bson::DateTime {}

/// What is as its content is: absent or there, but in the same form.
macro_rules! transparent {
    ($($outer:ident),*) => { $(
        impl<T: Nested> Nested for $outer<T> {
            type Fields<M: 'static, P: At> = T::Fields<M, P>;
        }
        impl<T: Keyed> Keyed for $outer<T> {
            type Value = T::Value;
        }
        impl<T: Array> Array for $outer<T> {}
        impl<T: Date> Date for $outer<T> {}
        impl<T: Plain> Plain for $outer<T> {
            const HOLDS: Holds = T::HOLDS;
        }
    )* };
}
transparent!(Option, Box, Rc, Arc);

/// Arrays. MongoDB goes into them by itself, so that paths do not name them; a document expires by its earliest date.
macro_rules! array {
    ($($outer:ty, [$($generics:tt)*];)*) => { $(
        impl<T: Nested, $($generics)*> Nested for $outer {
            type Fields<M: 'static, P: At> = T::Fields<M, P>;
        }
        impl<T: Keyed, $($generics)*> Keyed for $outer {
            type Value = T::Value;
        }
        impl<T, $($generics)*> Array for $outer {}
        impl<T: Date, $($generics)*> Date for $outer {}
        impl<T: Plain, $($generics)*> Plain for $outer {
            const HOLDS: Holds = T::HOLDS;
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

impl<K, V, S> Keyed for HashMap<K, V, S> {
    type Value = V;
}
impl<K, V> Keyed for BTreeMap<K, V> {
    type Value = V;
}
impl Keyed for Document {
    type Value = Bson;
}
impl Keyed for Bson {
    type Value = Bson;
}

macro_rules! plain {
    ($($holds:ident: $($type:ty),*;)*) => { $($(
        impl Plain for $type {
            const HOLDS: Holds = Holds::$holds;
        }
    )*)* };
}
plain! {
    Bools: bool;
    Numbers: u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, f32, f64;
    Texts: String, char, Box<str>, Rc<str>, Arc<str>;
    Others: bson::DateTime, ObjectId, Document;
}

/// Asks a type what it is: its own constants if it has the trait, else those of [`Unknown`].
#[derive(Debug)]
pub struct Ask<T>(PhantomData<fn() -> T>);

impl<T: Array> Ask<T> {
    /// It is stored as an array.
    pub const ARRAY: bool = true;
}

impl<T: Plain> Ask<T> {
    /// What its values are.
    pub const HOLDS: Holds = T::HOLDS;
}

/// The answers for types that do not say.
pub trait Unknown {
    /// It is not known to be an array.
    const ARRAY: bool = false;
    /// Its values are not known.
    const HOLDS: Holds = Holds::Anything;
}

impl<T> Unknown for Ask<T> {}
