//! [`KeyPart`], the trait of arguments that can be in a key, for numbers, strings and addresses.

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::{NonZeroI32, NonZeroI64, NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize};
use std::time::Duration;

#[cfg(feature = "hash")]
use super::digest::Digest;
use super::short::ShortString;
use super::writer::KeyWriter;

/// An argument that can be part of a cache key.
///
/// A hit hashes the arguments where they are and compares them with the stored ones; only a miss makes an owned copy and
/// the key's text. Implemented for integers, `bool`, `char`, strings, network addresses, [`Duration`], and references,
/// `Option`s, slices, `Vec`s, arrays, tuples, `Box`, `Arc`, `Rc` and `Cow` of those. Bytes (`[u8]`, `Vec<u8>`, and with the
/// feature `http` the types of the crate `bytes`) are hashed and compared as one block, as text is.
///
/// Types that implement `Display` need no implementation, nor do `Option`s, lists and tuples of them: their text is in the key. In this
/// process, a type that is `Display + Hash + Eq + Clone` is compared by its `Eq`, within an `Option`, a list or a tuple by its text and
/// `Hash`; a type that is only `Display` is compared by its text. Any type that serde can serialise can be in a key with the `hash`
/// formatter: `key = "search:{filter:hash}"`.
///
/// `#[derive(KeyPart)]` makes a part of a struct's or an enum's fields, compared field by field.
/// Implement it by hand if only a part of a value tells it apart, or for a type that contains itself:
///
/// ```
/// use std::hash::Hasher;
/// use fastness::key::{KeyPart, KeyWriter};
///
/// #[derive(Clone, PartialEq, Eq)]
/// struct Sku { vendor: u32, code: String }
///
/// impl KeyPart for Sku {
///     type Owned = Sku;
///     fn feed<H: Hasher>(&self, state: &mut H) {
///         self.vendor.feed(state);
///         self.code.feed(state);
///     }
///     fn same(&self, owned: &Sku) -> bool { self == owned }
///     fn to_owned_part(&self) -> Sku { self.clone() }
///     fn write(&self, out: &mut KeyWriter) { (self.vendor, &self.code).write(out) }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "this argument is in the key",
    note = "derive `fastness::key::KeyPart` for it, or implement `Display`, if that tells its values apart (for a field of a \
            derived part, write `#[key(display)]` too); name one of its fields (`{{user.id}}`); write it by its `Debug` (`{{kind:debug}}`) or a digest of its serde form (`{{filter:hash}}`); or leave it out \
            with `skip(..)` if it does not change the result"
)]
pub trait KeyPart {
    /// The form that is stored with an entry. It must write the same text as the argument, because a [`Cache`](crate::Cache) finds the
    /// entries of functions by their text.
    type Owned: KeyPart + Clone + Eq + Send + Sync + 'static;

    /// True if the text may be that of `None`, so that an `Option` around it has to mark `Some`.
    #[doc(hidden)]
    const NULLABLE: bool = false;

    /// Feeds the argument to a hasher. Equal arguments must feed the same.
    fn feed<H: Hasher>(&self, state: &mut H);

    /// Returns whether `owned` was made of an equal argument. The answer must be exact, because it decides which value is served.
    fn same(&self, owned: &Self::Owned) -> bool;

    /// Makes the owned form. Called on a miss.
    fn to_owned_part(&self) -> Self::Owned;

    /// Appends the argument to the key's text. Different arguments must append different text.
    fn write(&self, out: &mut KeyWriter);

    /// Does what [`feed`](Self::feed) does for each part of a list, without its length. Numbers are fed as one block.
    #[doc(hidden)]
    fn feed_all<H: Hasher>(parts: &[Self], state: &mut H)
    where
        Self: Sized,
    {
        for part in parts {
            part.feed(state);
        }
    }

    /// Does what [`same`](Self::same) does for each part of a list of the same length.
    #[doc(hidden)]
    fn all_same(parts: &[Self], owned: &[Self::Owned]) -> bool
    where
        Self: Sized,
    {
        parts.iter().zip(owned).all(|(part, owned)| part.same(owned))
    }

    /// Does what [`to_owned_part`](Self::to_owned_part) does for each part of a list.
    #[doc(hidden)]
    fn all_to_owned(parts: &[Self]) -> Vec<Self::Owned>
    where
        Self: Sized,
    {
        parts.iter().map(Self::to_owned_part).collect()
    }

    /// Does what [`write`](Self::write) does for a list.
    #[doc(hidden)]
    fn write_all(parts: &[Self], out: &mut KeyWriter)
    where
        Self: Sized,
    {
        list(out, parts);
    }
}

/// Appends a list, part by part.
fn list<T: KeyPart>(out: &mut KeyWriter, parts: &[T]) {
    out.raw("%[");
    for part in parts {
        part.write(out);
        out.raw("%,");
    }
    out.raw("%]");
}

macro_rules! displayed {
    ($write:path, $all:path: $($ty:ty),* $(,)?) => {$(
        impl KeyPart for $ty {
            type Owned = $ty;
            #[inline]
            fn feed<H: Hasher>(&self, state: &mut H) {
                self.hash(state);
            }
            #[inline]
            fn same(&self, owned: &$ty) -> bool {
                self == owned
            }
            fn to_owned_part(&self) -> $ty {
                *self
            }
            fn write(&self, out: &mut KeyWriter) {
                $write(out, *self);
            }
            fn feed_all<H: Hasher>(parts: &[Self], state: &mut H) {
                Self::hash_slice(parts, state);
            }
            fn all_same(parts: &[Self], owned: &[Self]) -> bool {
                parts == owned
            }
            fn all_to_owned(parts: &[Self]) -> Vec<Self> {
                parts.to_vec()
            }
            fn write_all(parts: &[Self], out: &mut KeyWriter) {
                $all(out, parts);
            }
        }
    )*};
}

displayed!(KeyWriter::integer, KeyWriter::bytes: u8);
displayed!(KeyWriter::integer, list: u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);
displayed!(KeyWriter::display, list: bool, NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize, NonZeroI32, NonZeroI64);
displayed!(KeyWriter::display, list: char, IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr);

impl KeyPart for str {
    type Owned = ShortString;

    #[inline]
    fn feed<H: Hasher>(&self, state: &mut H) {
        // No terminator: neighbours whose texts run together share a hash only, and equality is exact.
        state.write(self.as_bytes());
    }

    #[inline]
    fn same(&self, owned: &ShortString) -> bool {
        same_bytes(self.as_bytes(), owned.as_bytes())
    }

    fn to_owned_part(&self) -> ShortString {
        self.into()
    }

    fn write(&self, out: &mut KeyWriter) {
        // An empty last segment would look like a prefix.
        if self.is_empty() {
            out.raw("%_");
        } else {
            out.text(self);
        }
    }
}

impl KeyPart for ShortString {
    type Owned = Self;

    #[inline]
    fn feed<H: Hasher>(&self, state: &mut H) {
        state.write(self.as_bytes());
    }

    #[inline]
    fn same(&self, owned: &Self) -> bool {
        same_bytes(self.as_bytes(), owned.as_bytes())
    }

    fn to_owned_part(&self) -> Self {
        self.clone()
    }

    fn write(&self, out: &mut KeyWriter) {
        self.as_str().write(out);
    }
}

/// Compares bytes without a call to `memcmp` for the usual lengths: the first and the last chunk, which may overlap, cover a short text.
#[inline]
fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    fn ends<const N: usize>(a: &[u8], b: &[u8]) -> bool {
        a.first_chunk::<N>() == b.first_chunk::<N>() && a.last_chunk::<N>() == b.last_chunk::<N>()
    }
    a.len() == b.len()
        && match a.len() {
            4..8 => ends::<4>(a, b),
            8..16 => ends::<8>(a, b),
            16..=32 => ends::<16>(a, b),
            _ => a == b,
        }
}

impl KeyPart for Duration {
    type Owned = Duration;

    fn feed<H: Hasher>(&self, state: &mut H) {
        self.hash(state);
    }

    fn same(&self, owned: &Duration) -> bool {
        self == owned
    }

    fn to_owned_part(&self) -> Duration {
        *self
    }

    fn write(&self, out: &mut KeyWriter) {
        out.display(format_args!("{}ns", self.as_nanos()));
    }
}

#[cfg(feature = "hash")]
impl KeyPart for Digest {
    type Owned = Digest;

    fn feed<H: Hasher>(&self, state: &mut H) {
        state.write(self.bytes());
    }

    fn same(&self, owned: &Digest) -> bool {
        self == owned
    }

    fn to_owned_part(&self) -> Digest {
        *self
    }

    fn write(&self, out: &mut KeyWriter) {
        out.digest(*self);
    }
}
