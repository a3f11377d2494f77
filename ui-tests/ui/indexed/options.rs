//! Unknown options, and wrong values of options.

use bson::DateTime;
use fastness::Indexed;

#[derive(Indexed)]
#[indexed(collection = "a", colection = "b")]
#[index(keys(email = 1), uniqe)]
#[index(keys(email = 2))]
#[index(keys(email = up))]
#[index(keys(email = txt))]
#[index(keys(email = text(wieght = 3)))]
#[index(keys(email = text(weight = 0)))]
#[index(unique)]
#[index(keys())]
#[index(keys = 3)]
#[index(text, keys(email = 1))]
#[index(keys(email = 1), name = "")]
#[index(keys(email = 1), name = "*")]
#[index(keys(email = 1), collation(strength = 2))]
#[index(keys(email = 1), collation(locale = "en", strength = 6))]
#[index(keys(email = 1), collation(locale = "en", strenght = 2))]
#[index(keys(email = text), default_language = "klingon")]
#[index(keys(email = text), default_language = "germn")]
#[index(keys(email = plane), bits = 33)]
#[index(keys(email = plane), min = -1)]
#[index(keys(email = plane), min = 1, max = 0)]
#[index(keys(email = 1), partial(email != "x"))]
#[index(keys(email = 1), partial(not(email)))]
#[index(keys(email = 1), partial(exists(email, until)))]
#[index(keys(email = 1), partial(email in []))]
#[index(keys(email = 1), partial(email = MAX))]
#[index(keys(until = 1), expire_after = "30x")]
#[index(keys(until = 1), expire_after = "1500ms")]
#[index(keys(until = 1), expire_after = "30000d")]
#[index(keys(until = 1), expire_after = LIFE)]
#[index = "email"]
struct Options {
    #[index(unique, unique)]
    #[index("3d")]
    #[index(keys(email = 1))]
    #[index(asc, hashed)]
    #[indexed(collection = "x")]
    email: String,
    until: DateTime,
}

#[derive(Indexed)]
#[indexed(collection = "$cmd")]
struct BadCollection {
    email: String,
}

#[derive(Indexed)]
#[indexed("directions")]
struct NoName {
    email: String,
}

#[derive(Indexed)]
#[indexed(collection = "directions")]
#[index(email = 1, at = -1)]
struct Directions {
    #[index(-1)]
    email: String,
    #[index(1)]
    name: String,
    #[index(ttl = "30d")]
    at: DateTime,
}

fn main() {
    let _ = Options::INDEXES;
}
