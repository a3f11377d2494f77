//! What an argument must be able to do to take part in a key.

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
/// feature `http` the types of the crate `bytes`) are handled at once, as text is.
///
/// A type of your own that displays needs nothing, nor do `Option`s, lists and tuples of it: it is in the key as it displays. One
/// that is `Display + Hash + Eq + Clone` is compared by its `Eq` in this process; within an `Option`, a list or a tuple by text and `Hash`; one that
/// only displays by its text alone. Anything that serde can serialise may be named with the `hash` formatter:
/// `key = "search:{filter:hash}"`.
///
/// Implement it by hand where the displayed form does not tell two values apart:
///
/// ```
/// use std::hash::Hasher;
/// use fastness::{KeyPart, KeyWriter};
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
///     fn own(&self) -> Sku { self.clone() }
///     fn write(&self, out: &mut KeyWriter) { (self.vendor, &self.code).write(out) }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "this argument is in the key",
    note = "implement `Display` for it, if that tells its values apart, or `fastness::KeyPart`; name one of its fields (`{{user.id}}`); \
            digest its serde form (`{{filter:hash}}`); or leave it out with `skip(..)` if it does not change the result"
)]
pub trait KeyPart {
    /// The form kept in the cache. It writes the same text as the argument: by that a [`Cache`](crate::Cache), which knows keys by
    /// their text, finds what functions have stored.
    type Owned: KeyPart + Clone + Eq + Send + Sync + 'static;

    /// Whether the text may be that of "nothing", so that an `Option` around it must tell them apart.
    #[doc(hidden)]
    const NULLABLE: bool = false;

    /// Feeds the argument to a hasher. Equal arguments must feed the same.
    fn feed<H: Hasher>(&self, state: &mut H);

    /// Whether this is the argument that `owned` was made from. Exact: it decides whose value is served.
    fn same(&self, owned: &Self::Owned) -> bool;

    /// Makes the owned form; called on a miss.
    fn own(&self) -> Self::Owned;

    /// Appends the argument to the key's text; two different arguments must append different text.
    fn write(&self, out: &mut KeyWriter);

    /// [`feed`](Self::feed) for all of a list, without its length. Numbers do it at once.
    #[doc(hidden)]
    fn feed_all<H: Hasher>(parts: &[Self], state: &mut H)
    where
        Self: Sized,
    {
        for part in parts {
            part.feed(state);
        }
    }

    /// [`same`](Self::same) for all of a list of the same length.
    #[doc(hidden)]
    fn all_same(parts: &[Self], owned: &[Self::Owned]) -> bool
    where
        Self: Sized,
    {
        parts.iter().zip(owned).all(|(part, owned)| part.same(owned))
    }

    /// [`own`](Self::own) for all of a list.
    #[doc(hidden)]
    fn own_all(parts: &[Self]) -> Vec<Self::Owned>
    where
        Self: Sized,
    {
        parts.iter().map(Self::own).collect()
    }

    /// [`write`](Self::write) for all of a list.
    #[doc(hidden)]
    fn write_all(parts: &[Self], out: &mut KeyWriter)
    where
        Self: Sized,
    {
        list(out, parts);
    }
}

/// The text of a list, part by part.
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
            fn own(&self) -> $ty {
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
            fn own_all(parts: &[Self]) -> Vec<Self> {
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
        // Without a terminator: two neighbours that run together only share a hash, and equality is exact.
        state.write(self.as_bytes());
    }

    #[inline]
    fn same(&self, owned: &ShortString) -> bool {
        same_bytes(self.as_bytes(), owned.as_bytes())
    }

    fn own(&self) -> ShortString {
        self.into()
    }

    fn write(&self, out: &mut KeyWriter) {
        // An empty segment would read as the end of a prefix.
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

    fn own(&self) -> Self {
        self.clone()
    }

    fn write(&self, out: &mut KeyWriter) {
        self.as_str().write(out);
    }
}

/// Equality, without a call for the lengths that keys have: a short text is its two ends, which may overlap.
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

    fn own(&self) -> Duration {
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

    fn own(&self) -> Digest {
        *self
    }

    fn write(&self, out: &mut KeyWriter) {
        out.digest(*self);
    }
}
