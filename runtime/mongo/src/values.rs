//! Values of replies and documents: shown, counted and serialised.
//!
//! May use: nothing of this crate.

use std::time::Duration;

use bson::Bson;
use serde::Serializer;

/// A value on one line, as people write it in MongoDB's shell: `{email: 1, "a-b": ["x", 2.5]}`.
pub(crate) fn show(value: &Bson) -> String {
    match value {
        Bson::Document(document) => {
            let fields: Vec<_> =
                document.iter().map(|(name, value)| format!("{}: {}", quoted(name), show(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Bson::Array(values) => format!("[{}]", values.iter().map(show).collect::<Vec<_>>().join(", ")),
        Bson::String(text) => format!("{text:?}"),
        Bson::ObjectId(id) => format!("ObjectId(\"{id}\")"),
        other => other.to_string(),
    }
}

/// Dotted names are left bare, which the shell does not allow but people read more easily.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_.$*".contains(c);
    if !name.is_empty() && name.chars().all(plain) { name.to_owned() } else { format!("{name:?}") }
}

pub(crate) fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

/// A count, which servers send as whichever type of number.
pub(crate) fn count(value: Option<&Bson>) -> u64 {
    match value {
        Some(Bson::Int32(count)) => u64::try_from(*count).unwrap_or(0),
        Some(Bson::Int64(count)) => u64::try_from(*count).unwrap_or(0),
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "what is counted is whole, and above zero"
        )]
        Some(Bson::Double(count)) => *count as u64,
        _ => 0,
    }
}
