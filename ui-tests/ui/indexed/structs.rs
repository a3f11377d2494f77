//! Items that cannot derive `Indexed`.

use fastness::Indexed;
use serde::Serialize;

#[derive(Indexed)]
enum Enum {
    A { email: String },
}

#[derive(Indexed)]
union Union {
    number: u64,
}

#[derive(Indexed)]
struct Tuple(String);

#[derive(Indexed)]
struct Unit;

#[derive(Indexed)]
struct Borrowed<'a> {
    email: &'a str,
}

#[derive(Indexed)]
struct NoCollection {
    #[index]
    email: String,
}

#[derive(Serialize, Indexed)]
struct NothingStored {
    #[serde(skip)]
    email: String,
}

#[derive(Clone, Serialize, Indexed)]
#[serde(into = "String")]
struct Another {
    email: String,
}

impl From<Another> for String {
    fn from(another: Another) -> Self {
        another.email
    }
}

#[derive(Serialize, Indexed)]
#[serde(transparent)]
struct Transparent {
    email: String,
}

fn main() {}
