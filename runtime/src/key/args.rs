//! The arguments of one call, borrowed: how macros hand them over.
//!
//! A call site turns each placeholder into a part. Which kind of part is decided by the argument's type, never by its
//! spelling: [`Arg::__part`] is an inherent method for types that are [`KeyPart`], and falls through to a trait method for
//! types that merely display.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

use std::fmt::Display;
use std::hash::{Hash, Hasher};

use compact_str::CompactString;
use serde::Serialize;

use super::digest::Digest;
use super::part::KeyPart;
use super::scope::{InScope, KeyScope, Lead, NoScope};
use super::writer::KeyWriter;

/// One argument, asked for its part.
#[derive(Debug)]
pub struct Arg<'a, T: ?Sized>(pub &'a T);

impl<'a, T: KeyPart + ?Sized> Arg<'a, T> {
    #[inline]
    pub fn __part(&self) -> &'a T {
        self.0
    }
}

impl<'a, T: KeyScope + ?Sized> Arg<'a, T> {
    #[inline]
    pub fn __scope(&self) -> InScope<T::Scope<'a>> {
        InScope(self.0.key_scope())
    }

    /// The scope that a method with a key of its own must have, unless it names a field of `self` or skips it.
    #[inline]
    pub fn __own_scope(&self) -> InScope<T::Scope<'a>> {
        self.__scope()
    }
}

/// The receiver of a type without [`KeyScope`].
pub trait NoScopeArg {
    fn __scope(&self) -> NoScope;
}

impl<T: ?Sized> NoScopeArg for Arg<'_, T> {
    #[inline]
    fn __scope(&self) -> NoScope {
        NoScope
    }
}

/// The last rung of [`Arg::__own_scope`], reached only by types without [`KeyScope`]: the bound fails, and says what to write.
pub trait MissingScopeArg {
    type Receiver: ?Sized;
    fn __own_scope(&self) -> NoScope
    where
        Self::Receiver: KeyScope;
}

impl<T: ?Sized> MissingScopeArg for Arg<'_, T> {
    type Receiver = T;
    fn __own_scope(&self) -> NoScope
    where
        T: KeyScope,
    {
        unreachable!("a type with a `KeyScope` is taken by the first rung")
    }
}

/// An argument that is no [`KeyPart`] but displays, hashes and compares.
pub trait DisplayArg<'a> {
    type Shown: ?Sized;
    fn __part(&self) -> Shown<'a, Self::Shown>;
}

impl<'a, T: Display + Hash + Eq + Clone + Send + Sync + 'static> DisplayArg<'a> for Arg<'a, T> {
    type Shown = T;
    #[inline]
    fn __part(&self) -> Shown<'a, T> {
        Shown(self.0)
    }
}

/// The last rung, reached only by arguments that cannot be in a key: it lets the compiler say so in our words.
pub trait UnfitArg {
    type Unfit: ?Sized;
    /// The bound is what fails, and its message is the point.
    fn __part(&self) -> Unfit
    where
        Self::Unfit: KeyPart;
}

impl<T: ?Sized> UnfitArg for &Arg<'_, T> {
    type Unfit = T;
    fn __part(&self) -> Unfit
    where
        T: KeyPart,
    {
        unreachable!("a `KeyPart` is taken by the first rung")
    }
}

/// Stands for an argument that cannot be in a key, so that one error is not followed by a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {}

impl KeyPart for Unfit {
    type Owned = Unfit;
    fn feed<H: Hasher>(&self, _: &mut H) {
        match *self {}
    }
    fn same(&self, _: &Unfit) -> bool {
        match *self {}
    }
    fn own(&self) -> Unfit {
        *self
    }
    fn write(&self, _: &mut KeyWriter) {
        match *self {}
    }
}

/// An argument used as it displays.
#[derive(Debug)]
pub struct Shown<'a, T: ?Sized>(&'a T);

impl<T: Display + Hash + Eq + Clone + Send + Sync + 'static> KeyPart for Shown<'_, T> {
    type Owned = T;

    #[inline]
    fn feed<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }

    #[inline]
    fn same(&self, owned: &T) -> bool {
        self.0 == owned
    }

    fn own(&self) -> T {
        self.0.clone()
    }

    fn write(&self, out: &mut KeyWriter) {
        let before = out.len();
        out.display(self.0);
        if out.len() == before {
            out.raw("%_");
        }
    }
}

/// `{x:hash}`: the argument by a digest of its serde form, in which maps and sets keep their order of iteration.
pub fn digest<T: Serialize + ?Sized>(value: &T) -> Digest {
    Digest::of(value)
}

/// `{x:lower}`: the argument in lower case.
pub fn lower<T: AsRef<str> + ?Sized>(value: &T) -> Lower<'_> {
    Lower(value.as_ref())
}

/// A string that takes part in the key in lower case.
#[derive(Debug)]
pub struct Lower<'a>(&'a str);

impl Lower<'_> {
    fn chars(&self) -> impl Iterator<Item = char> {
        self.0.chars().flat_map(char::to_lowercase)
    }
}

impl KeyPart for Lower<'_> {
    type Owned = CompactString;

    fn feed<H: Hasher>(&self, state: &mut H) {
        // As the lower-case text itself would be fed, with which it shares its entries.
        if self.chars().eq(self.0.chars()) {
            self.0.feed(state);
        } else {
            self.own().feed(state);
        }
    }

    fn same(&self, owned: &CompactString) -> bool {
        self.chars().eq(owned.chars())
    }

    fn own(&self) -> CompactString {
        self.chars().collect()
    }

    fn write(&self, out: &mut KeyWriter) {
        self.own().as_str().write(out);
    }
}

/// A whole key given as text: its colons are its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verbatim<'a>(pub(crate) &'a str);

impl KeyPart for Verbatim<'_> {
    type Owned = CompactString;

    #[inline]
    fn feed<H: Hasher>(&self, state: &mut H) {
        self.0.feed(state);
    }

    #[inline]
    fn same(&self, owned: &CompactString) -> bool {
        self.0.same(owned)
    }

    fn own(&self) -> CompactString {
        self.0.own()
    }

    fn write(&self, out: &mut KeyWriter) {
        out.raw(self.0);
    }
}

/// The arguments of one call: a scope, then the parts in the order of the template's placeholders.
pub trait Args {
    /// Whether a scope leads.
    const SCOPED: bool;
    /// The form kept in the cache.
    type Owned: Clone + Eq + Send + Sync + 'static;
    fn feed<H: Hasher>(&self, state: &mut H);
    fn same(&self, owned: &Self::Owned) -> bool;
    fn own(&self) -> Self::Owned;
    fn write_scope(&self, out: &mut KeyWriter);
    fn write_part(&self, index: usize, out: &mut KeyWriter);
}

macro_rules! args {
    ($(($($name:ident $index:tt),*))*) => {$(
        #[allow(unused_variables, non_snake_case, clippy::match_single_binding)]
        impl<Scope: Lead, $($name: KeyPart),*> Args for (Scope, $($name,)*) {
            const SCOPED: bool = Scope::SCOPED;
            type Owned = (Scope::Owned, $($name::Owned,)*);
            #[inline]
            fn feed<H: Hasher>(&self, state: &mut H) {
                self.0.feed(state);
                $(self.$index.feed(state);)*
            }
            #[inline]
            fn same(&self, owned: &Self::Owned) -> bool {
                self.0.same(&owned.0) $(&& self.$index.same(&owned.$index))*
            }
            fn own(&self) -> Self::Owned {
                (self.0.own(), $(self.$index.own(),)*)
            }
            fn write_scope(&self, out: &mut KeyWriter) {
                self.0.write(out);
            }
            fn write_part(&self, index: usize, out: &mut KeyWriter) {
                match index + 1 {
                    $($index => self.$index.write(out),)*
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
