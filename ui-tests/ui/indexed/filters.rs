//! Partial filters that MongoDB refuses, or that match no document.

use bson::oid::ObjectId;
use bson::{DateTime, Document};
use fastness::Indexed;

#[derive(Indexed)]
#[indexed(collection = "written")]
#[index(keys(email = 1), partial(type(email) = "sting"))]
#[index(keys(email = 1), partial(type(email)))]
#[index(keys(email = 1), partial(type(email) = string))]
#[index(keys(email = 1), partial(type(email, at) = "string"))]
#[index(keys(email = 1), partial(type(email) in []))]
#[index(keys(email = 1), partial(email > null))]
#[index(keys(email = 1), partial(email = "a" || ))]
#[index(keys(email = 1), partial(email = "a" || email))]
#[index(keys(email = 1), partial((email = "a" || email = "b") && at = null))]
#[index(keys(email = 1), partial(owner = object_id("65a1")))]
#[index(keys(email = 1), partial(email = regex("^a")))]
struct Written {
    email: String,
    at: DateTime,
    owner: ObjectId,
}

#[derive(Indexed)]
#[indexed(collection = "date")]
#[index(keys(any = 1), partial(any["at"] > date("yesterday")))]
struct NoDate {
    any: Document,
}

#[derive(Indexed)]
#[indexed(collection = "dates")]
struct NoSuchDay {
    #[index(partial(at > "2024-02-30"))]
    at: DateTime,
}

#[derive(Indexed)]
#[indexed(collection = "ids")]
struct NoId {
    #[index(partial(owner = "ada"))]
    owner: ObjectId,
}

#[derive(Indexed)]
#[indexed(collection = "types")]
struct NeverOfThisType {
    #[index(partial(type(active) = "string"))]
    active: bool,
}

#[derive(Indexed)]
#[indexed(collection = "documents")]
struct NeverEqual {
    #[index(partial(any = 5))]
    any: Document,
}

fn main() {}
