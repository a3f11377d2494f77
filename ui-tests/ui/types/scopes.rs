//! Fields that a scope cannot have: their types alone tell.

use fastness::Indexed;
use serde::{Deserialize, Serialize, Serializer};

#[derive(Serialize, Indexed)]
#[indexed(
    collection = "products",
    scopes(
        "price:{price}",
        "tag:{tags}",
        "shop:{shops.id}",
        "written:{written}",
        "opaque:{opaque}",
        "unkeyed:{unkeyed}",
    )
)]
struct Product {
    price: f64,
    tags: Vec<String>,
    shops: Vec<Shop>,
    #[serde(serialize_with = "as_text")]
    written: u32,
    opaque: Opaque,
    unkeyed: Unkeyed,
}

#[derive(Serialize, Indexed)]
struct Shop {
    id: u32,
}

/// It is stored, and cannot be read.
#[derive(Serialize)]
struct Opaque(String);

/// It can be read, and a key has no text of it.
#[derive(Serialize, Deserialize)]
struct Unkeyed {
    inner: u32,
}

fn as_text<S: Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&number.to_string())
}

fn main() {}
