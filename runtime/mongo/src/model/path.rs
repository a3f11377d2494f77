//! A field of a document as a value of its own type, so that the compiler checks the way to it and knows its name.
//!
//! Flow: `#[derive(Indexed)]` lists a struct's fields as [`Segment`]s and makes a struct of [`Path`]s with the same names.
//! A [`Path`] to a nested struct dereferences to the paths of that struct's fields. The way taken is a type that implements
//! [`At`], and names are constants of that type.
//!
//! Invariants: paths have no size and nothing is made at run time; a type that contains itself is no problem, as the
//! paths below a field are only made where they are named.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use super::text::Text;

/// One field of `M`'s documents, of type `T`: `Product::fields().price` is a `Path<Product, f64, _>`.
///
/// It is a field's stored name with its type known, and stands wherever a name does; paths go on below it where `T` is a
/// struct that derives `Indexed`, or an `Option`, a `Vec` or a smart pointer of one.
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
pub struct Path<M, T, P>(PhantomData<fn() -> (M, T, P)>);

impl<M, T, P> Path<M, T, P> {
    #[doc(hidden)]
    pub const NEW: Self = Self(PhantomData);
}

impl<M, T, P: At> Path<M, T, P> {
    /// The stored name, with dots between the names of nested fields.
    pub const fn name(&self) -> &'static str {
        P::NAME.as_str()
    }

    /// The stored names from the document down to the field.
    pub const fn names(&self) -> &'static [&'static str] {
        P::STEPS.names()
    }
}

impl<M, T, P> Clone for Path<M, T, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M, T, P> Copy for Path<M, T, P> {}

impl<M, T, P: At> fmt::Debug for Path<M, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Path").field(&self.name()).finish()
    }
}

impl<M, T, P: At> fmt::Display for Path<M, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl<M, T, P: At> From<Path<M, T, P>> for String {
    fn from(path: Path<M, T, P>) -> Self {
        path.name().to_owned()
    }
}

impl<M: 'static, T: Nested, P: At> Deref for Path<M, T, P> {
    type Target = T::Fields<M, P>;

    fn deref(&self) -> &Self::Target {
        T::Fields::<M, P>::ALL
    }
}

/// A type with fields that a path can name.
///
/// Derived with `Indexed`, and there for `Option`, `Box`, `Rc`, `Arc`, lists and sets of such a type.
#[diagnostic::on_unimplemented(
    message = "the fields of `{Self}` are not known",
    label = "no path goes on below this one",
    note = "derive `Indexed` for `{Self}`: without `#[indexed(collection = \"..\")]` it only lists its fields",
    note = "of a map or a `Document`, name a key: `metadata[\"color\"]`"
)]
pub trait Nested {
    /// The paths of the fields, in documents of `M`, where this type is stored at `P`.
    type Fields<M: 'static, P: At>: FieldSet;
}

/// The paths of all fields of a struct; the derive makes such a type.
pub trait FieldSet: 'static {
    /// The only value.
    const ALL: &'static Self;
}

/// The way from a document to a field.
pub trait At: 'static {
    /// What lies on the way.
    const STEPS: &'static Steps;

    /// The dotted name.
    const NAME: &'static Text = &Self::STEPS.dotted();
}

/// At the document itself.
#[derive(Debug)]
pub enum Root {}

impl At for Root {
    const STEPS: &'static Steps = &Steps::NONE;
}

/// At the field `I` of the struct `S`, which is stored at `P`.
#[derive(Debug)]
pub struct In<P, S, const I: usize>(PhantomData<fn() -> (P, S)>);

impl<P: At, S: Segments, const I: usize> At for In<P, S, I> {
    const STEPS: &'static Steps = &P::STEPS.to(&S::SEGMENTS[I]);
}

/// At the entry of a map at `P`, whose key is `K`'s.
#[derive(Debug)]
pub struct Entry<P, K>(PhantomData<fn() -> (P, K)>);

impl<P: At, K: Key> At for Entry<P, K> {
    const STEPS: &'static Steps = &P::STEPS.to(&Segment { name: Some(K::KEY), array: false, holds: Holds::Anything });
}

/// A key of a map, as a type.
pub trait Key: 'static {
    /// The key.
    const KEY: &'static str;
}

/// The fields of a struct, as they are stored.
pub trait Segments: 'static {
    /// In the order of the struct.
    const SEGMENTS: &'static [Segment];
}

/// A field of a struct, as it is stored.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// Its stored name; `None`: it is flattened into the struct.
    pub name: Option<&'static str>,
    /// It is stored as an array.
    pub array: bool,
    /// What its values are.
    pub holds: Holds,
}

/// What a field's values are, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Not known.
    Anything,
    /// Booleans.
    Bools,
    /// Numbers.
    Numbers,
    /// Strings.
    Texts,
    /// What no literal of a condition can equal: dates, object ids.
    Others,
}

/// What lies between a document and a field.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    names: [&'static str; Self::DEPTH],
    len: usize,
    /// How many names lead to the last array on the way, itself included; 0: there is none.
    arrays: usize,
    /// The last step is stored as a part of the one before it, and has no name.
    flattened: bool,
    pub(crate) holds: Holds,
}

impl Steps {
    /// The most names that a path can have; MongoDB nests documents up to 100 deep.
    const DEPTH: usize = 32;

    const NONE: Self = Self { names: [""; Self::DEPTH], len: 0, arrays: 0, flattened: false, holds: Holds::Anything };

    const fn to(mut self, segment: &Segment) -> Self {
        self.holds = segment.holds;
        self.flattened = segment.name.is_none();
        if let Some(name) = segment.name {
            assert!(self.len < Self::DEPTH, "a path has more than 32 names");
            self.names[self.len] = name;
            self.len += 1;
        }
        if segment.array {
            self.arrays = self.len;
        }
        self
    }

    /// The stored names.
    pub const fn names(&self) -> &[&'static str] {
        self.names.split_at(self.len).0
    }

    pub(crate) const fn is_flattened(&self) -> bool {
        self.flattened
    }

    /// Whether one document can have several values here.
    pub(crate) const fn has_array(&self) -> bool {
        self.arrays > 0
    }

    /// Whether the last array on the way is the field itself.
    pub(crate) const fn ends_in_array(&self) -> bool {
        self.arrays == self.len
    }

    /// Whether each has an array that the other does not lie in: MongoDB indexes no such document.
    pub(crate) const fn parallel(&self, other: &Self) -> bool {
        let mut common = 0;
        while common < self.len && common < other.len && same(self.names[common], other.names[common]) {
            common += 1;
        }
        self.arrays > common && other.arrays > common
    }

    pub(crate) const fn dotted(&self) -> Text {
        let mut text = Text::EMPTY;
        let mut at = 0;
        while at < self.len {
            let joined = if at == 0 { Some(text) } else { text.try_and(".") };
            text = match joined {
                Some(joined) => match joined.try_and(self.names[at]) {
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

const fn same(left: &str, right: &str) -> bool {
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
