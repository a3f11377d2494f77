//! The serialisers of the members of lists and maps.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::error::MsgpackError;
use super::writer::Compound;

impl<const EXACT: bool> Compound<'_, '_, EXACT> {
    #[inline]
    fn member<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), MsgpackError> {
        if let Some((_, count)) = &mut self.unknown {
            *count += 1;
        }
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), MsgpackError> {
        self.writer.text(name)?;
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn close(self) -> Result<(), MsgpackError> {
        self.writer.shallower();
        match self.unknown {
            Some((start, count)) => self.writer.put_head(start, count, self.is_map),
            None => Ok(()),
        }
    }
}

macro_rules! lists {
    ($($for:ident $method:ident;)*) => {$(
        impl<const EXACT: bool> $for for Compound<'_, '_, EXACT> {
            type Ok = ();
            type Error = MsgpackError;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), MsgpackError> {
                self.member(value)
            }

            #[inline]
            fn end(self) -> Result<(), MsgpackError> {
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

impl<const EXACT: bool> SerializeMap for Compound<'_, '_, EXACT> {
    type Ok = ();
    type Error = MsgpackError;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), MsgpackError> {
        self.member(key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), MsgpackError> {
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn end(self) -> Result<(), MsgpackError> {
        self.close()
    }
}

macro_rules! structs {
    ($($for:ident)*) => {$(
        impl<const EXACT: bool> $for for Compound<'_, '_, EXACT> {
            type Ok = ();
            type Error = MsgpackError;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), MsgpackError> {
                self.field(name, value)
            }

            #[inline]
            fn skip_field(&mut self, _: &'static str) -> Result<(), MsgpackError> {
                self.writer.has_skipped = true;
                Ok(())
            }

            #[inline]
            fn end(self) -> Result<(), MsgpackError> {
                self.close()
            }
        }
    )*};
}

structs! { SerializeStruct SerializeStructVariant }
