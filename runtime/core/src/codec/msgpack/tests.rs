use std::collections::BTreeMap;
use std::fmt;

use proptest::prelude::*;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::*;

mod writer;

fn written<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.serialize(&mut rmp_serde::Serializer::new(&mut bytes).with_struct_map().with_human_readable()).unwrap();
    bytes
}

fn by_rmp_serde<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    T::deserialize(&mut rmp_serde::Deserializer::from_read_ref(bytes).with_human_readable()).ok()
}

/// The value that a type receives from `deserialize_any`.
#[derive(Clone, Debug, PartialEq)]
enum Shown {
    Unit,
    Bool(bool),
    /// The width, negative for signed numbers, and the number.
    Number(i8, i128),
    /// The width and the bits.
    Float(u8, u64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Shown>),
    Map(Vec<(Shown, Shown)>),
    Extension(Box<Shown>),
}

macro_rules! shown {
    ($($visit:ident($kind:ty) $width:literal;)*) => {$(
        fn $visit<E>(self, value: $kind) -> Result<Shown, E> {
            Ok(Shown::Number($width, i128::from(value)))
        }
    )*};
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Shown;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    shown! {
        visit_u8(u8) 8; visit_u16(u16) 16; visit_u32(u32) 32; visit_u64(u64) 64;
        visit_i8(i8) -8; visit_i16(i16) -16; visit_i32(i32) -32; visit_i64(i64) -64;
    }

    fn visit_unit<E>(self) -> Result<Shown, E> {
        Ok(Shown::Unit)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Shown, E> {
        Ok(Shown::Bool(value))
    }
    fn visit_f32<E>(self, value: f32) -> Result<Shown, E> {
        Ok(Shown::Float(32, value.to_bits().into()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Shown, E> {
        Ok(Shown::Float(64, value.to_bits()))
    }
    fn visit_str<E>(self, value: &str) -> Result<Shown, E> {
        Ok(Shown::Text(value.to_owned()))
    }
    fn visit_bytes<E>(self, value: &[u8]) -> Result<Shown, E> {
        Ok(Shown::Bytes(value.to_vec()))
    }
    fn visit_newtype_struct<D: Deserializer<'de>>(self, within: D) -> Result<Shown, D::Error> {
        Shown::deserialize(within).map(|within| Shown::Extension(Box::new(within)))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Shown, A::Error> {
        let mut all = Vec::new();
        while let Some(element) = list.next_element()? {
            all.push(element);
        }
        Ok(Shown::List(all))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shown, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = map.next_entry()? {
            all.push(entry);
        }
        Ok(Shown::Map(all))
    }
}

impl<'de> Deserialize<'de> for Shown {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(Anything)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Everything {
    numbers: (u8, u16, u32, u64, i8, i16, i32, i64),
    wide: (u128, i128),
    floats: (f32, f64),
    truth: bool,
    letter: char,
    text: String,
    maybe: Option<String>,
    nothing: (),
    list: Vec<Kind>,
    map: BTreeMap<u16, String>,
    last: Unit,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    Newtype(Box<Option<Kind>>),
    Tuple(i8, String),
    Struct { x: u64, y: Vec<bool> },
}

fn kinds() -> impl Strategy<Value = Kind> {
    let leaf = prop_oneof![
        Just(Kind::Unit),
        (any::<i8>(), any::<String>()).prop_map(|(number, text)| Kind::Tuple(number, text)),
        (any::<u64>(), any::<Vec<bool>>()).prop_map(|(x, y)| Kind::Struct { x, y }),
    ];
    leaf.prop_recursive(4, 8, 1, |inner| prop::option::of(inner).prop_map(|inner| Kind::Newtype(Box::new(inner))))
}

prop_compose! {
    fn everything()(
        numbers in any::<(u8, u16, u32, u64, i8, i16, i32, i64)>(),
        shift in 0_u32..64,
        wide in any::<(u128, i128)>(),
        floats in (prop::num::f32::NORMAL, prop::num::f64::NORMAL),
        (truth, letter, text) in any::<(bool, char, String)>(),
        maybe in any::<Option<String>>(),
        list in prop::collection::vec(kinds(), 0..40),
        map in any::<BTreeMap<u16, String>>(),
    ) -> Everything {
        // Numbers of all sizes, and so of all widths.
        let (a, b, c, d, e, f, g, h) = numbers;
        let numbers = (a, b, c >> (shift / 2), d >> shift, e, f, g >> (shift / 2), h >> shift);
        Everything { numbers, wide, floats, truth, letter, text, maybe, nothing: (), list, map, last: Unit }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_value_that_was_written_is_read(value in everything()) {
        prop_assert_eq!(from_slice::<Everything>(&written(&value)).unwrap(), value);
    }

    #[test]
    fn every_part_of_a_value_decodes_as_with_rmp_serde(value in everything()) {
        let bytes = written(&value);
        prop_assert_eq!(from_slice::<Shown>(&bytes).ok(), by_rmp_serde::<Shown>(&bytes));
    }

    #[test]
    fn random_bytes_decode_as_with_rmp_serde_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        // `rmp-serde` has no byte before a value that begins like an absent one.
        prop_assume!(!bytes.contains(&reader::SOME));
        if let Ok(shown) = from_slice::<Shown>(&bytes) {
            prop_assert_eq!(by_rmp_serde::<Shown>(&bytes), Some(shown));
        }
        if let Ok(value) = from_slice::<Kind>(&bytes) {
            prop_assert_eq!(by_rmp_serde::<Kind>(&bytes), Some(value));
        }
    }

    #[test]
    fn bytes_that_are_cut_off_or_too_many_are_refused(value in everything(), at in any::<prop::sample::Index>()) {
        let bytes = written(&value);
        prop_assert!(from_slice::<Everything>(&bytes[..at.index(bytes.len())]).is_err());
        let longer = [&*bytes, &[NOTHING]].concat();
        prop_assert_eq!(from_slice::<Everything>(&longer).unwrap_err().to_string(), "there are bytes behind the value");
    }
}

const NOTHING: u8 = 0xc0;

/// A struct with more fields than fit into a marker; some are left out, one comes out of order, one under another name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Many {
    a: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<u8>,
    c: u8,
    d: u8,
    #[serde(alias = "five")]
    e: u8,
    f: u8,
    g: u8,
    h: u8,
    i: u8,
    j: u8,
    k: u8,
    l: u8,
    m: u8,
    n: u8,
    o: u8,
    p: u8,
    q: u8,
}

#[test]
fn fields_are_matched_by_their_names() {
    let many = Many { a: 1, c: 3, d: 4, e: 5, q: 17, ..Many::default() };
    assert_eq!(from_slice::<Many>(&written(&many)).unwrap(), many);
    let whole = Many { b: Some(2), ..many.clone() };
    assert_eq!(from_slice::<Many>(&written(&whole)).unwrap(), whole);
    let otherwise = BTreeMap::from([("q", 17), ("unknown", 9), ("five", 5), ("d", 4), ("c", 3), ("a", 1)]);
    assert_eq!(from_slice::<Many>(&written(&otherwise)).unwrap(), many);
    let twice = [[0x82].as_slice(), &[0xa1, b'a', 1].repeat(2)].concat();
    assert_eq!(from_slice::<Many>(&twice).unwrap_err().to_string(), "duplicate field `a`");
}

/// Bytes, which serde serialises as a list of numbers by default.
#[derive(Clone, Debug, PartialEq)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        writer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        match reader.deserialize_byte_buf(Anything)? {
            Shown::Bytes(bytes) => Ok(Self(bytes)),
            other => Err(de::Error::custom(format!("{other:?}"))),
        }
    }
}

/// A type with a format of its own in `MessagePack`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "_ExtStruct")]
struct Extension((i8, Bytes));

#[test]
fn extension_types_come_back() {
    for length in [1, 2, 4, 8, 16, 3, 200, 70_000] {
        let value = vec![Some(Extension((-7, Bytes(vec![9; length])))), None];
        assert_eq!(from_slice::<Vec<Option<Extension>>>(&written(&value)).unwrap(), value);
    }
    assert!(from_slice::<Extension>(&written(&"text")).is_err());
    assert!(from_slice::<Extension>(&[0xd4]).is_err());
}

#[test]
fn long_texts_lists_and_maps_come_back() {
    for length in [15_usize, 16, 31, 32, 255, 256, 65_535, 65_536] {
        let text = "x".repeat(length);
        assert_eq!(from_slice::<String>(&written(&text)).unwrap(), text);
        let list: Vec<usize> = (0..length).collect();
        assert_eq!(from_slice::<Vec<usize>>(&written(&list)).unwrap(), list);
        let map: BTreeMap<usize, bool> = (0..length).map(|n| (n, true)).collect();
        assert_eq!(from_slice::<BTreeMap<usize, bool>>(&written(&map)).unwrap(), map);
        let bytes = Bytes(vec![1; length]);
        assert_eq!(from_slice::<Bytes>(&written(&bytes)).unwrap(), bytes);
        // A list of numbers is another type than bytes, but can be decoded from bytes.
        assert_eq!(from_slice::<Vec<u8>>(&written(&bytes)).unwrap(), bytes.0);
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| [vec![0x91; levels], vec![NOTHING]].concat();
    assert!(from_slice::<serde_json::Value>(&nested(1_000)).is_ok());
    let error = from_slice::<serde_json::Value>(&nested(1_000_000)).unwrap_err();
    assert_eq!(error.to_string(), "it is nested too deeply");

    // A recursive type without a list in between.
    let within = |levels: usize| [[0x81, 0xa7].as_slice(), b"Newtype"].concat().repeat(levels);
    let error = from_slice::<Kind>(&within(1_000_000)).unwrap_err();
    assert_eq!(error.to_string(), "it is nested too deeply");
}

#[test]
fn no_memory_is_allocated_for_missing_elements() {
    struct Room(Option<usize>);

    impl<'de> Deserialize<'de> for Room {
        fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
            struct Hint;
            impl<'de> Visitor<'de> for Hint {
                type Value = Room;
                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a list")
                }
                fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Room, A::Error> {
                    let hint = list.size_hint();
                    while list.next_element::<u8>()?.is_some() {}
                    Ok(Room(hint))
                }
            }
            reader.deserialize_seq(Hint)
        }
    }

    assert_eq!(from_slice::<Room>(&written(&[1, 2, 3])).unwrap().0, Some(3));
    // A list of four thousand million numbers, of which there are two.
    let error = from_slice::<Vec<u64>>(&[0xdd, 0xff, 0xff, 0xff, 0xff, 1, 2]).unwrap_err();
    assert_eq!(error.to_string(), "the bytes are cut off");
    let error = from_slice::<String>(&[0xdb, 0xff, 0xff, 0xff, 0xff, b'x']).unwrap_err();
    assert_eq!(error.to_string(), "the bytes are cut off");
}

#[test]
fn a_value_that_does_not_fit_its_type_is_refused() {
    let refused = |bytes: &[u8]| from_slice::<Kind>(bytes).unwrap_err().to_string();
    assert_eq!(refused(&written(&"Newtype")), "a variant has no content");
    assert_eq!(refused(&written(&BTreeMap::from([("Unit", 1)]))), "a variant has content that its type does not have");
    assert_eq!(from_slice::<Kind>(&written(&BTreeMap::from([("Unit", None::<u8>)]))).unwrap(), Kind::Unit);
    assert_eq!(
        from_slice::<(u8, u8)>(&[0x93, 1, 2, 3]).unwrap_err().to_string(),
        "there are more members than its type has"
    );
    assert!(from_slice::<u8>(&written(&256)).unwrap_err().to_string().contains("expected u8"));
    assert!(from_slice::<String>(&[0xa1, 0xff]).unwrap_err().to_string().contains("not UTF-8"));
    assert!(from_slice::<Shown>(&[0xc1]).is_err());
}
