//! May use: args, diag, duration, nearest, value, indexed/args, indexed/condition.
//!
//! The options of one index, each checked by itself.

use proc_macro2::Span;
use syn::{Expr, Lit, spanned::Spanned};

use super::{
    args::{CollationArgs, IndexArgs, Listed},
    condition::Condition,
};
use crate::{
    args::{OptionSet as _, Slot, read_all},
    diag::Diag,
    duration::{self, Time},
    nearest, value,
};

/// The checked options of one index.
#[derive(Default)]
pub(super) struct Options {
    pub(super) name: Option<String>,
    pub(super) unique: bool,
    pub(super) sparse: bool,
    pub(super) hidden: bool,
    /// In seconds.
    pub(super) expire_after: Option<u32>,
    pub(super) partial: Vec<Condition>,
    /// The conditions as they were written, for comparison.
    pub(super) partial_text: Option<String>,
    pub(super) collation: Option<Collation>,
    pub(super) default_language: Option<String>,
    pub(super) language_override: Option<String>,
    pub(super) bits: Option<u32>,
    pub(super) bounds: Option<(f64, f64)>,
}

/// A checked collation.
#[derive(PartialEq)]
pub(super) struct Collation {
    pub(super) locale: String,
    pub(super) strength: Option<u8>,
    pub(super) numeric_ordering: Option<bool>,
}

impl Options {
    pub(super) fn check(args: &IndexArgs, diag: &mut Diag) -> Self {
        Self {
            name: args.name.value().and_then(|expr| name(expr, diag)),
            unique: args.unique.is_given(),
            sparse: args.sparse.is_given(),
            hidden: args.hidden.is_given(),
            expire_after: args.expire_after.value().and_then(|expr| expire_after(expr, diag)),
            partial: args.partial.value().map(|list| partial(list, diag)).unwrap_or_default(),
            partial_text: args.partial.value().map(|list| list.0.to_string()),
            collation: args.collation.value().and_then(|list| collation(list, &args.collation, diag)),
            default_language: args.default_language.value().and_then(|expr| language(expr, diag)),
            language_override: text("language_override", "idioma", &args.language_override, diag),
            bits: args.bits.value().and_then(|expr| integer("bits", 1, 32, expr, diag)),
            bounds: bounds(args, diag),
        }
    }

    /// Two indexes over the same keys are two for MongoDB only if one of these differs.
    pub(super) fn same_identity(&self, other: &Self) -> bool {
        self.unique == other.unique && self.same_documents(other)
    }

    /// Whether both hold the same documents, in the same order.
    pub(super) fn same_documents(&self, other: &Self) -> bool {
        self.sparse == other.sparse && self.partial_text == other.partial_text && self.collation == other.collation
    }
}

fn text(name: &str, example: &str, slot: &Slot<Expr>, diag: &mut Diag) -> Option<String> {
    Some(value::string(name, example, slot.value()?, diag)?.value())
}

fn name(expr: &Expr, diag: &mut Diag) -> Option<String> {
    let name = value::string("name", "by_status", expr, diag)?.value();
    let why = match name.as_str() {
        "" => "a name cannot be empty: leave `name` out for MongoDB's own, as `email_1`",
        "*" => "`*` means all indexes where MongoDB drops some: choose another name",
        "_id_" => "`_id_` is the name of the index over `_id`: choose another",
        _ => return Some(name),
    };
    diag.at(expr, why);
    None
}

fn expire_after(expr: &Expr, diag: &mut Diag) -> Option<u32> {
    if let Expr::Lit(literal) = value::peel(expr)
        && matches!(&literal.lit, Lit::Int(number) if number.base10_digits() == "0")
    {
        // At the very time in the field.
        return Some(0);
    }
    let why = match duration::read("expire_after", expr, diag)? {
        Time::Expr(_) => "MongoDB keeps `expire_after` in the index: write a literal, as `expire_after = \"30d\"`",
        Time::Fixed(millis) if millis % 1_000 != 0 => {
            "MongoDB counts `expire_after` in whole seconds: write `\"1s\"` or more"
        }
        Time::Fixed(millis) => match i32::try_from(millis / 1_000) {
            Ok(seconds) => return Some(seconds.unsigned_abs()),
            Err(_) => "`expire_after` is too long: MongoDB takes at most 2147483647 seconds, `\"24855d\"`",
        },
    };
    diag.at(expr, why);
    None
}

fn partial(list: &Listed, diag: &mut Diag) -> Vec<Condition> {
    let mut conditions = Vec::new();
    read_all(list.0.clone(), diag, |input, _| {
        conditions.push(Condition::parse(input)?);
        Ok(())
    });
    conditions
}

fn collation(list: &Listed, slot: &Slot<Listed>, diag: &mut Diag) -> Option<Collation> {
    let args = CollationArgs::parse(list.0.clone(), diag);
    let strength = args.strength.value().and_then(|expr| integer("strength", 1, 5, expr, diag));
    let numeric_ordering = args.numeric_ordering.value().and_then(|expr| boolean("numeric_ordering", expr, diag));
    if !args.locale.is_given() {
        slot.refuse("a collation needs a locale: write `collation(locale = \"en\", strength = 2)`", diag);
    }
    let locale = text("locale", "en", &args.locale, diag)?;
    Some(Collation { locale, strength: strength.and_then(|strength| u8::try_from(strength).ok()), numeric_ordering })
}

/// The languages whose words MongoDB knows, by name and by ISO code.
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

fn language(expr: &Expr, diag: &mut Diag) -> Option<String> {
    let name = value::string("default_language", "english", expr, diag)?.value();
    if LANGUAGES.contains(&name.as_str()) {
        return Some(name);
    }
    let hint = nearest::hint(&name, LANGUAGES);
    diag.at(
        expr,
        format_args!("MongoDB has no words of `{name}`: write a language as `\"english\"`, or `\"none\"`{hint}"),
    );
    None
}

fn bounds(args: &IndexArgs, diag: &mut Diag) -> Option<(f64, f64)> {
    let (Some(min), Some(max)) = (args.min.value(), args.max.value()) else {
        for slot in [&args.min, &args.max] {
            slot.refuse("write both bounds: `min = -180, max = 180`", diag);
        }
        return None;
    };
    let (low, high) = (number("min", min, diag)?, number("max", max, diag)?);
    if low >= high {
        diag.at(max, "`max` is not above `min`: write `min = -180, max = 180`");
        return None;
    }
    Some((low, high))
}

fn integer(name: &str, least: u32, most: u32, expr: &Expr, diag: &mut Diag) -> Option<u32> {
    if let Expr::Lit(literal) = value::peel(expr)
        && let Lit::Int(number) = &literal.lit
        && let Ok(number) = number.base10_parse::<u32>()
        && (least..=most).contains(&number)
    {
        return Some(number);
    }
    diag.at(expr, format_args!("`{name}` is a whole number from {least} to {most}: write `{name} = {least}`"));
    None
}

fn boolean(name: &str, expr: &Expr, diag: &mut Diag) -> Option<bool> {
    if let Expr::Lit(literal) = value::peel(expr)
        && let Lit::Bool(value) = &literal.lit
    {
        return Some(value.value);
    }
    diag.at(expr, format_args!("`{name}` is `true` or `false`: write `{name} = true`"));
    None
}

fn number(name: &str, expr: &Expr, diag: &mut Diag) -> Option<f64> {
    let (expr, sign) = match value::peel(expr) {
        Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Neg(_)) => (&*unary.expr, -1.0),
        other => (other, 1.0),
    };
    let digits = match value::peel(expr) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => Some(number.base10_digits().to_owned()),
            Lit::Float(number) => Some(number.base10_digits().to_owned()),
            _ => None,
        },
        _ => None,
    };
    let number = digits.and_then(|digits| digits.parse::<f64>().ok()).map(|number| number * sign);
    if number.is_none() {
        let span: Span = expr.span();
        diag.error(span, format_args!("`{name}` is a number: write `{name} = 180`"));
    }
    number
}
