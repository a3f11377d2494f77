//! Fields of a document as typed values, so that the compiler checks a path and knows its name.
//!
//! Flow: `#[derive(Indexed)]` lists a struct's fields as [`StoredField`]s and generates a struct of [`FieldPath`]s with the same names. A
//! [`FieldPath`] to a nested struct dereferences to the paths of that struct's fields. The location of a field is a type that implements
//! [`FieldLocation`]; names are constants of that type.
//!
//! Invariants: paths are zero-sized, and nothing is built at run time. A recursive struct works, because the paths below a field are
//! instantiated only where they are named.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use super::text::ConstText;

/// A field of type `T` in documents of the model `M`: `Product::fields().price` is a `FieldPath<Product, f64, _>`.
///
/// The path stands wherever a field name does, such as a key in `doc!`. Paths continue below it if `T` is a struct that derives
/// `Indexed`, or an `Option`, a `Vec` or a smart pointer of such a struct.
///
/// ```
/// use bson::doc;
/// use fastness::Indexed;
///
/// #[derive(Indexed)]
/// #[indexed(collection = "products")]
/// struct Product {
///     #[index]
///     price: f64,
///     maker: Maker,
/// }
///
/// #[derive(Indexed)]
/// struct Maker {
///     country: String,
/// }
///
/// let product = Product::fields();
/// assert_eq!(product.price.name(), "price");
/// assert_eq!(product.maker.country.name(), "maker.country");
///
/// let filter = doc! { product.price: { "$lt": 10.0 }, product.maker.country: "FR" };
/// assert_eq!(filter, doc! { "price": { "$lt": 10.0 }, "maker.country": "FR" });
/// ```
#[allow(clippy::type_complexity, reason = "nothing is stored")]
pub struct FieldPath<M, T, P>(PhantomData<fn() -> (M, T, P)>);

impl<M, T, P> FieldPath<M, T, P> {
    #[doc(hidden)]
    pub const NEW: Self = Self(PhantomData);
}

impl<M, T, P: FieldLocation> FieldPath<M, T, P> {
    /// Returns the stored name, with dots between the names of nested fields.
    pub const fn name(&self) -> &'static str {
        P::NAME.as_str()
    }

    /// Returns the stored names from the document down to the field.
    pub const fn names(&self) -> &'static [&'static str] {
        P::STEPS.names()
    }
}

impl<M, T, P> Clone for FieldPath<M, T, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M, T, P> Copy for FieldPath<M, T, P> {}

impl<M, T, P: FieldLocation> fmt::Debug for FieldPath<M, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FieldPath").field(&self.name()).finish()
    }
}

impl<M, T, P: FieldLocation> fmt::Display for FieldPath<M, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl<M, T, P: FieldLocation> From<FieldPath<M, T, P>> for String {
    fn from(path: FieldPath<M, T, P>) -> Self {
        path.name().to_owned()
    }
}

impl<M: 'static, T: Nested, P: FieldLocation> Deref for FieldPath<M, T, P> {
    type Target = T::Fields<M, P>;

    fn deref(&self) -> &Self::Target {
        T::Fields::<M, P>::ALL
    }
}

/// A type whose fields a path can name.
///
/// Implemented by `#[derive(Indexed)]`, and for `Option`, `Box`, `Rc`, `Arc`, lists and sets of such a type.
#[diagnostic::on_unimplemented(
    message = "the fields of `{Self}` are not known",
    label = "no path goes on below this one",
    note = "derive `Indexed` for `{Self}`: without `#[indexed(collection = \"..\")]` it only lists its fields",
    note = "for a map or a `Document`, name a key: `metadata[\"color\"]`"
)]
pub trait Nested {
    /// Paths of the fields, in documents of `M`, where this type is stored at `P`.
    type Fields<M: 'static, P: FieldLocation>: FieldSet;
}

/// Paths of all fields of a struct; the derive generates such a type.
pub trait FieldSet: 'static {
    /// The only value of the type.
    const ALL: &'static Self;
}

/// Location of a field in a document, as a type.
pub trait FieldLocation: 'static {
    /// The stored names on the path to the field.
    const STEPS: &'static PathSteps;

    /// The dotted name of the field.
    const NAME: &'static ConstText = &Self::STEPS.dotted();
}

/// The document itself.
#[derive(Debug)]
pub enum DocumentRoot {}

impl FieldLocation for DocumentRoot {
    const STEPS: &'static PathSteps = &PathSteps::NONE;
}

/// The field `I` of the struct `S`, which is stored at `P`.
#[derive(Debug)]
pub struct StructField<P, S, const I: usize>(PhantomData<fn() -> (P, S)>);

impl<P: FieldLocation, S: StoredFields, const I: usize> FieldLocation for StructField<P, S, I> {
    const STEPS: &'static PathSteps = &P::STEPS.with(&S::SEGMENTS[I]);
}

/// The map entry with the key of `K`, in the map stored at `P`.
#[derive(Debug)]
pub struct MapEntry<P, K>(PhantomData<fn() -> (P, K)>);

impl<P: FieldLocation, K: MapKey> FieldLocation for MapEntry<P, K> {
    const STEPS: &'static PathSteps = &P::STEPS.with(&StoredField::unknown(K::KEY));
}

/// The element at the position of `K`, in the array stored at `P`.
#[derive(Debug)]
pub struct ListElement<P, K>(PhantomData<fn() -> (P, K)>);

impl<P: FieldLocation, K: MapKey> FieldLocation for ListElement<P, K> {
    const STEPS: &'static PathSteps = &P::STEPS.element(K::KEY);
}

/// A key of a map or a position in an array, as a type.
pub trait MapKey: 'static {
    /// The key.
    const KEY: &'static str;
}

/// The fields of a struct, as they are stored.
pub trait StoredFields: 'static {
    /// Stored fields, in the order of the struct.
    const SEGMENTS: &'static [StoredField];
}

/// A field of a struct, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredField {
    /// Stored name; `None` if the field is flattened into the struct.
    pub name: Option<&'static str>,
    /// True if the field is stored as an array.
    pub array: bool,
    /// True if a field without a value is stored as `null`.
    pub null: bool,
    /// True if `null` is a value of the field's type, though serde may leave it out.
    pub nullable: bool,
    /// Kind of the values.
    pub holds: ValueKind,
    /// Kind of every element, if the field is stored as an array.
    pub items: ValueKind,
}

impl StoredField {
    /// A field of this name about which nothing else is known.
    pub(crate) const fn unknown(name: &'static str) -> Self {
        let (holds, items) = (ValueKind::Anything, ValueKind::Anything);
        Self { name: Some(name), array: false, null: false, nullable: false, holds, items }
    }
}

/// Kind of a field's values, as far as conditions of partial indexes need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Unknown.
    Anything,
    /// Booleans.
    Bools,
    /// Numbers.
    Numbers,
    /// Strings.
    Texts,
    /// Dates.
    Dates,
    /// Object ids.
    Ids,
    /// Values that no literal of a condition can equal: documents.
    Others,
}

impl ValueKind {
    /// Returns MongoDB's name of the type, as `$type` and `bsonType` take it; `None` if the kind is unknown.
    pub(crate) const fn bson_type(self) -> Option<&'static str> {
        match self {
            Self::Anything => None,
            Self::Bools => Some("bool"),
            Self::Numbers => Some("number"),
            Self::Texts => Some("string"),
            Self::Dates => Some("date"),
            Self::Ids => Some("objectId"),
            Self::Others => Some("object"),
        }
    }
}

/// The stored names between a document and a field.
#[derive(Clone, Copy, Debug)]
pub struct PathSteps {
    names: [&'static str; Self::MAX_NAMES],
    len: usize,
    /// Number of names up to the last array on the path, itself included; 0 if there is none.
    arrays: usize,
    /// The same for the path without its last field.
    arrays_before: usize,
    /// The same, arrays included of which the path names a position.
    entered: usize,
    /// True if the last field is flattened into the one before it, and so has no name.
    flattened: bool,
    /// True if the last field is stored as `null` when it has no value.
    pub(crate) null: bool,
    pub(crate) holds: ValueKind,
}

impl PathSteps {
    /// Maximum number of names in a path. MongoDB allows documents that are nested 100 levels deep; longer paths are a compile error
    /// here.
    const MAX_NAMES: usize = 32;

    const NONE: Self = Self {
        names: [""; Self::MAX_NAMES],
        len: 0,
        arrays: 0,
        arrays_before: 0,
        entered: 0,
        flattened: false,
        null: false,
        holds: ValueKind::Anything,
    };

    const fn with(mut self, segment: &StoredField) -> Self {
        self.holds = segment.holds;
        self.null = segment.null;
        self.arrays_before = self.arrays;
        self.flattened = segment.name.is_none();
        if let Some(name) = segment.name {
            assert!(self.len < Self::MAX_NAMES, "a path has more than 32 names");
            self.names[self.len] = name;
            self.len += 1;
        }
        if segment.array {
            self.arrays = self.len;
            self.entered = self.len;
        }
        self
    }

    /// Adds the position of an element in the array at the end of the path. One document has one value there, but the path enters the array.
    const fn element(self, position: &'static str) -> Self {
        let arrays = if self.ends_in_array() { self.arrays_before } else { self.arrays };
        let mut steps = self.with(&StoredField { holds: self.holds, ..StoredField::unknown(position) });
        steps.arrays = arrays;
        steps
    }

    /// Returns the stored names.
    pub const fn names(&self) -> &[&'static str] {
        self.names.split_at(self.len).0
    }

    pub(crate) const fn is_flattened(&self) -> bool {
        self.flattened
    }

    /// Returns whether one document can have several values at this path.
    pub(crate) const fn has_array(&self) -> bool {
        self.arrays > 0
    }

    /// Returns whether the path leads through or into an array, be it to one position. Such an array counts where MongoDB refuses arrays
    /// in hashed and several of them in ordered indexes.
    pub(crate) const fn enters_array(&self) -> bool {
        self.entered > 0
    }

    /// Returns whether the last array on the path is the field itself.
    pub(crate) const fn ends_in_array(&self) -> bool {
        self.arrays == self.len
    }

    /// Returns whether each path has an array that the other is not in. MongoDB rejects such documents in a compound index.
    pub(crate) const fn parallel(&self, other: &Self) -> bool {
        let mut common = 0;
        while common < self.len && common < other.len && same(self.names[common], other.names[common]) {
            common += 1;
        }
        self.entered > common && other.entered > common
    }

    pub(crate) const fn dotted(&self) -> ConstText {
        let mut text = ConstText::EMPTY;
        let mut at = 0;
        while at < self.len {
            let joined = if at == 0 { Some(text) } else { text.try_append(".") };
            text = match joined {
                Some(joined) => match joined.try_append(self.names[at]) {
                    Some(longer) => longer,
                    None => panic!("the dotted name of a field is longer than 512 bytes"),
                },
                None => panic!("the dotted name of a field is longer than 512 bytes"),
            };
            at += 1;
        }
        text
    }
}

pub(super) const fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}
