//! Fields that lists filter and sort by: names, values, and the way in which a request spells them.

use serde::Serialize;

use super::{Id, Moment};

/// A field of the model `M`.
#[derive(Debug)]
pub struct Field<M> {
    /// The stored, dotted name.
    pub name: &'static str,
    /// The kind of its values.
    pub kind: Kind,
    /// The value in a document.
    pub value: fn(&M) -> Scalar,
}

impl<M> Field<M> {
    /// The field `name`.
    pub const fn new(name: &'static str, kind: Kind, value: fn(&M) -> Scalar) -> Self {
        Self { name, kind, value }
    }
}

/// The kinds of values.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names are the whole story")]
pub enum Kind {
    Flag,
    Number,
    /// Text as it is written.
    Text,
    /// Text in any case; stored in lower case.
    Lower,
    Moment,
    Choice(&'static [&'static str]),
}

/// The longest text that any field holds.
const MAX_TEXT: usize = 254;

impl Kind {
    /// The value that `text` spells.
    pub fn read(self, text: &str) -> Option<Scalar> {
        let short = (1..=MAX_TEXT).contains(&text.chars().count());
        match self {
            Self::Flag => text.parse().ok().map(Scalar::Flag),
            Self::Number => {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                text.parse().ok().filter(|_| digits).map(Scalar::Number)
            }
            Self::Text => short.then(|| Scalar::from(text)),
            Self::Lower => short.then(|| Scalar::Text(text.to_lowercase())),
            Self::Moment => Moment::parse(text).map(Scalar::Moment),
            Self::Choice(names) => names.contains(&text).then(|| Scalar::from(text)),
        }
    }

    /// The text to write instead.
    pub fn expected(self) -> String {
        match self {
            Self::Flag => "must be true or false".to_owned(),
            Self::Number => "must be a whole number".to_owned(),
            Self::Text | Self::Lower => format!("must be text of 1 to {MAX_TEXT} characters"),
            Self::Moment => "must be a moment such as 2030-01-02T03:04:05Z".to_owned(),
            Self::Choice(names) => format!("must be one of {}", names.join(", ")),
        }
    }
}

/// A field's value, as filters and sorts compare it. Absent ones come first, as in MongoDB.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[expect(missing_docs, reason = "the names are the whole story")]
pub enum Scalar {
    Absent,
    Number(Id),
    Text(String),
    Flag(bool),
    Moment(Moment),
}

impl Scalar {
    /// The name of an enum's variant, as JSON and MongoDB spell it.
    pub(super) fn name_of(variant: &impl Serialize) -> Self {
        match serde_json::to_value(variant) {
            Ok(serde_json::Value::String(text)) => Self::Text(text),
            _ => Self::Absent,
        }
    }
}

impl From<Id> for Scalar {
    fn from(number: Id) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Scalar {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Scalar {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Moment> for Scalar {
    fn from(moment: Moment) -> Self {
        Self::Moment(moment)
    }
}

impl<T: Into<Self>> From<Option<T>> for Scalar {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}
