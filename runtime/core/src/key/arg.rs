//! One argument, asked for its part of a key: which kind of part is decided by its type, never by its spelling.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

use std::fmt::Display;
use std::hash::{Hash, Hasher};

use super::part::KeyPart;
use super::scope::{InScope, KeyScope, NoScope};
use super::text::{ByHash, ByText, Text, TextPart};
use super::writer::{KeyWriter, Sink as _};

/// One argument, asked for its part: `(&Arg(&x)).__part()`. The first of these takes it: [`KeyPart`], [`DisplayArg`],
/// [`HashedTextArg`], [`TextArg`], [`UnfitArg`]. They take `self` in the order in which the compiler looks for a method.
#[derive(Debug)]
pub struct Arg<'a, T: ?Sized>(pub &'a T);

impl<T: ?Sized> Clone for Arg<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Arg<'_, T> {}

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

/// An argument made of what displays and hashes: an `Option`, a list, a tuple.
pub trait HashedTextArg<'a, Form> {
    type Shown: ?Sized;
    fn __part(&self) -> Text<'a, Self::Shown, ByHash, Form>;
}

impl<'a, T: TextPart<ByHash, Form> + ?Sized, Form> HashedTextArg<'a, Form> for &Arg<'a, T> {
    type Shown = T;
    #[inline]
    fn __part(&self) -> Text<'a, T, ByHash, Form> {
        Text::new(self.0)
    }
}

/// An argument that only displays, or is made of such.
pub trait TextArg<'a, Form> {
    type Shown: ?Sized;
    /// By `&mut`, which is looked for after `&`.
    fn __part(&mut self) -> Text<'a, Self::Shown, ByText, Form>;
}

impl<'a, T: TextPart<ByText, Form> + ?Sized, Form> TextArg<'a, Form> for &Arg<'a, T> {
    type Shown = T;
    #[inline]
    fn __part(&mut self) -> Text<'a, T, ByText, Form> {
        Text::new(self.0)
    }
}

/// The last rung, reached only by arguments that cannot be in a key: it lets the compiler say so in our words.
pub trait UnfitArg {
    type Unfit: ?Sized;
    /// The bound is what fails, and its message is the point. By value, which is looked for last.
    fn __part(self) -> Unfit
    where
        Self::Unfit: KeyPart;
}

impl<T: ?Sized> UnfitArg for Arg<'_, T> {
    type Unfit = T;
    fn __part(self) -> Unfit
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
    type Owned = OwnedShown<T>;

    #[inline]
    fn feed<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }

    #[inline]
    fn same(&self, owned: &OwnedShown<T>) -> bool {
        *self.0 == owned.0
    }

    fn own(&self) -> OwnedShown<T> {
        OwnedShown(self.0.clone())
    }

    fn write(&self, out: &mut KeyWriter) {
        out.shown(self.0);
    }
}

/// The owned form of an argument used as it displays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedShown<T>(T);

impl<T: Display + Hash + Eq + Clone + Send + Sync + 'static> KeyPart for OwnedShown<T> {
    type Owned = Self;

    fn feed<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }

    fn same(&self, owned: &Self) -> bool {
        self == owned
    }

    fn own(&self) -> Self {
        self.clone()
    }

    fn write(&self, out: &mut KeyWriter) {
        out.shown(&self.0);
    }
}
