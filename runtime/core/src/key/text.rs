//! Arguments that are in the key by their text: those that are not a [`KeyPart`] but implement `Display`, and `Option`s, lists and tuples
//! of them.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};
use std::hash::{BuildHasher, Hash, Hasher};
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use super::part::KeyPart;
use super::short::ShortString;
use super::writer::{Compare, KeyWriter, Sink};

/// Marker of comparison by text and `Hash`.
#[derive(Debug)]
pub struct HashAndText;

/// Marker of comparison by text alone.
#[derive(Debug)]
pub struct TextOnly;

/// Marker of comparison by the text of `Debug` alone.
#[derive(Debug)]
pub struct DebugOnly;

/// Form of a type that implements `Display` itself, or `Debug` under [`DebugOnly`].
#[derive(Debug)]
pub struct PlainForm;

/// Form of a container whose items have this form.
#[derive(Debug)]
pub struct ContainerForm<Form>(Form);

/// Arguments that are in the key by their text. `Form` keeps the implementations apart.
pub trait TextPart<By, Form> {
    /// True if the text may be that of `None`; see [`KeyPart::NULLABLE`].
    const NULLABLE: bool = false;
    /// Feeds the argument to a hasher.
    fn feed<H: Hasher>(&self, state: &mut H);
    /// Appends the argument's text.
    fn write(&self, out: &mut impl Sink);
}

impl<T: Display + Hash + ?Sized> TextPart<HashAndText, PlainForm> for T {
    fn feed<H: Hasher>(&self, state: &mut H) {
        self.hash(state);
    }

    fn write(&self, out: &mut impl Sink) {
        out.displayed(self);
    }
}

impl<T: Display + ?Sized> TextPart<TextOnly, PlainForm> for T {
    fn feed<H: Hasher>(&self, state: &mut H) {
        // An argument whose `Display` fails is not equal to itself, so its hash does not matter.
        let _ = write!(HasherWriter(state), "{self}");
    }

    fn write(&self, out: &mut impl Sink) {
        out.displayed(self);
    }
}

impl<T: fmt::Debug + ?Sized> TextPart<DebugOnly, PlainForm> for T {
    fn feed<H: Hasher>(&self, state: &mut H) {
        let _ = write!(HasherWriter(state), "{self:?}");
    }

    fn write(&self, out: &mut impl Sink) {
        out.displayed(&format_args!("{self:?}"));
    }
}

/// Makes the part of `{x:display}`: the argument by its `Display`, also where its type has another part.
pub fn by_display<T: Display + ?Sized>(value: &T) -> AsText<'_, T, TextOnly, PlainForm> {
    AsText::new(value)
}

/// Makes the part of `{x:debug}`: the argument by its `Debug`.
pub fn by_debug<T: fmt::Debug + ?Sized>(value: &T) -> AsText<'_, T, DebugOnly, PlainForm> {
    AsText::new(value)
}

struct HasherWriter<'a, H>(&'a mut H);

impl<H: Hasher> fmt::Write for HasherWriter<'_, H> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

impl<By, Form, T: TextPart<By, Form>> TextPart<By, ContainerForm<(Form,)>> for Option<T> {
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

impl<By, Form, T: TextPart<By, Form>> TextPart<By, ContainerForm<[Form; 1]>> for [T] {
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

/// Containers, which do not implement `Display`, so that a pointer to one does not either.
pub trait Container {}

impl<T> Container for Option<T> {}
impl<T> Container for [T] {}
impl<T> Container for Vec<T> {}
impl<T, const N: usize> Container for [T; N] {}

macro_rules! pointers {
    ($([$($generics:tt)*] $ty:ty => $target:ty),* $(,)?) => {$(
        impl<By, Form, $($generics)*> TextPart<By, ContainerForm<Form>> for $ty
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
        impl<By, $($form, $name: TextPart<By, $form>),*> TextPart<By, ContainerForm<($($form,)* ((),))>> for ($($name,)*) {
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

/// A key part that is written by its text.
#[derive(Debug)]
pub struct AsText<'a, T: ?Sized, By, Form> {
    part: &'a T,
    by: PhantomData<fn() -> (By, Form)>,
}

impl<'a, T: ?Sized, By, Form> AsText<'a, T, By, Form> {
    pub(super) fn new(part: &'a T) -> Self {
        Self { part, by: PhantomData }
    }
}

impl<T: TextPart<By, Form> + ?Sized, By, Form> AsText<'_, T, By, Form> {
    fn hash(&self) -> u64 {
        let mut state = foldhash::quality::FixedState::default().build_hasher();
        self.part.feed(&mut state);
        state.finish()
    }
}

/// The owned form of an `AsText` part: its text, and the hash of the argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedText {
    text: ShortString,
    hash: u64,
}

impl<T: TextPart<By, Form> + ?Sized, By, Form> KeyPart for AsText<'_, T, By, Form> {
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

    fn to_owned_part(&self) -> OwnedText {
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

    fn to_owned_part(&self) -> Self {
        self.clone()
    }

    fn write(&self, out: &mut KeyWriter) {
        // The text was escaped when it was made.
        out.raw(self.text.as_str());
    }
}

#[cfg(test)]
mod tests;
