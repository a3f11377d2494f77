//! Reads a draft out of a JSON object, field by field, and reports every fault at once.
//!
//! Each reader returns a value in any case, a stand-in where the field is wrong, and records the fault; only
//! [`Draft::from_json`] decides, and it hands out no draft that has a stand-in in it. Fields that no reader asks for
//! are faults too (a misspelled one would be lost without a word), except those that the server sets itself: so a client may
//! send back what it was given.

use std::ops::RangeInclusive;

use serde::Serialize;
use serde::de::value::{Error as Unknown, StrDeserializer};
use serde::de::{DeserializeOwned, IgnoredAny, IntoDeserializer};
use serde_json::{Map, Value};

use super::{Id, Moment};

const NOT_AN_OBJECT: &str = "must be a JSON object";

/// The most values in a body, counted by the marks between them, so that a body takes no more memory than a few times its length. No
/// document has a hundredth as many, but its texts may have commas.
const MOST_VALUES: usize = 4_096;

/// A body as a client may write it.
pub trait Draft: Sized {
    /// Fields of the document that are the server's own; a client's word on them is ignored.
    const READ_ONLY: &'static [&'static str] = &[];

    /// Reads the fields; never fails, see [`Fields`].
    fn read(fields: &mut Fields) -> Self;

    /// The draft that `body` spells.
    ///
    /// # Errors
    ///
    /// The text is no JSON, or fields are missing or wrong: each is named with what was expected of it.
    fn from_json(body: &[u8]) -> Result<Self, BadBody> {
        serde_json::from_slice::<IgnoredAny>(body).map_err(BadBody::NotJson)?;
        if body.iter().filter(|byte| b",[{".contains(byte)).count() > MOST_VALUES {
            return Err(BadBody::Fields(vec![Violation::new("", format!("has more than {MOST_VALUES} values"))]));
        }
        let Value::Object(values) = serde_json::from_slice(body).map_err(BadBody::NotJson)? else {
            return Err(BadBody::Fields(vec![Violation::new("", NOT_AN_OBJECT)]));
        };
        let mut fields = Fields { values, violations: Vec::new() };
        let draft = Self::read(&mut fields);
        for name in Self::READ_ONLY {
            fields.values.remove(*name);
        }
        fields.no_more();
        if fields.violations.is_empty() { Ok(draft) } else { Err(BadBody::Fields(fields.violations)) }
    }
}

/// The reason why a body is no draft.
#[derive(Debug)]
pub enum BadBody {
    /// Text that is not JSON; the error names the place.
    NotJson(serde_json::Error),
    /// The fields at fault.
    Fields(Vec<Violation>),
}

/// A field, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The field's path as the client wrote it, for example `subscription.plan`; empty for the whole body.
    pub field: String,
    /// A sentence that says what was expected.
    pub message: String,
}

impl Violation {
    /// `field` should have been as `message` says. A name that is longer than any of a field is cut.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: cut(field.into()), message: message.into() }
    }
}

/// The most characters of a client's own words that it is told again.
const MOST_REPEATED: usize = 48;

/// The beginning of a text, with an ellipsis where there was more.
pub fn cut(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(MOST_REPEATED) {
        text.truncate(at);
        text.push('\u{2026}');
    }
    text
}

/// A JSON object that is being read.
#[derive(Debug)]
pub struct Fields {
    values: Map<String, Value>,
    violations: Vec<Violation>,
}

impl Fields {
    /// All fields, for a reader that knows them.
    pub fn all(&mut self) -> Map<String, Value> {
        std::mem::take(&mut self.values)
    }

    /// Text of 1 to `max` characters, without the space around it.
    pub fn text(&mut self, name: &str, max: usize) -> String {
        let is = |text: &str| (1..=max).contains(&text.chars().count());
        self.name(name, is, &format!("must be text of 1 to {max} characters"))
    }

    /// Text of at most `max` characters, or nothing. Blank text counts as nothing.
    pub fn optional_text(&mut self, name: &str, max: usize) -> Option<String> {
        let expected = format!("must be text of at most {max} characters");
        let text = self.take(name, |value| trimmed(&value).filter(|text| text.chars().count() <= max));
        self.optional(name, text, &expected).filter(|text| !text.is_empty())
    }

    /// An email address, turned to lower case. Only its shape is checked: whether it exists, a letter to it must tell.
    pub fn email(&mut self, name: &str) -> String {
        self.name(name, is_email, "must be an email address such as `ann@example.com`").to_lowercase()
    }

    /// Text that `is` admits, as `expected` says; without the space around it.
    pub fn name(&mut self, name: &str, is: impl Fn(&str) -> bool, expected: &str) -> String {
        let text = self.take(name, |value| trimmed(&value).filter(|text| is(text)));
        self.required(name, text, expected)
    }

    /// A moment from the year 1 to 9999, or nothing.
    pub fn moment(&mut self, name: &str) -> Option<Moment> {
        let moment = self.take(name, |value| {
            Moment::parse(&trimmed(&value)?).filter(|moment| (FIRST..=LAST).contains(&moment.as_millis()))
        });
        self.optional(name, moment, "must be a moment such as `2030-01-02T03:04:05Z`")
    }

    /// Longitude and latitude, in degrees.
    pub fn coordinates(&mut self, name: &str) -> [f64; 2] {
        let place = self.take(name, |value| {
            let [longitude, latitude] = value.as_array()?.as_slice() else { return None };
            let within =
                |degrees: &Value, most: f64| degrees.as_f64().filter(|degrees| (-most..=most).contains(degrees));
            Some([within(longitude, 180.0)?, within(latitude, 90.0)?])
        });
        self.required(
            name,
            place,
            "must be a longitude from -180 to 180 and a latitude from -90 to 90, as `[-8.61, 41.15]`",
        )
    }

    /// The id of another document.
    pub fn id(&mut self, name: &str) -> Id {
        let id = self.take(name, |value| value.as_u64().filter(|id| *id > 0));
        self.required(name, id, "must be an id, a whole number from 1")
    }

    /// A whole number in `range`.
    pub fn number(&mut self, name: &str, range: RangeInclusive<u64>) -> u64 {
        let expected = format!("must be a whole number from {} to {}", range.start(), range.end());
        let number = self.take(name, |value| value.as_u64().filter(|number| range.contains(number)));
        self.required(name, number, &expected)
    }

    /// True or false.
    pub fn flag(&mut self, name: &str, default: bool) -> bool {
        let flag = self.take(name, |value| value.as_bool());
        self.optional(name, flag, "must be true or false").unwrap_or(default)
    }

    /// One of an enum's names; the enum's default where the field is absent or null.
    pub fn choice<T: DeserializeOwned + Default>(&mut self, name: &str) -> T {
        let text = self.take(name, |value| value.as_str().map(str::to_owned));
        let Some(text) = self.optional(name, text, "must be text").map(cut) else { return T::default() };
        let spelled: StrDeserializer<'_, Unknown> = text.as_str().into_deserializer();
        T::deserialize(spelled).unwrap_or_else(|error| {
            // serde names the alternatives: "unknown variant `x`, expected one of ..".
            self.violations.push(Violation::new(name, error.to_string()));
            T::default()
        })
    }

    /// The same, where the field must be there.
    pub fn required_choice<T: DeserializeOwned + Default>(&mut self, name: &str) -> T {
        if self.values.get(name).is_none_or(Value::is_null) {
            self.violations.push(Violation::new(name, "is missing"));
        }
        self.choice(name)
    }

    /// The fields of an object within this one; all of them absent where it is.
    pub fn nested<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let object = self.take(name, |value| if let Value::Object(values) = value { Some(values) } else { None });
        let values = self.optional(name, object, NOT_AN_OBJECT).unwrap_or_default();
        let mut inner = Self { values, violations: Vec::new() };
        let draft = read(&mut inner);
        inner.no_more();
        self.violations.extend(
            inner.violations.into_iter().map(|inner| Violation { field: format!("{name}.{}", inner.field), ..inner }),
        );
        draft
    }

    /// Reports the fields that are left: the model has no such fields.
    fn no_more(&mut self) {
        let left = std::mem::take(&mut self.values);
        self.violations.extend(left.into_iter().map(|(name, _)| Violation::new(name, "is not a field here")));
    }

    /// Reads a field with `read`; `None` where it is absent or null.
    fn take<T>(&mut self, name: &str, read: impl FnOnce(Value) -> Option<T>) -> Option<Result<T, ()>> {
        let value = self.values.remove(name).filter(|value| !value.is_null())?;
        Some(read(value).ok_or(()))
    }

    fn optional<T>(&mut self, name: &str, found: Option<Result<T, ()>>, expected: &str) -> Option<T> {
        let value = found?.ok();
        if value.is_none() {
            self.violations.push(Violation::new(name, expected));
        }
        value
    }

    fn required<T: Default>(&mut self, name: &str, found: Option<Result<T, ()>>, expected: &str) -> T {
        if found.is_none() {
            self.violations.push(Violation::new(name, format!("is missing: {expected}")));
        }
        self.optional(name, found, expected).unwrap_or_default()
    }
}

/// 0001-01-01 and the end of 9999, in milliseconds.
const FIRST: i64 = -62_135_596_800_000;
const LAST: i64 = 253_402_300_799_000 - 1_000;

fn trimmed(value: &Value) -> Option<String> {
    value.as_str().map(|text| text.trim().to_owned())
}

/// True for a name, an `@`, a domain with a dot inside, no space, and no more than the 254 characters that mail servers accept.
fn is_email(text: &str) -> bool {
    let plain = text.len() <= 254 && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    plain
        && text.split_once('@').is_some_and(|(user, domain)| {
            let dotted = domain.split('.').count() >= 2 && domain.split('.').all(|label| !label.is_empty());
            !user.is_empty() && dotted && !domain.contains('@')
        })
}

#[cfg(test)]
mod tests;
