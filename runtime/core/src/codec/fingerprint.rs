//! The fingerprint of a type as it announces itself to serde, so that a changed type finds no values of the old one.
//!
//! The type is deserialised from a source that accepts every request and records it: names of types, fields and variants, and the kinds
//! of the leaves. A field that rejects its made-up value (a date that wants a real date) comes last in the next pass, so that the fields
//! after it are recorded as well; each variant of an enum takes a pass of its own.
//!
//! It does not see parts that serde does not announce: the fields of a flattened or untagged type, and the string format of a handwritten
//! `Deserialize`. For those, `version = ..` separates old values from new ones.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use xxhash_rust::xxh3::xxh3_64;

/// Maximum depth of the walk, which ends it for recursive types.
const MAX_DEPTH: usize = 32;
/// Maximum number of passes; variants and rejections beyond it are not tried.
const MAX_PASSES: usize = 256;

/// The result of a walk through a type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Announced {
    /// The fingerprint, the same in every build and on every machine.
    pub(crate) fingerprint: u64,
    /// True if the type announced all of its parts: it rejected no value, and used neither `deserialize_any` nor fields by position.
    pub(crate) is_settled: bool,
}

impl Announced {
    /// Walks through a type and records what it announces.
    pub(crate) fn from_type<T: DeserializeOwned>() -> Self {
        let (description, is_settled) = describe::<T>();
        Self { fingerprint: xxh3_64(description.as_bytes()), is_settled }
    }
}

fn describe<T: DeserializeOwned>() -> (String, bool) {
    let seen = RefCell::new(SeenTypes::default());
    let (mut root, mut is_settled) = (String::new(), true);
    for pass in 1..=MAX_PASSES {
        let before = seen.borrow().len();
        let out = RefCell::new(String::new());
        // The requests are recorded even if the pass fails.
        is_settled &= T::deserialize(Trace { seen: &seen, out: &out, depth: 0 }).is_ok() && pass < MAX_PASSES;
        root = out.into_inner();
        if seen.borrow().len() == before {
            break;
        }
    }
    let seen = seen.into_inner();
    (format!("{root} {:?}", seen.types), is_settled && !seen.asks_for_any && !seen.has_positions)
}

#[derive(Default)]
struct SeenTypes {
    /// The descriptions of the fields or variants of each type, by the type's own description.
    types: BTreeMap<String, BTreeMap<String, String>>,
    /// The fields that rejected their made-up value.
    refused: BTreeSet<(String, &'static str)>,
    /// True if `deserialize_any` was called.
    asks_for_any: bool,
    /// True if there are fields by position, of which `skip_serializing_if` can leave one out unnoticed.
    has_positions: bool,
}

impl SeenTypes {
    /// Returns a size that grows with every new discovery.
    fn len(&self) -> usize {
        self.refused.len() + self.types.values().map(BTreeMap::len).sum::<usize>()
    }

    fn member(&mut self, of: &str, name: &str, is: String) {
        let known = self.types.entry(of.to_owned()).or_default().entry(name.to_owned()).or_default();
        // A pass that ended early has recorded less.
        if is.len() > known.len() {
            *known = is;
        }
    }
}

/// A deserialiser that accepts every request and records it.
#[derive(Clone, Copy)]
struct Trace<'a> {
    seen: &'a RefCell<SeenTypes>,
    /// The description of the current value.
    out: &'a RefCell<String>,
    depth: usize,
}

impl Trace<'_> {
    fn record(&self, what: impl fmt::Display) {
        let _ = write!(self.out.borrow_mut(), "{what} ");
    }

    fn deeper(self) -> Result<Self, TraceError> {
        if self.depth >= MAX_DEPTH { Err(TraceError) } else { Ok(Self { depth: self.depth + 1, ..self }) }
    }

    fn at_the_end(&self) -> bool {
        self.depth >= MAX_DEPTH
    }
}

#[derive(Debug)]
struct TraceError;

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for TraceError {}

impl de::Error for TraceError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

macro_rules! leaves {
    ($($method:ident $visit:ident $($value:expr)?;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
            self.record(&stringify!($method)["deserialize_".len()..]);
            visitor.$visit($($value)?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Trace<'_> {
    type Error = TraceError;

    leaves! {
        deserialize_bool visit_bool true;
        deserialize_i8 visit_i8 1;
        deserialize_i16 visit_i16 1;
        deserialize_i32 visit_i32 1;
        deserialize_i64 visit_i64 1;
        deserialize_i128 visit_i128 1;
        deserialize_u8 visit_u8 1;
        deserialize_u16 visit_u16 1;
        deserialize_u32 visit_u32 1;
        deserialize_u64 visit_u64 1;
        deserialize_u128 visit_u128 1;
        deserialize_f32 visit_f32 1.0;
        deserialize_f64 visit_f64 1.0;
        deserialize_char visit_char 'a';
        deserialize_str visit_str "1";
        deserialize_string visit_str "1";
        deserialize_bytes visit_bytes b"1";
        deserialize_byte_buf visit_bytes b"1";
        deserialize_unit visit_unit;
        deserialize_identifier visit_str "1";
        deserialize_ignored_any visit_unit;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        self.record("any");
        self.seen.borrow_mut().asks_for_any = true;
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        self.record("option");
        if self.at_the_end() { visitor.visit_none() } else { visitor.visit_some(self.deeper()?) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, TraceError> {
        self.record(format_args!("unit struct {name}"));
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, TraceError> {
        self.record(format_args!("newtype {name}"));
        visitor.visit_newtype_struct(self.deeper()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        self.record("seq");
        visitor.visit_seq(ElementsTrace { trace: self.deeper()?, left: usize::from(!self.at_the_end()) })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, TraceError> {
        self.record(format_args!("tuple of {len}"));
        self.seen.borrow_mut().has_positions |= !is_plain_tuple::<V::Value>();
        visitor.visit_seq(ElementsTrace { trace: self.deeper()?, left: len })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, TraceError> {
        self.record(format_args!("struct {name}"));
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceError> {
        self.record("map");
        visitor.visit_map(EntriesTrace { trace: self.deeper()?, left: usize::from(!self.at_the_end()) })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TraceError> {
        let description = format!("struct {name} {fields:?}");
        self.record(&description);
        let refused = |field: &&&'static str| self.seen.borrow().refused.contains(&(description.clone(), **field));
        let (last, mut order): (Vec<&str>, Vec<&str>) = fields.iter().partition(|field| refused(field));
        order.extend(last);
        order.reverse();
        visitor.visit_map(FieldsTrace { trace: self.deeper()?, of: description, left: order, field: "" })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TraceError> {
        let description = format!("enum {name} {variants:?}");
        self.record(&description);
        let variant = {
            let seen = &mut *self.seen.borrow_mut();
            let known = seen.types.entry(description.clone()).or_default();
            // The next variant that no pass has tried, or the first one again.
            let next = variants.iter().find(|variant| !known.contains_key(**variant));
            let variant = next.or(variants.first()).ok_or(TraceError)?;
            known.entry((*variant).to_owned()).or_default();
            *variant
        };
        visitor.visit_enum(VariantTrace { trace: self.deeper()?, of: description, name: variant })
    }
}

/// Returns true for tuples and arrays, which are always written whole. If the compiler ever names them differently, types that hold them
/// are not settled.
fn is_plain_tuple<T>() -> bool {
    std::any::type_name::<T>().starts_with(['(', '['])
}

struct ElementsTrace<'a> {
    trace: Trace<'a>,
    left: usize,
}

impl<'de> SeqAccess<'de> for ElementsTrace<'_> {
    type Error = TraceError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, TraceError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(self.trace).map(Some)
    }
}

struct EntriesTrace<'a> {
    trace: Trace<'a>,
    left: usize,
}

impl<'de> MapAccess<'de> for EntriesTrace<'_> {
    type Error = TraceError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, TraceError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(self.trace).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, TraceError> {
        seed.deserialize(self.trace)
    }
}

struct FieldsTrace<'a> {
    trace: Trace<'a>,
    of: String,
    /// The fields still to come, the next one last.
    left: Vec<&'static str>,
    field: &'static str,
}

impl<'de> MapAccess<'de> for FieldsTrace<'_> {
    type Error = TraceError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, TraceError> {
        let Some(field) = self.left.pop() else { return Ok(None) };
        self.field = field;
        let key: StrDeserializer<'_, TraceError> = field.into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, TraceError> {
        let out = RefCell::new(String::new());
        let value = seed.deserialize(Trace { out: &out, ..self.trace });
        let mut all = self.trace.seen.borrow_mut();
        all.member(&self.of, self.field, out.into_inner());
        if value.is_err() {
            all.refused.insert((self.of.clone(), self.field));
        }
        value
    }
}

struct VariantTrace<'a> {
    trace: Trace<'a>,
    of: String,
    name: &'static str,
}

impl VariantTrace<'_> {
    /// Reads and records the content of the variant.
    fn content<T>(self, read: impl FnOnce(Trace<'_>) -> Result<T, TraceError>) -> Result<T, TraceError> {
        let out = RefCell::new(String::new());
        let value = read(Trace { out: &out, ..self.trace });
        self.trace.seen.borrow_mut().member(&self.of, self.name, out.into_inner());
        value
    }
}

impl<'de> EnumAccess<'de> for VariantTrace<'_> {
    type Error = TraceError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), TraceError> {
        let name: StrDeserializer<'_, TraceError> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for VariantTrace<'_> {
    type Error = TraceError;

    fn unit_variant(self) -> Result<(), TraceError> {
        self.content(|trace| {
            trace.record("unit");
            Ok(())
        })
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, TraceError> {
        self.content(|trace| seed.deserialize(trace))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, TraceError> {
        self.content(|trace| trace.deserialize_tuple(len, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TraceError> {
        let name = self.name;
        self.content(|trace| trace.deserialize_struct(name, fields, visitor))
    }
}

#[cfg(test)]
mod tests;
