//! A collation, checked alone.
//!
//! May use: diag, options.

use crate::{
    diag::Diag,
    options::{Options, Value},
};

/// A checked collation.
#[derive(PartialEq)]
pub(super) struct Collation {
    pub(super) locale: String,
    /// The parts that were given, by the field of the runtime's type.
    pub(super) parts: Vec<(&'static str, CollationPart)>,
}

/// The value of a part of a collation.
#[derive(PartialEq)]
pub(super) enum CollationPart {
    Strength(u8),
    Flag(bool),
    /// A word, as MongoDB writes it.
    Word(&'static str),
}

impl Collation {
    pub(super) fn check(options: &Options, diag: &mut Diag) -> Option<Self> {
        let given = Options::parse("collation", options.list("collation")?.clone(), diag);
        if !given.is_given("locale") {
            let why = "a collation needs a locale: write `collation(locale = \"en\", strength = 2)`";
            options.refuse("collation", why, diag);
        }
        let part = |value: &Value| match value {
            Value::Integer(number) => u8::try_from(*number).ok().map(CollationPart::Strength),
            Value::Bool(is) => Some(CollationPart::Flag(*is)),
            // MongoDB's word has a hyphen, which no word in Rust has.
            Value::Word("non_ignorable") => Some(CollationPart::Word("non-ignorable")),
            Value::Word(word) => Some(CollationPart::Word(word)),
            _ => None,
        };
        let parts: Vec<_> = given.values().filter_map(|given| Some((given.row.name, part(given.value)?))).collect();
        let found = Self { locale: given.text("locale")?.value(), parts };
        found.check_strength(&given, diag);
        Some(found)
    }

    fn part(&self, name: &str) -> Option<&CollationPart> {
        self.parts.iter().find(|(part, _)| *part == name).map(|(_, value)| value)
    }

    /// Refuses parts that MongoDB does not accept at this strength.
    fn check_strength(&self, given: &Options, diag: &mut Diag) {
        let weak =
            |most: u8| matches!(self.part("strength"), Some(CollationPart::Strength(strength)) if *strength <= most);
        let case_level = self.part("case_level") == Some(&CollationPart::Flag(true));
        if weak(2) && !case_level && self.part("case_first") != Some(&CollationPart::Word("off")) {
            let why = "MongoDB refuses `case_first` where case does not count: write `strength = 3`, or add `case_level = true`";
            given.refuse("case_first", why, diag);
        }
        if weak(1) && self.part("backwards") == Some(&CollationPart::Flag(true)) {
            let why = "MongoDB refuses `backwards` where accents do not count: write `strength = 2`";
            given.refuse("backwards", why, diag);
        }
    }
}
