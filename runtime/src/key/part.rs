//! What an argument must be able to do to take part in a key.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::{NonZeroI32, NonZeroI64, NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;

use super::writer::KeyWriter;

/// An argument that can be part of a cache key.
///
/// A hit hashes the arguments where they are and compares them with the stored ones; only a miss makes an owned copy and
/// the key's text. Implemented for integers, `bool`, `char`, strings, network addresses, [`Duration`], and references,
/// `Option`s, slices, `Vec`s, arrays, tuples, `Box`es and `Arc`s of those. A type of your own that is
/// `Display + Hash + Eq + Clone` needs nothing: it is used as it displays. Anything that serde can serialise may be named
/// with the `hash` formatter: `key = "search:{filter:hash}"`.
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
    note = "derive or implement `Display`, `Hash`, `Eq` and `Clone` for it, implement `fastness::KeyPart`, name one of its fields (`{{user.id}}`), \
            digest its serde form (`{{filter:hash}}`), or leave it out with `skip(..)` if it does not change the result"
)]
pub trait KeyPart {
    /// The form kept in the cache.
    type Owned: Clone + Eq + Send + Sync + 'static;

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
}

macro_rules! displayed {
    ($write:path: $($ty:ty),* $(,)?) => {$(
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
        }
    )*};
}

displayed!(KeyWriter::integer: u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);
displayed!(KeyWriter::display: bool, NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize, NonZeroI32, NonZeroI64);
displayed!(KeyWriter::display: char, IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr);

impl KeyPart for str {
    type Owned = CompactString;

    #[inline]
    fn feed<H: Hasher>(&self, state: &mut H) {
        // Without a terminator: two neighbours that run together only share a hash, and equality is exact.
        state.write(self.as_bytes());
    }

    #[inline]
    fn same(&self, owned: &CompactString) -> bool {
        same_bytes(self.as_bytes(), owned.as_bytes())
    }

    fn own(&self) -> CompactString {
        CompactString::new(self)
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

macro_rules! derefs {
    ($([$($generics:tt)*] $ty:ty => $target:ty),* $(,)?) => {$(
        impl<$($generics)*> KeyPart for $ty {
            type Owned = <$target as KeyPart>::Owned;
            const NULLABLE: bool = <$target as KeyPart>::NULLABLE;
            #[inline]
            fn feed<H: Hasher>(&self, state: &mut H) {
                <$target as KeyPart>::feed(self, state);
            }
            #[inline]
            fn same(&self, owned: &<$target as KeyPart>::Owned) -> bool {
                <$target as KeyPart>::same(self, owned)
            }
            fn own(&self) -> <$target as KeyPart>::Owned {
                <$target as KeyPart>::own(self)
            }
            fn write(&self, out: &mut KeyWriter) {
                <$target as KeyPart>::write(self, out);
            }
        }
    )*};
}

derefs! {
    [T: KeyPart + ?Sized] &T => T,
    [T: KeyPart + ?Sized] Box<T> => T,
    [T: KeyPart + ?Sized] Arc<T> => T,
    [] String => str,
    [] Cow<'_, str> => str,
    [] CompactString => str,
    [T: KeyPart] Vec<T> => [T],
    [T: KeyPart, const N: usize] [T; N] => [T],
}

impl<T: KeyPart> KeyPart for [T] {
    type Owned = Vec<T::Owned>;

    fn feed<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        for part in self {
            part.feed(state);
        }
    }

    fn same(&self, owned: &Vec<T::Owned>) -> bool {
        self.len() == owned.len() && self.iter().zip(owned).all(|(part, owned)| part.same(owned))
    }

    fn own(&self) -> Vec<T::Owned> {
        self.iter().map(KeyPart::own).collect()
    }

    fn write(&self, out: &mut KeyWriter) {
        out.raw("%[");
        for part in self {
            part.write(out);
            out.raw("%,");
        }
        out.raw("%]");
    }
}

impl<T: KeyPart> KeyPart for Option<T> {
    type Owned = Option<T::Owned>;
    const NULLABLE: bool = true;

    fn feed<H: Hasher>(&self, state: &mut H) {
        state.write_u8(u8::from(self.is_some()));
        if let Some(part) = self {
            part.feed(state);
        }
    }

    fn same(&self, owned: &Option<T::Owned>) -> bool {
        match (self, owned) {
            (Some(part), Some(owned)) => part.same(owned),
            (None, None) => true,
            _ => false,
        }
    }

    fn own(&self) -> Option<T::Owned> {
        self.as_ref().map(KeyPart::own)
    }

    fn write(&self, out: &mut KeyWriter) {
        match self {
            None => out.raw("%~"),
            Some(part) => {
                if T::NULLABLE {
                    out.raw("%+");
                }
                part.write(out);
            }
        }
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

macro_rules! tuples {
    ($(($($name:ident $index:tt),*))*) => {$(
        impl<$($name: KeyPart),*> KeyPart for ($($name,)*) {
            type Owned = ($($name::Owned,)*);
            fn feed<H: Hasher>(&self, state: &mut H) {
                $(self.$index.feed(state);)*
            }
            fn same(&self, owned: &Self::Owned) -> bool {
                $(self.$index.same(&owned.$index))&&*
            }
            fn own(&self) -> Self::Owned {
                ($(self.$index.own(),)*)
            }
            fn write(&self, out: &mut KeyWriter) {
                out.raw("%(");
                $(self.$index.write(out); out.raw("%,");)*
                out.raw("%)");
            }
        }
    )*};
}

tuples! { (A 0) (A 0, B 1) (A 0, B 1, C 2) (A 0, B 1, C 2, D 3) }
