//! The part of one argument in a key, chosen by the argument's type, never by the spelling of its type.
//!
//! A call site calls `(&Arg(&x)).__part()`. Method resolution then picks the first trait that fits: [`KeyPart`], [`DisplayArg`],
//! [`HashedTextArg`], [`TextArg`], and [`UnfitArg`], whose only purpose is the error message.

use std::fmt::Display;
use std::hash::{Hash, Hasher};

use super::namespace::{InNamespace, KeyNamespace, NoNamespace};
use super::part::KeyPart;
use super::text::{AsText, HashAndText, TextOnly, TextPart};
use super::writer::{KeyWriter, Sink as _};

/// An argument of a call. The traits of this module take `self` in the order in which the compiler resolves methods.
#[derive(Debug)]
pub struct Arg<'a, T: ?Sized>(pub &'a T);

impl<T: ?Sized> Clone for Arg<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Arg<'_, T> {}

impl<'a, T: KeyPart + ?Sized> Arg<'a, T> {
    /// Returns the argument itself, which is a key part.
    #[inline]
    pub fn __part(&self) -> &'a T {
        self.0
    }
}

impl<'a, T: KeyNamespace + ?Sized> Arg<'a, T> {
    /// Returns the receiver's namespace, which is the first element of the arguments.
    #[inline]
    pub fn __namespace(&self) -> InNamespace<T::Namespace<'a>> {
        InNamespace(self.0.key_namespace())
    }

    /// Returns the receiver's namespace, which is required of a method with a key of its own, unless the key names a field of `self` or
    /// skips it.
    #[inline]
    pub fn __required_namespace(&self) -> InNamespace<T::Namespace<'a>> {
        self.__namespace()
    }
}

impl<T: Copy> Arg<'_, T> {
    /// Returns a copy of the argument, for an expression that is written over the parameter itself.
    #[inline]
    pub fn __copied(&self) -> T {
        *self.0
    }
}

/// Arguments of a type that is not `Copy`.
pub trait ReferencedArg<'a, T: ?Sized> {
    /// Returns the reference to the argument.
    fn __copied(&self) -> &'a T;
}

impl<'a, T: ?Sized> ReferencedArg<'a, T> for Arg<'a, T> {
    #[inline]
    fn __copied(&self) -> &'a T {
        self.0
    }
}

/// Receivers of a type without [`KeyNamespace`].
pub trait NoNamespaceArg {
    /// Returns the empty namespace.
    fn __namespace(&self) -> NoNamespace;
}

impl<T: ?Sized> NoNamespaceArg for Arg<'_, T> {
    #[inline]
    fn __namespace(&self) -> NoNamespace {
        NoNamespace
    }
}

/// Last candidate for [`Arg::__required_namespace`], reached only by types without [`KeyNamespace`]: the bound fails, and its message says
/// what to write.
pub trait MissingNamespaceArg {
    /// The receiver's type.
    type Receiver: ?Sized;
    /// Never compiles: see the bound.
    fn __required_namespace(&self) -> NoNamespace
    where
        Self::Receiver: KeyNamespace;
}

impl<T: ?Sized> MissingNamespaceArg for Arg<'_, T> {
    type Receiver = T;
    fn __required_namespace(&self) -> NoNamespace
    where
        T: KeyNamespace,
    {
        unreachable!("a type with a `KeyNamespace` has the inherent method")
    }
}

/// Arguments that are not a [`KeyPart`] but implement `Display`, `Hash` and `Eq`.
pub trait DisplayArg<'a> {
    /// The argument's type.
    type Value: ?Sized;
    /// Returns the part, compared by `Eq` and written by `Display`.
    fn __part(&self) -> Displayed<'a, Self::Value>;
}

impl<'a, T: Display + Hash + Eq + Clone + Send + Sync + 'static> DisplayArg<'a> for Arg<'a, T> {
    type Value = T;
    #[inline]
    fn __part(&self) -> Displayed<'a, T> {
        Displayed(self.0)
    }
}

/// Containers of values that implement `Display` and `Hash`: an `Option`, a list, a tuple.
pub trait HashedTextArg<'a, Form> {
    /// The argument's type.
    type Value: ?Sized;
    /// Returns the part, compared by its text and by `Hash`.
    fn __part(&self) -> AsText<'a, Self::Value, HashAndText, Form>;
}

impl<'a, T: TextPart<HashAndText, Form> + ?Sized, Form> HashedTextArg<'a, Form> for &Arg<'a, T> {
    type Value = T;
    #[inline]
    fn __part(&self) -> AsText<'a, T, HashAndText, Form> {
        AsText::new(self.0)
    }
}

/// Arguments that implement `Display` only, or contain values that do.
pub trait TextArg<'a, Form> {
    /// The argument's type.
    type Value: ?Sized;
    /// Returns the part, compared by its text alone. Takes `&mut self`, which the compiler tries after `&self`.
    fn __part(&mut self) -> AsText<'a, Self::Value, TextOnly, Form>;
}

impl<'a, T: TextPart<TextOnly, Form> + ?Sized, Form> TextArg<'a, Form> for &Arg<'a, T> {
    type Value = T;
    #[inline]
    fn __part(&mut self) -> AsText<'a, T, TextOnly, Form> {
        AsText::new(self.0)
    }
}

/// Last candidate, reached only by arguments that cannot be in a key: the bound fails, and its message says what to write.
pub trait UnfitArg {
    /// The argument's type.
    type Unfit: ?Sized;
    /// Never compiles: see the bound. Takes `self` by value, which the compiler tries last.
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
        unreachable!("a `KeyPart` has the inherent method")
    }
}

/// Part of an argument that cannot be in a key, so that its error is not followed by a second one.
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
    fn to_owned_part(&self) -> Unfit {
        *self
    }
    fn write(&self, _: &mut KeyWriter) {
        match *self {}
    }
}

/// A key part that is written by `Display` and compared by `Eq`.
#[derive(Debug)]
pub struct Displayed<'a, T: ?Sized>(&'a T);

impl<T: Display + Hash + Eq + Clone + Send + Sync + 'static> KeyPart for Displayed<'_, T> {
    type Owned = OwnedDisplayed<T>;

    #[inline]
    fn feed<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }

    #[inline]
    fn same(&self, owned: &OwnedDisplayed<T>) -> bool {
        *self.0 == owned.0
    }

    fn to_owned_part(&self) -> OwnedDisplayed<T> {
        OwnedDisplayed(self.0.clone())
    }

    fn write(&self, out: &mut KeyWriter) {
        out.displayed(self.0);
    }
}

/// The owned form of a [`Displayed`] part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedDisplayed<T>(T);

impl<T: Display + Hash + Eq + Clone + Send + Sync + 'static> KeyPart for OwnedDisplayed<T> {
    type Owned = Self;

    fn feed<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }

    fn same(&self, owned: &Self) -> bool {
        self == owned
    }

    fn to_owned_part(&self) -> Self {
        self.clone()
    }

    fn write(&self, out: &mut KeyWriter) {
        out.displayed(&self.0);
    }
}
