//! Writing the members of lists and maps.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::refused::Refused;
use super::writer::Written;

impl<const EXACT: bool> Written<'_, '_, EXACT> {
    #[inline]
    fn member<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        if let Some((_, count)) = &mut self.unknown {
            *count += 1;
        }
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Refused> {
        self.writer.text(name)?;
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn close(self) -> Result<(), Refused> {
        self.writer.shallower();
        match self.unknown {
            Some((start, count)) => self.writer.put_head(start, count, self.is_map),
            None => Ok(()),
        }
    }
}

macro_rules! lists {
    ($($for:ident $method:ident;)*) => {$(
        impl<const EXACT: bool> $for for Written<'_, '_, EXACT> {
            type Ok = ();
            type Error = Refused;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                self.member(value)
            }

            #[inline]
            fn end(self) -> Result<(), Refused> {
                self.close()
            }
        }
    )*};
}

lists! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

impl<const EXACT: bool> SerializeMap for Written<'_, '_, EXACT> {
    type Ok = ();
    type Error = Refused;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        self.member(key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn end(self) -> Result<(), Refused> {
        self.close()
    }
}

macro_rules! structs {
    ($($for:ident)*) => {$(
        impl<const EXACT: bool> $for for Written<'_, '_, EXACT> {
            type Ok = ();
            type Error = Refused;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Refused> {
                self.field(name, value)
            }

            #[inline]
            fn skip_field(&mut self, _: &'static str) -> Result<(), Refused> {
                self.writer.has_skipped = true;
                Ok(())
            }

            #[inline]
            fn end(self) -> Result<(), Refused> {
                self.close()
            }
        }
    )*};
}

structs! { SerializeStruct SerializeStructVariant }
