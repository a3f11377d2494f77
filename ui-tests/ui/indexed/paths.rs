//! Paths that lead nowhere, through structs of one's own and those of others.

use std::collections::HashMap;

use fastness::Indexed;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Indexed)]
#[serde(rename_all = "camelCase")]
#[indexed(collection = "businesses")]
#[index(keys(emial = 1))]
#[index(keys(isActive = 1))]
#[index(keys(zzzzzz = 1))]
#[index(keys(cached = 1))]
#[index(keys(address = 1, is_active = -1))]
#[index(keys(email = 1), partial(actve = true))]
#[index(keys("subscription.plan" = 1))]
#[index(keys(subscription.0 = 1))]
#[index(keys(email))]
struct OfItsOwn {
    email: String,
    is_active: bool,
    #[serde(skip)]
    cached: u8,
    #[serde(flatten)]
    address: Address,
}

#[derive(Serialize, Indexed)]
struct Address {
    city: String,
}

#[derive(Serialize)]
struct Opaque {
    inner: String,
}

#[derive(Indexed)]
#[indexed(collection = "nested")]
#[index(keys(address.ctiy = 1))]
#[index(keys(addresses.town = 1))]
#[index(keys(opaque.inner = 1))]
#[index(keys(email.domain = 1))]
#[index(keys(email["domain"] = 1))]
#[index(keys(by_key.color = 1))]
#[index(keys("addresses.zip.**"))]
struct OfOthers {
    address: Address,
    addresses: Option<Vec<Address>>,
    opaque: Opaque,
    email: String,
    by_key: HashMap<String, Address>,
}

#[derive(Serialize, Deserialize, Indexed)]
#[serde(rename_all(serialize = "camelCase", deserialize = "snake_case"))]
struct TwoNames {
    #[serde(rename(serialize = "a", deserialize = "b"))]
    email: String,
}

#[derive(Serialize, Indexed)]
struct Dotted {
    #[serde(rename = "a.b")]
    email: String,
}

fn main() {
    // The fields are there all the same: no error says that they are missing.
    let _ = (OfItsOwn::fields().email, OfItsOwn::INDEXES);
    let _ = OfOthers::fields().address.cty;
}
