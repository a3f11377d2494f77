//! Errors in indexes that the compiler finds by the types of the fields.

use std::collections::HashMap;
use std::sync::Arc;

use bson::DateTime;
use fastness::Indexed;
use serde::Serialize;

type Tags = Vec<String>;

#[derive(Indexed)]
struct Nested {
    labels: Option<Tags>,
    seen: DateTime,
    text: String,
}

#[derive(Indexed)]
#[indexed(collection = "arrays")]
#[index(keys(tags = 1, nested.labels = -1))]
struct TwoArrays {
    tags: Tags,
    nested: Nested,
}

#[derive(Indexed)]
#[indexed(collection = "hashed")]
#[index(keys(list.seen = hashed))]
struct HashedArray {
    list: Vec<Arc<Nested>>,
}

#[derive(Indexed)]
#[indexed(collection = "text")]
#[index(keys(tags = 1, nested.text = text))]
struct ArrayBesideText {
    tags: Tags,
    nested: Nested,
}

#[derive(Indexed)]
#[indexed(collection = "ttl")]
#[index(keys(nested.text = 1), expire_after = "1d")]
struct NoDate {
    #[index(expire_after = "1h")]
    at: u64,
    nested: Nested,
}

#[derive(Indexed)]
#[indexed(collection = "bools")]
#[index(keys(active = 1), partial(active = "true"))]
struct NeverEqual {
    active: bool,
}

#[derive(Indexed)]
#[indexed(collection = "numbers")]
#[index(keys(total = 1), partial(total in [1, "2"]))]
struct NeverIn {
    total: Option<u64>,
}

#[derive(Indexed)]
#[indexed(collection = "dates")]
#[index(keys(nested.text = 1), partial(nested.seen > 5))]
struct NeverAfter {
    nested: Nested,
}

#[derive(Serialize, Indexed)]
#[indexed(collection = "flattened")]
#[index(keys(outer.inner = 1))]
struct Flattened {
    outer: Outer,
}

#[derive(Serialize, Indexed)]
struct Outer {
    #[serde(flatten)]
    inner: HashMap<String, String>,
}

#[derive(Indexed)]
#[indexed(collection = "positions")]
#[index(keys(tags.0 = 1, list.1.text = -1))]
struct TwoPositions {
    tags: Tags,
    list: Vec<Nested>,
}

#[derive(Indexed)]
#[indexed(collection = "hashed positions")]
#[index(keys(tags.0 = hashed))]
struct HashedPosition {
    tags: Tags,
}

#[derive(Indexed)]
#[indexed(collection = "beside hashed")]
#[index(keys(tags = 1, name = hashed))]
struct ArrayBesideHashed {
    tags: Tags,
    name: String,
}

fn main() {}
