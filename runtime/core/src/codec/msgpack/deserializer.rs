//! serde's `Deserializer` for [`MsgpackReader`].

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::error::{MsgpackError, msgpack_error};
use super::reader::{FALSE, Members, MsgpackReader, NIL, SOME, TRUE};

const EMPTY_LIST: u8 = 0x90;
const ONE_ENTRY: u8 = 0x81;

macro_rules! forward {
    ($($for:ident: $($method:ident)*;)*) => {$($(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, MsgpackError> {
            self.$for(visitor)
        }
    )*)*};
}

/// Each method reads the requested type if it is next, otherwise whatever is; the visitor then reports the mismatch.
impl<'de> Deserializer<'de> for &mut MsgpackReader<'de> {
    type Error = MsgpackError;

    forward! {
        a_number: deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_i8 deserialize_i16
            deserialize_i32 deserialize_i64 deserialize_f32 deserialize_f64;
        a_text: deserialize_str deserialize_string deserialize_char;
        a_name: deserialize_identifier;
        a_list: deserialize_seq;
    }

    forward_to_deserialize_any! { bytes byte_buf unit ignored_any }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, MsgpackError> {
        let marker = self.byte()?;
        self.any(marker, visitor)
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, MsgpackError> {
        match self.byte()? {
            marker @ (FALSE | TRUE) => visitor.visit_bool(marker == TRUE),
            marker => self.any(marker, visitor),
        }
    }

    #[inline]
    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, MsgpackError> {
        match self.wide()? {
            Some(bytes) => visitor.visit_i128(i128::from_be_bytes(bytes)),
            None => self.a_number(visitor),
        }
    }

    #[inline]
    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, MsgpackError> {
        match self.wide()? {
            Some(bytes) => visitor.visit_u128(u128::from_be_bytes(bytes)),
            None => self.a_number(visitor),
        }
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, MsgpackError> {
        if self.is_next(NIL)? {
            visitor.visit_none()
        } else if self.is_next(SOME)? {
            self.within(|reader| visitor.visit_some(reader))
        } else {
            visitor.visit_some(self)
        }
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, MsgpackError> {
        match self.byte()? {
            NIL | EMPTY_LIST => visitor.visit_unit(),
            marker => self.any(marker, visitor),
        }
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, MsgpackError> {
        if name == rmp_serde::MSGPACK_EXT_STRUCT_NAME {
            return self.deserialize_any(visitor);
        }
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, MsgpackError> {
        self.a_map(&[], visitor)
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, MsgpackError> {
        self.a_tuple(length, visitor)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, MsgpackError> {
        self.a_tuple(length, visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, MsgpackError> {
        self.a_map(fields, visitor)
    }

    /// Reads a variant: its name, or a map of one entry if it has content.
    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, MsgpackError> {
        let holds = self.is_next(ONE_ENTRY)?;
        self.names = variants;
        visitor.visit_enum(VariantReader { reader: self, holds })
    }
}

impl Members<'_, '_> {
    #[inline]
    fn next(&mut self) -> bool {
        let more = self.left > 0;
        self.left -= usize::from(more);
        more
    }

    /// Returns the number of members that can still come: each takes at least a byte, whatever the length claims.
    #[inline]
    fn room(&self) -> usize {
        self.left.min(self.reader.left())
    }
}

impl<'de> SeqAccess<'de> for Members<'_, 'de> {
    type Error = MsgpackError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, MsgpackError> {
        if self.next() { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.room())
    }
}

impl<'de> MapAccess<'de> for Members<'_, 'de> {
    type Error = MsgpackError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, MsgpackError> {
        if !self.next() {
            return Ok(None);
        }
        self.reader.names = self.names;
        let key = seed.deserialize(&mut *self.reader)?;
        self.names = self.reader.names;
        Ok(Some(key))
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, MsgpackError> {
        seed.deserialize(&mut *self.reader)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.room())
    }
}

struct VariantReader<'a, 'de> {
    reader: &'a mut MsgpackReader<'de>,
    holds: bool,
}

impl<'a, 'de> VariantReader<'a, 'de> {
    #[inline]
    fn content(self) -> Result<&'a mut MsgpackReader<'de>, MsgpackError> {
        if self.holds { Ok(self.reader) } else { Err(msgpack_error("a variant has no content")) }
    }
}

impl<'de> EnumAccess<'de> for VariantReader<'_, 'de> {
    type Error = MsgpackError;
    type Variant = Self;

    #[inline]
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), MsgpackError> {
        Ok((seed.deserialize(&mut *self.reader)?, self))
    }
}

impl<'de> VariantAccess<'de> for VariantReader<'_, 'de> {
    type Error = MsgpackError;

    #[inline]
    fn unit_variant(self) -> Result<(), MsgpackError> {
        let nothing = !self.holds || self.reader.is_next(NIL)?;
        if nothing { Ok(()) } else { Err(msgpack_error("a variant has content that its type does not have")) }
    }

    #[inline]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, MsgpackError> {
        self.content()?.within(|reader| seed.deserialize(reader))
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, MsgpackError> {
        self.content()?.a_tuple(length, visitor)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, MsgpackError> {
        self.content()?.a_map(fields, visitor)
    }
}
