//! Checks of partial filters that the derive evaluates at compile time, by the types of the fields. A panic here is a compile error at the
//! field that the user wrote.

use super::date;
use super::declaration::Literal;
use super::path::{PathSteps, ValueKind};
use super::text::ConstText;

/// Fails to compile if no value of the field can be compared with the literals.
///
/// # Panics
///
/// Panics if a literal is not of the kind of the field's values; evaluated at compile time.
#[track_caller]
pub const fn check_literals(steps: &PathSteps, literals: &[Literal]) {
    let mut at = 0;
    while at < literals.len() {
        let what = match (steps.holds, literals[at]) {
            (ValueKind::Anything, _)
            | (_, Literal::Null)
            | (ValueKind::Bools, Literal::Bool(_))
            | (ValueKind::Numbers, Literal::Int(_) | Literal::Double(_))
            | (ValueKind::Texts, Literal::Text(_))
            | (ValueKind::Dates, Literal::Date(_))
            | (ValueKind::Ids, Literal::Id(_)) => "",
            (ValueKind::Dates, Literal::Text(text)) if date::read(text).is_some() => "",
            (ValueKind::Ids, Literal::Text(text)) if read_id(text).is_some() => "",
            (ValueKind::Bools, _) => "a boolean: compare it with `true` or `false`",
            (ValueKind::Numbers, _) => "a number: compare it with one, without quotes",
            (ValueKind::Texts, _) => "a string: compare it with one, in quotes",
            (ValueKind::Dates, _) => "a date: compare it with one, as `\"2024-01-31T00:00:00Z\"`",
            (ValueKind::Ids, _) => "an object id: compare it with its 24 hexadecimal digits, in quotes",
            (ValueKind::Others, _) => "a document: write `exists(..)`, or compare one of its fields",
        };
        if !what.is_empty() {
            refuse(steps, what);
        }
        at += 1;
    }
}

/// Fails to compile if no value of the field has one of the types.
///
/// # Panics
///
/// Panics if the kind of the field's values is known, and none of its types is named; evaluated at compile time.
#[track_caller]
pub const fn check_types(steps: &PathSteps, types: &[&str]) {
    let mut at = 0;
    while at < types.len() {
        let name = types[at];
        let fits = match steps.holds {
            ValueKind::Anything => true,
            ValueKind::Bools => is_one_of(name, &["bool"]),
            ValueKind::Numbers => is_one_of(name, &["number", "int", "long", "double", "decimal"]),
            ValueKind::Texts => is_one_of(name, &["string"]),
            ValueKind::Dates => is_one_of(name, &["date"]),
            ValueKind::Ids => is_one_of(name, &["objectId"]),
            ValueKind::Others => is_one_of(name, &["object"]),
        };
        if !(fits || is_one_of(name, &["null"]) || steps.has_array() && is_one_of(name, &["array"])) {
            let before = ConstText::EMPTY.append("never of the type `").append(name).append("`: write ");
            refuse(steps, suggestion(steps, before.as_str(), "").as_str());
        }
        at += 1;
    }
}

/// Fails to compile if the field always exists, so that `exists` would let no second document without a value into a unique index.
///
/// # Panics
///
/// Panics if the field is an `Option` that serde stores as `null`; evaluated at compile time.
#[track_caller]
pub const fn check_presence(steps: &PathSteps) {
    if steps.null {
        let before = "stored as `null` where it is `None`, and `null` exists, so that MongoDB refuses a second document without a value: \
                      instead of `exists(..)` write ";
        refuse(steps, suggestion(steps, before, SKIP).as_str());
    }
}

/// Fails to compile if the field is always stored, so that a sparse unique index would let in no second document without a value.
///
/// # Panics
///
/// Panics if the field is an `Option` that serde stores as `null`; evaluated at compile time.
#[track_caller]
pub const fn check_sparse(steps: &PathSteps) {
    if steps.null {
        let before = "stored as `null` where it is `None`, which `sparse` includes, so that MongoDB refuses a second document without a \
                      value: instead of `sparse` write `partial(..)` with ";
        refuse(steps, suggestion(steps, before, SKIP).as_str());
    }
}

const SKIP: &str = ", or `#[serde(skip_serializing_if = \"Option::is_none\")]` on the field";

/// Returns the name of the type that the field's values have.
const fn type_name(steps: &PathSteps) -> &'static str {
    match steps.holds.bson_type() {
        Some(name) => name,
        None => "..",
    }
}

/// Returns a message that suggests a condition on the type of the field: `type(email) = "string"`.
const fn suggestion(steps: &PathSteps, before: &str, after: &str) -> ConstText {
    let text = ConstText::EMPTY.append(before).append("`type(").append(steps.dotted().as_str());
    text.append(") = \"").append(type_name(steps)).append("\"`").append(after)
}

#[track_caller]
const fn refuse(steps: &PathSteps, why: &str) -> ! {
    let name = steps.dotted();
    let why = ConstText::EMPTY.append("`").append(name.as_str()).append("` is ").append(why);
    panic!("{}", why.as_str());
}

const fn is_one_of(name: &str, names: &[&str]) -> bool {
    let mut at = 0;
    while at < names.len() {
        if super::path::same(name, names[at]) {
            return true;
        }
        at += 1;
    }
    false
}

/// Returns the literal as it is stored: text as a date or an object id, where the field holds these.
pub const fn stored_literal(steps: &PathSteps, literal: Literal) -> Literal {
    match (steps.holds, literal) {
        (ValueKind::Dates, Literal::Text(text)) => match date::read(text) {
            Some(millis) => Literal::Date(millis),
            None => literal,
        },
        (ValueKind::Ids, Literal::Text(text)) => match read_id(text) {
            Some(bytes) => Literal::Id(bytes),
            None => literal,
        },
        _ => literal,
    }
}

/// Returns the date of `date("..")`.
///
/// # Panics
///
/// Panics if the text is not a date; evaluated at compile time.
#[track_caller]
pub const fn written_date(text: &str) -> Literal {
    match date::read(text) {
        Some(millis) => Literal::Date(millis),
        None => {
            let why = ConstText::EMPTY
                .append("`")
                .append(text)
                .append("` is not a date: write RFC 3339, as `date(\"2024-01-31T00:00:00Z\")`");
            panic!("{}", why.as_str());
        }
    }
}

/// Reads 24 hexadecimal digits.
const fn read_id(text: &str) -> Option<[u8; 12]> {
    let text = text.as_bytes();
    if text.len() != 24 {
        return None;
    }
    let (mut bytes, mut at) = ([0; 12], 0);
    while at < 24 {
        let digit = match text[at] {
            digit @ b'0'..=b'9' => digit - b'0',
            digit @ b'a'..=b'f' => digit - b'a' + 10,
            digit @ b'A'..=b'F' => digit - b'A' + 10,
            _ => return None,
        };
        bytes[at / 2] = bytes[at / 2] * 16 + digit;
        at += 1;
    }
    Some(bytes)
}
