//! Conversions of reply values: to one line of text, to counts, and to seconds.
//!
//! May use: nothing of this crate.

use std::time::Duration;

use bson::Bson;
use serde::Serializer;

/// Formats a value on one line, as in MongoDB's shell: `{email: 1, "a-b": ["x", 2.5]}`.
pub(crate) fn format_bson(value: &Bson) -> String {
    match value {
        Bson::Document(document) => {
            let fields: Vec<_> =
                document.iter().map(|(name, value)| format!("{}: {}", quoted(name), format_bson(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Bson::Array(values) => format!("[{}]", values.iter().map(format_bson).collect::<Vec<_>>().join(", ")),
        Bson::String(text) => format!("{text:?}"),
        Bson::ObjectId(id) => format!("ObjectId(\"{id}\")"),
        other => other.to_string(),
    }
}

/// Quotes a field name unless it is plain. Dotted names stay bare, which the shell does not accept but is easier to read.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_.$*".contains(c);
    if !name.is_empty() && name.chars().all(plain) { name.to_owned() } else { format!("{name:?}") }
}

pub(crate) fn serialize_seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

/// Reads a count, which servers send as any type of number; 0 if there is none.
pub(crate) fn read_count(value: Option<&Bson>) -> u64 {
    match value {
        Some(Bson::Int32(count)) => u64::try_from(*count).unwrap_or(0),
        Some(Bson::Int64(count)) => u64::try_from(*count).unwrap_or(0),
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts are whole and not negative")]
        Some(Bson::Double(count)) => *count as u64,
        _ => 0,
    }
}
