//! Scopes with wrong syntax, or with fields that do not exist.

use fastness::Indexed;
use serde::Serialize;

#[derive(Serialize, Indexed)]
#[indexed(
    collection = "products",
    scopes(
        "product:{idd}",
        "product:{_id}",
        "product:{cached}",
        "product:{self.id}",
        "product:{maker.0}",
        "product:{maker.country}:of-{shop}",
        "product:{flat}",
        "product{id}",
        "{id}:product",
        "product:*:list",
        "prod*",
        "*",
        "product:{id",
        "product:{id}{shop}",
        "product::{id}",
        "product:{id:upper}",
        "products:*",
        "products:*",
        "",
    )
)]
struct Written {
    #[serde(rename = "_id")]
    id: i64,
    #[serde(skip)]
    cached: u8,
    shop: i64,
    maker: Maker,
    #[serde(flatten)]
    flat: Maker,
}

#[derive(Serialize, Indexed)]
struct Maker {
    country: String,
}

#[derive(Serialize, Indexed)]
#[indexed(collection = "a", scopes = ["product:{id}"])]
struct Listed {
    id: i64,
}

#[derive(Serialize, Indexed)]
#[indexed(collection = "a", scopes(id))]
struct Named {
    id: i64,
}

#[derive(Serialize, Indexed)]
#[indexed(scopes("product:{id}"))]
struct Nowhere {
    id: i64,
}

fn main() {}
