//! Unique indexes over fields that serde stores as `null`.

use std::sync::Arc;

use bson::DateTime;
use fastness::Indexed;
use serde::Serialize;

type Sku = Option<String>;

#[derive(Indexed)]
#[indexed(collection = "products")]
struct Product {
    #[index(unique, partial(exists(sku)))]
    sku: Sku,
}

#[derive(Indexed)]
#[indexed(collection = "compound")]
#[index(keys(business = 1, number = 1), unique, partial(exists(number)))]
struct Compound {
    business: u64,
    number: Arc<Option<u64>>,
}

#[derive(Indexed)]
#[indexed(collection = "either")]
#[index(keys(business = 1), unique, partial(business > 5 || exists(until)))]
struct Either {
    business: u64,
    until: Option<DateTime>,
}

#[derive(Indexed)]
#[indexed(collection = "sparse")]
struct Sparse {
    #[index(unique, sparse)]
    sku: Option<String>,
}

#[derive(Indexed)]
#[indexed(collection = "maker")]
#[index(keys(maker.code = 1), unique, partial(exists(maker.code)))]
struct Made {
    maker: Option<Maker>,
}

#[derive(Indexed)]
struct Maker {
    code: Option<Code>,
}

struct Code;

#[derive(Serialize, Indexed)]
#[indexed(collection = "right")]
#[index(keys(b = 1), partial(exists(c)), name = "c")]
struct Right {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[index(unique, partial(exists(a)))]
    a: Option<String>,
    #[index(unique, partial(type(b) = "string"))]
    b: Option<String>,
    c: Option<String>,
}

fn main() {}
