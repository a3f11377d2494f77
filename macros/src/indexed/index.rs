//! One index of a model, with each of its options checked alone.
//!
//! May use: diag, duration, nearest, options, value, indexed/{collation, condition, syntax}.

use proc_macro2::Span;
use syn::{Expr, Lit};

use super::{
    collation::Collation,
    condition::Clause,
    syntax::{self, IndexKey, Path},
};
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
    pub(super) partial: Vec<Clause>,
    /// The fields that a wildcard includes (true) or leaves out.
    pub(super) projection: Vec<(Path, bool)>,
    pub(super) collation: Option<Collation>,
    pub(super) bounds: Option<(f64, f64)>,
    /// The position of a longer index of the model that may make this one superfluous.
    pub(super) longer: Option<usize>,
    /// The place of errors about the whole index.
    pub(super) span: Span,
}

impl Index {
    pub(super) fn check(keys: Vec<IndexKey>, options: Options, span: Span, diag: &mut Diag) -> Self {
        name(&options, diag);
        let (expire_after, partial) = (expire_after(&options, diag), partial(&options, diag));
        let (projection, collation) = (projection(&options, diag), Collation::check(&options, diag));
        language(&options, diag);
        as_is(&options, diag);
        allowed(&options, diag);
        let bounds = bounds(&options, diag);
        Self { keys, options, expire_after, partial, projection, collation, bounds, longer: None, span }
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

/// The lifetime of documents, in seconds.
pub(super) fn expire_after(options: &Options, diag: &mut Diag) -> Option<u32> {
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

fn partial(options: &Options, diag: &mut Diag) -> Vec<Clause> {
    let mut clauses = Vec::new();
    read_all(options.list("partial").cloned().unwrap_or_default(), diag, |input, _| {
        clauses.push(Clause::parse(input)?);
        Ok(())
    });
    clauses
}

fn projection(options: &Options, diag: &mut Diag) -> Vec<(Path, bool)> {
    let mut fields: Vec<(Path, bool)> = Vec::new();
    read_all(options.list("wildcard_projection").cloned().unwrap_or_default(), diag, |input, diag| {
        let (path, included) = syntax::projected(input)?;
        if fields.first().is_some_and(|(_, before)| *before != included) {
            diag.error(path.span(), "a projection either includes fields or leaves some out: write `1` or `0` for all");
        }
        fields.push((path, included));
        Ok(())
    });
    fields
}

/// Options of MongoDB, with the attribute that declares each.
const DECLARABLE: [(&str, &str); 12] = [
    ("unique", "unique"),
    ("sparse", "sparse"),
    ("hidden", "hidden"),
    ("expireAfterSeconds", "expire_after = \"30d\""),
    ("partialFilterExpression", "partial(status = \"active\")"),
    ("collation", "collation(locale = \"en\")"),
    ("wildcardProjection", "wildcard_projection(color = 1)"),
    ("weights", "text(weight = 10)"),
    ("default_language", "default_language = \"english\""),
    ("language_override", "language_override = \"idioma\""),
    ("bits", "bits = 26"),
    ("name", "name = \"by_status\""),
];

fn as_is(options: &Options, diag: &mut Diag) {
    for literal in options.texts("as_is") {
        let name = literal.value();
        if let Some((_, instead)) = DECLARABLE.iter().find(|(option, _)| *option == name) {
            diag.at(literal, format_args!("`{name}` can be declared: write `{instead}`, or leave the option out"));
        } else if name.is_empty() || name == "key" {
            diag.at(literal, "this is not an option of an index: write one such as `as_is(\"storageEngine\")`");
        }
    }
}

fn allowed(options: &Options, diag: &mut Diag) {
    for word in options.params("allow") {
        if word != "prefix" {
            diag.at(word, format_args!("`{word}` cannot be allowed: write `allow(prefix)`"));
        }
    }
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
