//! Paths to fields that do not exist, in the model itself and in other structs.

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
    // The paths to the fields exist after an error, so no further error says that they are missing.
    let _ = (OfItsOwn::fields().email, OfItsOwn::INDEXES);
    let _ = OfOthers::fields().address.cty;
}
