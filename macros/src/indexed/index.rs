//! One index of a model, with each of its options checked alone.
//!
//! May use: diag, duration, nearest, options, value, indexed/{condition, syntax}.

use proc_macro2::Span;
use syn::{Expr, Lit};

use super::{condition::Condition, syntax::IndexKey};
use crate::{
    diag::Diag,
    duration::{self, Time},
    nearest,
    options::{Options, Value, read_all},
    value,
};

/// A checked index.
pub(super) struct Index {
    pub(super) keys: Vec<IndexKey>,
    pub(super) options: Options,
    /// The lifetime of documents, in seconds.
    pub(super) expire_after: Option<u32>,
    pub(super) partial: Vec<Condition>,
    pub(super) collation: Option<Collation>,
    pub(super) bounds: Option<(f64, f64)>,
    /// The place of errors about the whole index.
    pub(super) span: Span,
}

/// A checked collation.
#[derive(PartialEq)]
pub(super) struct Collation {
    pub(super) locale: String,
    pub(super) strength: Option<u8>,
    pub(super) numeric_ordering: Option<bool>,
}

impl Index {
    pub(super) fn check(keys: Vec<IndexKey>, options: Options, span: Span, diag: &mut Diag) -> Self {
        name(&options, diag);
        let (expire_after, partial) = (expire_after(&options, diag), partial(&options, diag));
        let collation = collation(&options, diag);
        language(&options, diag);
        let bounds = bounds(&options, diag);
        Self { keys, options, expire_after, partial, collation, bounds, span }
    }

    /// The name that the user gave it.
    pub(super) fn name(&self) -> Option<String> {
        self.options.text("name").map(syn::LitStr::value)
    }

    /// Returns whether MongoDB regards this index and another one over the same keys as one index.
    pub(super) fn same_identity(&self, other: &Self) -> bool {
        self.options.is_given("unique") == other.options.is_given("unique") && self.same_documents(other)
    }

    /// Returns whether both contain the same documents, in the same order.
    pub(super) fn same_documents(&self, other: &Self) -> bool {
        let partial = |index: &Self| index.options.list("partial").map(ToString::to_string);
        self.options.is_given("sparse") == other.options.is_given("sparse")
            && partial(self) == partial(other)
            && self.collation == other.collation
    }
}

fn name(options: &Options, diag: &mut Diag) {
    let Some(name) = options.text("name") else { return };
    let why = match name.value().as_str() {
        "" => "a name cannot be empty: leave `name` out for the default of MongoDB, such as `email_1`",
        "*" => "`*` stands for all indexes in MongoDB's commands: choose another name",
        "_id_" => "`_id_` is the name of the index over `_id`: choose another name",
        _ => return,
    };
    diag.at(name, why);
}

fn expire_after(options: &Options, diag: &mut Diag) -> Option<u32> {
    let expr = options.expr("expire_after")?;
    if let Expr::Lit(literal) = value::peel(expr)
        && matches!(&literal.lit, Lit::Int(number) if number.base10_digits() == "0")
    {
        // Zero is allowed here: the document expires at the date in the field.
        return Some(0);
    }
    let why = match duration::read("expire_after", expr, diag)? {
        Time::Expr(_) | Time::Function(_) | Time::Forever => {
            "`expire_after` is stored in the index: write a literal, as `expire_after = \"30d\"`"
        }
        Time::Fixed(millis) if millis % 1_000 != 0 => {
            "MongoDB counts `expire_after` in whole seconds: write a number of seconds, as `\"2s\"`"
        }
        Time::Fixed(millis) => match i32::try_from(millis / 1_000) {
            Ok(seconds) => return Some(seconds.unsigned_abs()),
            Err(_) => "`expire_after` is too long for MongoDB: write at most 2147483647 seconds, `\"24855d\"`",
        },
    };
    diag.at(expr, why);
    None
}

fn partial(options: &Options, diag: &mut Diag) -> Vec<Condition> {
    let mut conditions = Vec::new();
    read_all(options.list("partial").cloned().unwrap_or_default(), diag, |input, _| {
        conditions.push(Condition::parse(input)?);
        Ok(())
    });
    conditions
}

fn collation(options: &Options, diag: &mut Diag) -> Option<Collation> {
    let given = Options::parse("collation", options.list("collation")?.clone(), diag);
    if !given.is_given("locale") {
        let why = "a collation needs a locale: write `collation(locale = \"en\", strength = 2)`";
        options.refuse("collation", why, diag);
    }
    let strength = if let Some(Value::Integer(number)) = given.value("strength") { Some(*number) } else { None };
    let numeric_ordering = if let Some(Value::Bool(is)) = given.value("numeric_ordering") { Some(*is) } else { None };
    Some(Collation {
        locale: given.text("locale")?.value(),
        strength: strength.and_then(|strength| u8::try_from(strength).ok()),
        numeric_ordering,
    })
}

/// The languages in which MongoDB can search text, by name and by ISO code.
const LANGUAGES: [&str; 31] = [
    "none",
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "hungarian",
    "italian",
    "norwegian",
    "portuguese",
    "romanian",
    "russian",
    "spanish",
    "swedish",
    "turkish",
    "da",
    "nl",
    "en",
    "fi",
    "fr",
    "de",
    "hu",
    "it",
    "nb",
    "pt",
    "ro",
    "ru",
    "es",
    "sv",
    "tr",
];

fn language(options: &Options, diag: &mut Diag) {
    let Some(literal) = options.text("default_language") else { return };
    let name = literal.value();
    if LANGUAGES.contains(&name.as_str()) {
        return;
    }
    let hint = nearest::hint(&name, LANGUAGES);
    diag.at(
        literal,
        format_args!(
            "MongoDB has no text search in `{name}`: write a language such as `\"english\"`, or `\"none\"`{hint}"
        ),
    );
}

fn bounds(options: &Options, diag: &mut Diag) -> Option<(f64, f64)> {
    if options.is_given("min") != options.is_given("max") {
        for name in ["min", "max"] {
            options.refuse(name, "`min` and `max` need each other: write both, as `min = -180, max = 180`", diag);
        }
    }
    let (Some(Value::Number(low)), Some(Value::Number(high))) = (options.value("min"), options.value("max")) else {
        return None;
    };
    if low >= high {
        if let Some(max) = options.written("max") {
            diag.at(max, "`max` is not above `min`: write `min = -180, max = 180`");
        }
        return None;
    }
    Some((*low, *high))
}
