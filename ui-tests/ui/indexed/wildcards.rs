//! Wildcards, their projections, and collations that MongoDB refuses.

use bson::Document;
use fastness::Indexed;

#[derive(Indexed)]
#[indexed(collection = "wildcards")]
#[index(keys("**", tenant = 1))]
#[index(keys(tenant = 1, "**"), wildcard_projection(tenant = 1))]
#[index(keys("a.**", "b.**"))]
#[index(keys(a["x"] = 1, "a.**"))]
#[index(keys("a.**"), wildcard_projection(b = 1))]
#[index(keys(tenant = 1), wildcard_projection(b = 1))]
#[index(keys("**"), wildcard_projection(a = 1, b = 0))]
#[index(keys("**"), wildcard_projection(a = 2))]
#[index(keys("**"), wildcard_projection(a))]
#[index(keys("**"), wildcard_projection(c = 1))]
#[index(keys("b.**"), sparse)]
#[index(keys("b.**" = text))]
#[index(keys("**" = hashed))]
#[index(keys(name = 1), collation(locale = "en", strength = 2, case_first = upper))]
#[index(keys(name = 1), collation(locale = "fr", strength = 1, backwards = true))]
#[index(keys(name = 1), collation(locale = "en", alternate = "shifted"))]
#[index(keys(name = 1), collation(locale = "en", alternate = shift))]
#[index(keys(name = 1), collation(locale = "en", caseLevel = true))]
struct Wildcards {
    a: Document,
    b: Document,
    tenant: u64,
    name: String,
}

fn main() {}
