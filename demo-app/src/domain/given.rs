//! Reads a JSON object within a bound: what no draft could use is not stored, however much of it there is.
//!
//! A member's value goes straight into what a field may be. Of lists two numbers are stored, which is a place; of what is deeper than a
//! group of fields nothing is; and of an object the first [`MOST_FIELDS`] members are.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The most members of one object; no document has more than half as many.
pub(super) const MOST_FIELDS: usize = 32;
/// Fields may stand in groups, and groups in nothing else.
const DEEPEST: u8 = 2;

/// The value of a member.
#[derive(Debug)]
pub(super) enum Given {
    Null,
    Flag(bool),
    Whole(u64),
    /// Any other number.
    Decimal(f64),
    Text(String),
    Pair([f64; 2]),
    Object(Members),
    /// A list of something else, or something too deep.
    Other,
}

/// The members of an object, each name once: of two with one name, the last.
#[derive(Debug, Default)]
pub(super) struct Members {
    members: Vec<(String, Given)>,
    /// True if there were more than [`MOST_FIELDS`].
    pub(super) too_many: bool,
}

impl Given {
    /// The value that `json` spells.
    pub(super) fn read(json: &[u8]) -> serde_json::Result<Self> {
        let mut reader = serde_json::Deserializer::from_slice(json);
        let given = Depth(0).deserialize(&mut reader)?;
        reader.end()?;
        Ok(given)
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of this size are no degrees")]
    pub(super) fn decimal(&self) -> Option<f64> {
        match self {
            Self::Whole(number) => Some(*number as f64),
            Self::Decimal(number) => Some(*number),
            _ => None,
        }
    }
}

impl Members {
    /// Takes a member out, if there is one of this name.
    pub(super) fn remove(&mut self, name: &str) -> Option<Given> {
        let at = self.members.iter().position(|(own, _)| own == name)?;
        Some(self.members.remove(at).1)
    }

    /// Tells whether there is a member of this name that is not null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(own, value)| own == name && !matches!(value, Given::Null))
    }

    pub(super) fn names(self) -> impl Iterator<Item = String> {
        self.members.into_iter().map(|(name, _)| name)
    }

    fn add(&mut self, name: String, value: Given) {
        match self.members.iter_mut().find(|(own, _)| *own == name) {
            Some((_, own)) => *own = value,
            None => self.members.push((name, value)),
        }
    }
}

/// Reads a value that is so many objects deep.
#[derive(Clone, Copy)]
struct Depth(u8);

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Given;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Given, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Given;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Given, E> {
        Ok(Given::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Given, E> {
        Ok(Given::Flag(flag))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Given, E> {
        Ok(Given::Whole(number))
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of this size are no degrees")]
    fn visit_i64<E: Error>(self, number: i64) -> Result<Given, E> {
        Ok(u64::try_from(number).map_or(Given::Decimal(number as f64), Given::Whole))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Given, E> {
        Ok(Given::Decimal(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Given, E> {
        Ok(Given::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Given, A::Error> {
        let deeper = Self(DEEPEST);
        let mut number = || Ok(list.next_element_seed(deeper)?.as_ref().and_then(Given::decimal));
        let (first, second) = (number()?, number()?);
        let mut more = false;
        while list.next_element::<IgnoredAny>()?.is_some() {
            more = true;
        }
        Ok(match (first, second) {
            (Some(first), Some(second)) if !more => Given::Pair([first, second]),
            _ => Given::Other,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Given, A::Error> {
        let Self(depth) = self;
        if depth >= DEEPEST {
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Given::Other);
        }
        let mut read = Members::default();
        while read.members.len() < MOST_FIELDS {
            let Some(name) = object.next_key()? else { return Ok(Given::Object(read)) };
            let value = object.next_value_seed(Self(depth + 1))?;
            read.add(name, value);
        }
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            read.too_many = true;
        }
        Ok(Given::Object(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_what_fields_may_be() {
        for (json, expected) in [
            ("null", "Null"),
            ("true", "Flag(true)"),
            ("7", "Whole(7)"),
            ("-7", "Decimal(-7.0)"),
            ("7.5", "Decimal(7.5)"),
            (r#""a\u00e9""#, r#"Text("aé")"#),
            ("[1, -2.5]", "Pair([1.0, -2.5])"),
            ("[1]", "Other"),
            ("[1, 2, 3]", "Other"),
            ("[[1, 2], 3]", "Other"),
            ("[]", "Other"),
        ] {
            assert_eq!(format!("{:?}", Given::read(json.as_bytes()).unwrap()), expected, "{json}");
        }
        for json in ["", "{", "{\"a\":}", "[1,]", "7 8", "\"\u{1}\"", "01", "{\"a\":1,}"] {
            assert!(Given::read(json.as_bytes()).is_err(), "{json}");
        }
        assert!(Given::read(b"\"\xff\"").is_err());
    }

    #[test]
    fn of_two_members_with_one_name_the_last_counts() {
        let Given::Object(mut read) = Given::read(br#"{"a": 1, "b": 2, "a": 3}"#).unwrap() else { panic!("no object") };
        assert!(matches!(read.remove("a"), Some(Given::Whole(3))));
        assert!(read.remove("a").is_none());
        assert_eq!(read.names().collect::<Vec<_>>(), ["b"]);
    }

    /// Values that no draft could use are checked, and not stored.
    #[test]
    fn what_is_stored_has_a_bound_whatever_is_sent() {
        let many = |piece: &str| format!("{{\"a\":[{}0]}}", piece.repeat(100_000));
        for json in [many("0,"), many("[],"), many("{\"\":0},"), many("\"text\",")] {
            let Given::Object(mut read) = Given::read(json.as_bytes()).unwrap() else { panic!("no object") };
            assert!(matches!(read.remove("a"), Some(Given::Other)));
        }
        let distinct = |count: usize| (0..count).map(|n| format!("\"{n}\":{{\"x\":{{\"y\":0}}}}")).collect::<Vec<_>>();
        for (count, too_many) in [(MOST_FIELDS, false), (MOST_FIELDS + 1, true), (10_000, true)] {
            let json = format!("{{{}}}", distinct(count).join(","));
            let Given::Object(mut read) = Given::read(json.as_bytes()).unwrap() else { panic!("no object") };
            assert_eq!((read.members.len(), read.too_many), (MOST_FIELDS, too_many), "{count}");
            let Some(Given::Object(mut group)) = read.remove("0") else { panic!("no group") };
            assert!(matches!(group.remove("x"), Some(Given::Other)), "too deep for any field");
        }
    }
}
