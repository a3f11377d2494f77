//! Key parts that are pointers, options, lists or tuples of key parts.

use std::borrow::Cow;
use std::hash::Hasher;
use std::rc::Rc;
use std::sync::Arc;

use super::part::KeyPart;
use super::writer::KeyWriter;

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
            fn to_owned_part(&self) -> <$target as KeyPart>::Owned {
                <$target as KeyPart>::to_owned_part(self)
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
    [T: KeyPart + ?Sized] Rc<T> => T,
    [T: KeyPart + ToOwned + ?Sized] Cow<'_, T> => T,
    [] String => str,
    [T: KeyPart] Vec<T> => [T],
    [T: KeyPart, const N: usize] [T; N] => [T],
}

#[cfg(feature = "http")]
derefs! {
    [] bytes::Bytes => [u8],
    [] bytes::BytesMut => [u8],
}

impl<T: KeyPart> KeyPart for [T] {
    type Owned = Vec<T::Owned>;

    #[inline]
    fn feed<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        T::feed_all(self, state);
    }

    #[inline]
    fn same(&self, owned: &Vec<T::Owned>) -> bool {
        self.len() == owned.len() && T::all_same(self, owned)
    }

    fn to_owned_part(&self) -> Vec<T::Owned> {
        T::all_to_owned(self)
    }

    fn write(&self, out: &mut KeyWriter) {
        T::write_all(self, out);
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

    fn to_owned_part(&self) -> Option<T::Owned> {
        self.as_ref().map(KeyPart::to_owned_part)
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
            fn to_owned_part(&self) -> Self::Owned {
                ($(self.$index.to_owned_part(),)*)
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
