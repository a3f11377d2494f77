//! Normal form of collations: only differences from the locale's own rules count.

use bson::{Bson, Document, doc};

use super::number::number;
use crate::model::derived::Collation;

/// Returns the declared collation as it is sent.
pub(super) fn written(collation: &Collation) -> Document {
    let mut document = doc! { "locale": collation.locale };
    document.extend(collation.strength.map(|strength| ("strength".to_owned(), Bson::Int32(strength.into()))));
    for (field, flag) in [
        ("caseLevel", collation.case_level),
        ("numericOrdering", collation.numeric_ordering),
        ("normalization", collation.normalization),
        ("backwards", collation.backwards),
    ] {
        document.extend(flag.map(|flag| (field.to_owned(), Bson::Boolean(flag))));
    }
    for (field, word) in [
        ("caseFirst", collation.case_first),
        ("alternate", collation.alternate),
        ("maxVariable", collation.max_variable),
    ] {
        document.extend(word.map(|word| (field.to_owned(), Bson::from(word))));
    }
    document
}

/// Returns the locale and the fields that differ from the locale's defaults, sorted by name; `None` for binary comparison.
pub(super) fn normal(collation: Document) -> Option<Document> {
    let locale = collation.get_str("locale").ok()?.to_owned();
    if locale == "simple" {
        return None;
    }
    let defaults = defaults(&locale);
    let mut rest: Vec<_> = collation
        .into_iter()
        .map(|(field, value)| (field, number(value)))
        // The version is that of the server's ICU library, and cannot be requested.
        .filter(|(field, value)| !["locale", "version"].contains(&field.as_str()) && defaults.get(field) != Some(value))
        .collect();
    rest.sort_by(|left, right| left.0.cmp(&right.0));
    let mut normal = doc! { "locale": locale };
    normal.extend(rest);
    Some(normal)
}

/// Languages that ICU normalizes before it compares strings, because their letters are often written as several code points.
const NORMALIZED: [&str; 23] = [
    "as", "bn", "el", "fa", "gu", "he", "hi", "ig", "km", "kn", "kok", "mr", "my", "or", "pa", "ps", "si", "ta", "te",
    "th", "vi", "yi", "yo",
];

/// Variant of each locale that has none of the locale's own rules.
const SEARCH: &str = "collation=search";

/// Returns the fields that the server fills in for a locale, by ICU 57. A test compares them with a server for every locale.
fn defaults(locale: &str) -> Document {
    let mut defaults = doc! {
        "caseLevel": false,
        "caseFirst": "off",
        "strength": 3,
        "numericOrdering": false,
        "alternate": "non-ignorable",
        "maxVariable": "punct",
        "normalization": false,
        "backwards": false,
    };
    // `de@collation=phonebook`, `fa_AF`
    let (locale, variant) = locale.split_once('@').unwrap_or((locale, ""));
    let language = locale.split('_').next().unwrap_or(locale);
    if NORMALIZED.contains(&language) || variant == SEARCH {
        defaults.insert("normalization", true);
    }
    if variant == SEARCH {
        return defaults;
    }
    match locale {
        "fr_CA" => drop(defaults.insert("backwards", true)),
        "da" | "mt" => drop(defaults.insert("caseFirst", "upper")),
        "th" => drop(defaults.insert("alternate", "shifted")),
        _ => {}
    }
    defaults
}
