//! Errors in scopes that the compiler finds by the types of the fields.

use std::fmt;

use fastness::Indexed;
use serde::{Deserialize, Serialize, Serializer};

#[derive(Serialize, Indexed)]
#[indexed(collection = "products", scopes("product:{price}"))]
struct Float {
    price: f64,
}

#[derive(Serialize, Indexed)]
#[indexed(collection = "products", scopes("tagged:{tags}"))]
struct Array {
    tags: Vec<String>,
}

#[derive(Serialize, Indexed)]
#[indexed(collection = "products", scopes("made-by:{makers.name}"))]
struct BelowAnArray {
    makers: Vec<Maker>,
}

#[derive(Serialize, Deserialize, Indexed)]
struct Maker {
    name: String,
}

#[derive(Serialize, Indexed)]
#[indexed(collection = "products", scopes("sold:{year}"))]
struct Converted {
    #[serde(serialize_with = "as_text")]
    year: u32,
}

fn as_text<S: Serializer>(year: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(year)
}

#[derive(Serialize, Indexed)]
#[indexed(collection = "products", scopes("color:{color}"))]
struct Unreadable {
    color: Color,
}

#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
struct Color(u32);

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[derive(Serialize, Indexed)]
#[indexed(collection = "products", scopes("shop:{shop}"))]
struct Whole {
    shop: Shop,
}

#[derive(Serialize, Deserialize)]
struct Shop {
    id: i64,
}

#[derive(Serialize, Indexed)]
#[indexed(collection = "products", scopes("size:{size:lower}"))]
struct NoText {
    size: u32,
}

fn main() {}
