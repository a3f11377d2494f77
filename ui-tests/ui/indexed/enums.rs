//! Tagged enums, positions in lists, allowed prefixes, and options that are left as they are.

use fastness::Indexed;
use serde::Serialize;

#[derive(Serialize, Indexed)]
#[serde(tag = "kind", content = "data")]
enum Adjacent {
    A { user: u64 },
}

#[derive(Serialize, Indexed)]
#[serde(untagged)]
enum Untagged {
    A { user: u64 },
}

#[derive(Serialize, Indexed)]
#[serde(tag = "kind")]
#[indexed(collection = "events")]
#[index(keys(usr = 1))]
enum Event {
    Login { user: u64 },
    Logout { user: String },
    #[serde(rename_all = "camelCase")]
    Moved { new_place: u64 },
    Returned { new_place: u64 },
}

#[derive(Indexed)]
#[indexed(collection = "positions")]
#[index(keys(tags.first = 1))]
#[index(keys(tags.0x1 = 1))]
#[index(keys(number = 1), allow(prefixes))]
#[index(keys(number = 1, tags = 1), as_is("unique"))]
#[index(keys(number = -1, tags = 1), as_is("key"))]
#[index(search)]
#[index(keys(embedding = vector))]
struct Positions {
    tags: Vec<String>,
    number: u64,
    embedding: Vec<f64>,
}

#[derive(Indexed)]
#[indexed(collection = "no list")]
#[index(keys(number.0 = 1))]
struct NoList {
    number: u64,
}

#[derive(Indexed)]
#[indexed(collection = "longer")]
#[index(keys(author = 1, title = 1))]
struct Longer {
    #[index]
    author: u64,
    title: String,
}

#[derive(Indexed)]
#[indexed(collection = "same")]
#[index(keys(author = 1), name = "b")]
#[index(keys(author = -1), name = "a")]
struct SameKeys {
    author: u64,
}

#[derive(Indexed)]
#[indexed(collection = "right")]
#[index(keys(author = 1, tags = 1))]
#[index(keys(title = 1, author = 1))]
#[index(keys(number = 1, words = text))]
struct Right {
    #[index(name = "by_author")]
    author: u64,
    tags: Vec<String>,
    #[index(allow(prefix))]
    title: String,
    #[index]
    number: u64,
    words: String,
}

#[derive(Serialize, Indexed)]
struct Goods {
    total: u64,
}

#[derive(Serialize, Indexed)]
#[serde(tag = "kind")]
enum Clashing {
    Order(Goods),
    Shipped { order: u64 },
    Kind(Goods),
}

fn main() {}
