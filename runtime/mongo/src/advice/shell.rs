//! Lines to copy: commands for MongoDB's shell, and attributes for the model.

use bson::{Bson, Document};

use crate::conversions::format_bson;

/// `db.products.createIndex({ business: 1, createdAt: -1 })`
pub(super) fn create(collection: &str, key: &Document, options: &Document) -> String {
    let keys: Vec<_> = key.iter().map(|(field, direction)| format!("{}: {direction}", property(field))).collect();
    let options =
        if options.is_empty() { String::new() } else { format!(", {}", format_bson(&options.clone().into())) };
    format!("{}.createIndex({{ {} }}{options})", collection_expression(collection), keys.join(", "))
}

/// `db.products.hideIndex("business_1")`, or another method that takes a name.
pub(super) fn call(collection: &str, method: &str, index: &str) -> String {
    format!("{}.{method}({index:?})", collection_expression(collection))
}

fn collection_expression(collection: &str) -> String {
    // A name that is a method of `db` in the shell cannot stand for a collection.
    let plain = is_plain(collection) && !collection.starts_with('_') && !METHODS.contains(&collection);
    if plain { format!("db.{collection}") } else { format!("db.getCollection({collection:?})") }
}

/// Methods of `db` whose names are plausible for collections.
const METHODS: [&str; 6] = ["version", "stats", "help", "auth", "logout", "watch"];

fn property(field: &str) -> String {
    if is_plain(field) { field.to_owned() } else { format!("{field:?}") }
}

fn is_plain(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Returns `#[index(keys(business = 1, created_at = -1))]`, with Rust names as if serde renamed them to `camelCase`. `None` if a stored
/// name cannot be the name of a field, or an option or a kind cannot be written so.
pub(super) fn attribute(key: &Document, options: &Document) -> Option<String> {
    let keys: Option<Vec<_>> = key.iter().map(|(field, direction)| key_part(field, direction)).collect();
    let options: Option<String> = options.iter().map(|(option, value)| option_part(option, value)).collect();
    Some(format!("#[index(keys({}){})]", keys?.join(", "), options?))
}

fn option_part(option: &str, value: &Bson) -> Option<String> {
    match (option, value) {
        ("sparse", _) => Some(", sparse".to_owned()),
        ("collation", Bson::Document(collation)) => {
            let part = |(name, value): (&String, &Bson)| match name.as_str() {
                "locale" | "strength" => Some(format!("{name} = {value}")),
                _ => None,
            };
            let parts: Option<Vec<_>> = collation.iter().map(part).collect();
            Some(format!(", collation({})", parts?.join(", ")))
        }
        _ => None,
    }
}

fn key_part(path: &str, direction: &Bson) -> Option<String> {
    let fields: Option<Vec<_>> = path.split('.').map(field).collect();
    direction.as_i32()?;
    Some(format!("{} = {direction}", fields?.join(".")))
}

fn field(stored: &str) -> Option<String> {
    const KEYWORDS: [&str; 8] = ["type", "ref", "match", "use", "move", "in", "where", "for"];
    if !is_plain(stored) {
        return None;
    }
    let mut name = String::new();
    for c in stored.chars() {
        if c.is_ascii_uppercase() && !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    let name = if name == "_id" { "id".to_owned() } else { name };
    Some(if KEYWORDS.contains(&name.as_str()) { format!("r#{name}") } else { name })
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    #[test]
    fn lines_can_be_pasted_for_every_name() {
        let key = doc! { "business": 1, "createdAt": -1, "location.city": 1 };
        assert_eq!(
            create("products", &key, &Document::new()),
            r#"db.products.createIndex({ business: 1, createdAt: -1, "location.city": 1 })"#
        );
        assert_eq!(
            attribute(&key, &Document::new()).unwrap(),
            "#[index(keys(business = 1, created_at = -1, location.city = 1))]"
        );
        assert_eq!(call("a-\"b", "hideIndex", "x\"_1"), r#"db.getCollection("a-\"b").hideIndex("x\"_1")"#);
        assert_eq!(call("stats", "hideIndex", "a_1"), r#"db.getCollection("stats").hideIndex("a_1")"#);
        assert_eq!(
            attribute(&doc! { "type": 1, "_id": -1 }, &Document::new()).unwrap(),
            "#[index(keys(r#type = 1, id = -1))]"
        );
        assert_eq!(attribute(&doc! { "tags.0": 1 }, &Document::new()), None);
    }
}
