//! The borrowed arguments of one call, as macros pass them to the runtime.
//!
//! A call site turns the argument of each placeholder into a key part by [`Arg`](super::arg::Arg).

use std::hash::Hasher;

use super::namespace::Namespace;
use super::part::KeyPart;
use super::short::ShortString;
use super::writer::KeyWriter;

/// The part of `{x:hash}`.
#[cfg(feature = "hash")]
pub type DigestPart = super::digest::Digest;

/// The part of `{x:hash}`, which no build without the feature `hash` can make.
#[cfg(not(feature = "hash"))]
pub type DigestPart = u64;

/// Digests an argument by its serde form, for `{x:hash}`.
#[cfg(feature = "hash")]
pub fn digest<T: serde::Serialize + ?Sized>(value: &T) -> DigestPart {
    DigestPart::from_value(value)
}

/// Arguments of `{x:hash}` in a build without the feature `hash`: no type implements it.
#[cfg(not(feature = "hash"))]
#[diagnostic::on_unimplemented(
    message = "`:hash` in a key needs the feature `hash` of fastness",
    label = "this build has no digests",
    note = "add \"hash\" to the features of fastness in Cargo.toml, or name the fields that make the key: `{{filter.category}}`"
)]
pub trait HasDigest {
    /// Returns the part of the key.
    fn digest(&self) -> u64;
}

/// Rejects `{x:hash}`, because the feature `hash` is off.
#[cfg(not(feature = "hash"))]
pub fn digest<T: HasDigest + ?Sized>(value: &T) -> DigestPart {
    value.digest()
}

/// Makes the part of `{x:lower}`: the argument in lower case.
pub fn lower<T: AsRef<str> + ?Sized>(value: &T) -> Lower<'_> {
    Lower(value.as_ref())
}

/// A string that is in the key in lower case.
#[derive(Debug)]
pub struct Lower<'a>(&'a str);

impl Lower<'_> {
    fn chars(&self) -> impl Iterator<Item = char> {
        self.0.chars().flat_map(char::to_lowercase)
    }
}

impl KeyPart for Lower<'_> {
    type Owned = ShortString;

    fn feed<H: Hasher>(&self, state: &mut H) {
        // Feeds the same bytes as the lower-case text itself, because both name the same entry.
        if self.chars().eq(self.0.chars()) {
            self.0.feed(state);
        } else {
            self.to_owned_part().feed(state);
        }
    }

    fn same(&self, owned: &ShortString) -> bool {
        self.chars().eq(owned.as_str().chars())
    }

    fn to_owned_part(&self) -> ShortString {
        ShortString::from(&*self.chars().collect::<String>())
    }

    fn write(&self, out: &mut KeyWriter) {
        self.to_owned_part().as_str().write(out);
    }
}

/// A whole key given as text, written unescaped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verbatim<'a>(pub(crate) &'a str);

impl KeyPart for Verbatim<'_> {
    type Owned = OwnedVerbatim;

    #[inline]
    fn feed<H: Hasher>(&self, state: &mut H) {
        self.0.feed(state);
    }

    #[inline]
    fn same(&self, owned: &OwnedVerbatim) -> bool {
        self.0.same(&owned.0)
    }

    fn to_owned_part(&self) -> OwnedVerbatim {
        OwnedVerbatim(self.0.to_owned_part())
    }

    fn write(&self, out: &mut KeyWriter) {
        out.raw(self.0);
    }
}

/// The owned form of a [`Verbatim`] key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnedVerbatim(ShortString);

impl KeyPart for OwnedVerbatim {
    type Owned = Self;

    fn feed<H: Hasher>(&self, state: &mut H) {
        self.0.feed(state);
    }

    fn same(&self, owned: &Self) -> bool {
        self == owned
    }

    fn to_owned_part(&self) -> Self {
        self.clone()
    }

    fn write(&self, out: &mut KeyWriter) {
        out.raw(self.0.as_str());
    }
}

/// The arguments of one call: a namespace, then the parts in the order of the template's placeholders.
pub trait Args {
    /// True if a namespace comes first in the key.
    const HAS_NAMESPACE: bool;
    /// The form that is stored with an entry.
    type Owned: Clone + Eq + Send + Sync + 'static;
    /// Feeds all arguments to a hasher.
    fn feed<H: Hasher>(&self, state: &mut H);
    /// Returns whether `owned` was made of equal arguments.
    fn same(&self, owned: &Self::Owned) -> bool;
    /// Makes the owned form.
    fn to_owned_args(&self) -> Self::Owned;
    /// Appends the namespace to a key, if there is one.
    fn write_namespace(&self, out: &mut KeyWriter);
    /// Appends the part of the placeholder at this position to a key.
    fn write_part(&self, index: usize, out: &mut KeyWriter);
    /// Does what [`write_namespace`](Self::write_namespace) does, for the owned form.
    fn write_owned_namespace(owned: &Self::Owned, out: &mut KeyWriter);
    /// Does what [`write_part`](Self::write_part) does, for the owned form.
    fn write_owned_part(owned: &Self::Owned, index: usize, out: &mut KeyWriter);
}

macro_rules! args {
    ($(($($name:ident $index:tt),*))*) => {$(
        #[allow(unused_variables, non_snake_case, clippy::match_single_binding)]
        impl<Leading: Namespace, $($name: KeyPart),*> Args for (Leading, $($name,)*) {
            const HAS_NAMESPACE: bool = Leading::HAS_NAMESPACE;
            type Owned = (Leading::Owned, $($name::Owned,)*);
            #[inline]
            fn feed<H: Hasher>(&self, state: &mut H) {
                self.0.feed(state);
                $(self.$index.feed(state);)*
            }
            #[inline]
            fn same(&self, owned: &Self::Owned) -> bool {
                self.0.same(&owned.0) $(&& self.$index.same(&owned.$index))*
            }
            fn to_owned_args(&self) -> Self::Owned {
                (self.0.to_owned_part(), $(self.$index.to_owned_part(),)*)
            }
            fn write_namespace(&self, out: &mut KeyWriter) {
                self.0.write(out);
            }
            fn write_part(&self, index: usize, out: &mut KeyWriter) {
                match index + 1 {
                    $($index => self.$index.write(out),)*
                    _ => {}
                }
            }
            fn write_owned_namespace(owned: &Self::Owned, out: &mut KeyWriter) {
                Leading::write_owned(&owned.0, out);
            }
            fn write_owned_part(owned: &Self::Owned, index: usize, out: &mut KeyWriter) {
                match index + 1 {
                    $($index => owned.$index.write(out),)*
                    _ => {}
                }
            }
        }
    )*};
}

args! {
    ()
    (A 1)
    (A 1, B 2)
    (A 1, B 2, C 3)
    (A 1, B 2, C 3, D 4)
    (A 1, B 2, C 3, D 4, E 5)
    (A 1, B 2, C 3, D 4, E 5, F 6)
    (A 1, B 2, C 3, D 4, E 5, F 6, G 7)
    (A 1, B 2, C 3, D 4, E 5, F 6, G 7, I 8)
    (A 1, B 2, C 3, D 4, E 5, F 6, G 7, I 8, J 9)
    (A 1, B 2, C 3, D 4, E 5, F 6, G 7, I 8, J 9, K 10)
    (A 1, B 2, C 3, D 4, E 5, F 6, G 7, I 8, J 9, K 10, L 11)
}
