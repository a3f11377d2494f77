//! Arguments that are no [`KeyPart`] but display, and `Option`s, lists and tuples of them: in the key by their text.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};
use std::hash::{BuildHasher, Hash, Hasher};
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use super::part::KeyPart;
use super::short::ShortString;
use super::writer::{Compare, KeyWriter, Sink};

/// Comparison by text and `Hash`.
#[derive(Debug)]
pub struct ByHash;

/// Comparison by text alone.
#[derive(Debug)]
pub struct ByText;

/// The form of a type that displays.
#[derive(Debug)]
pub struct Leaf;

/// A container of this form.
#[derive(Debug)]
pub struct Of<Form>(Form);

/// An argument in the key by its text. `Form` keeps the implementations apart.
pub trait TextPart<By, Form> {
    const NULLABLE: bool = false;
    fn feed<H: Hasher>(&self, state: &mut H);
    fn write(&self, out: &mut impl Sink);
}

impl<T: Display + Hash + ?Sized> TextPart<ByHash, Leaf> for T {
    fn feed<H: Hasher>(&self, state: &mut H) {
        self.hash(state);
    }

    fn write(&self, out: &mut impl Sink) {
        out.shown(self);
    }
}

impl<T: Display + ?Sized> TextPart<ByText, Leaf> for T {
    fn feed<H: Hasher>(&self, state: &mut H) {
        // An error is an argument that is not even the same as itself.
        let _ = write!(Feed(state), "{self}");
    }

    fn write(&self, out: &mut impl Sink) {
        out.shown(self);
    }
}

struct Feed<'a, H>(&'a mut H);

impl<H: Hasher> fmt::Write for Feed<'_, H> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

impl<By, Form, T: TextPart<By, Form>> TextPart<By, Of<(Form,)>> for Option<T> {
    const NULLABLE: bool = true;

    fn feed<H: Hasher>(&self, state: &mut H) {
        state.write_u8(u8::from(self.is_some()));
        if let Some(part) = self {
            part.feed(state);
        }
    }

    fn write(&self, out: &mut impl Sink) {
        let Some(part) = self else { return out.raw("%~") };
        if T::NULLABLE {
            out.raw("%+");
        }
        part.write(out);
    }
}

impl<By, Form, T: TextPart<By, Form>> TextPart<By, Of<[Form; 1]>> for [T] {
    fn feed<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        for part in self {
            part.feed(state);
        }
    }

    fn write(&self, out: &mut impl Sink) {
        out.raw("%[");
        for part in self {
            part.write(out);
            out.raw("%,");
        }
        out.raw("%]");
    }
}

/// A container, which is no text itself, so that a pointer to it is none either.
pub trait Container {}

impl<T> Container for Option<T> {}
impl<T> Container for [T] {}
impl<T> Container for Vec<T> {}
impl<T, const N: usize> Container for [T; N] {}

macro_rules! pointers {
    ($([$($generics:tt)*] $ty:ty => $target:ty),* $(,)?) => {$(
        impl<By, Form, $($generics)*> TextPart<By, Of<Form>> for $ty
        where
            $target: TextPart<By, Form>,
        {
            const NULLABLE: bool = <$target as TextPart<By, Form>>::NULLABLE;
            fn feed<H: Hasher>(&self, state: &mut H) {
                <$target as TextPart<By, Form>>::feed(self, state);
            }
            fn write(&self, out: &mut impl Sink) {
                <$target as TextPart<By, Form>>::write(self, out);
            }
        }
    )*};
}

pointers! {
    [T] Vec<T> => [T],
    [T, const N: usize] [T; N] => [T],
    [T: Container + ?Sized] &T => T,
    [T: Container + ?Sized] Box<T> => T,
    [T: Container + ?Sized] Arc<T> => T,
    [T: Container + ?Sized] Rc<T> => T,
    [T: Container + ToOwned + ?Sized] Cow<'_, T> => T,
}

macro_rules! containers {
    ($([$($generics:tt)*] $ty:ty),* $(,)?) => { $(impl<$($generics)*> Container for $ty {})* };
}

containers! {
    [T: Container + ?Sized] &T,
    [T: Container + ?Sized] Box<T>,
    [T: Container + ?Sized] Arc<T>,
    [T: Container + ?Sized] Rc<T>,
    [T: Container + ToOwned + ?Sized] Cow<'_, T>,
}

macro_rules! tuples {
    ($(($($name:ident $form:ident $index:tt),*))*) => {$(
        impl<By, $($form, $name: TextPart<By, $form>),*> TextPart<By, Of<($($form,)* ((),))>> for ($($name,)*) {
            fn feed<H: Hasher>(&self, state: &mut H) {
                $(self.$index.feed(state);)*
            }
            fn write(&self, out: &mut impl Sink) {
                out.raw("%(");
                $(self.$index.write(out); out.raw("%,");)*
                out.raw("%)");
            }
        }
        impl<$($name),*> Container for ($($name,)*) {}
    )*};
}

tuples! { (A FormA 0) (A FormA 0, B FormB 1) (A FormA 0, B FormB 1, C FormC 2) (A FormA 0, B FormB 1, C FormC 2, D FormD 3) }

/// An argument used by its text.
#[derive(Debug)]
pub struct Text<'a, T: ?Sized, By, Form> {
    part: &'a T,
    by: PhantomData<fn() -> (By, Form)>,
}

impl<'a, T: ?Sized, By, Form> Text<'a, T, By, Form> {
    pub(super) fn new(part: &'a T) -> Self {
        Self { part, by: PhantomData }
    }
}

impl<T: TextPart<By, Form> + ?Sized, By, Form> Text<'_, T, By, Form> {
    fn hash(&self) -> u64 {
        let mut state = foldhash::quality::FixedState::default().build_hasher();
        self.part.feed(&mut state);
        state.finish()
    }
}

/// The text of an argument and the hash of what it hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedText {
    text: ShortString,
    hash: u64,
}

impl<T: TextPart<By, Form> + ?Sized, By, Form> KeyPart for Text<'_, T, By, Form> {
    type Owned = OwnedText;
    const NULLABLE: bool = T::NULLABLE;

    fn feed<H: Hasher>(&self, state: &mut H) {
        self.part.feed(state);
    }

    fn same(&self, owned: &OwnedText) -> bool {
        let mut text = Compare::with(owned.text.as_str());
        self.part.write(&mut text);
        text.is_same() && self.hash() == owned.hash
    }

    fn own(&self) -> OwnedText {
        let mut text = KeyWriter::new();
        self.part.write(&mut text);
        OwnedText { text: text.as_str().into(), hash: self.hash() }
    }

    fn write(&self, out: &mut KeyWriter) {
        self.part.write(out);
    }
}

impl KeyPart for OwnedText {
    type Owned = Self;

    fn feed<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }

    fn same(&self, owned: &Self) -> bool {
        self == owned
    }

    fn own(&self) -> Self {
        self.clone()
    }

    fn write(&self, out: &mut KeyWriter) {
        // It was escaped when it was made.
        out.raw(self.text.as_str());
    }
}

#[cfg(test)]
mod tests;
