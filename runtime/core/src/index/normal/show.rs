//! Values as people write them in MongoDB's shell: `{email: 1, "a-b": ["x", 2.5]}`.

use bson::Bson;

/// A value on one line.
pub(in crate::index) fn show(value: &Bson) -> String {
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
