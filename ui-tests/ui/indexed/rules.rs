//! Indexes that MongoDB refuses, or that are superfluous.

use bson::DateTime;
use bson::oid::ObjectId;
use fastness::Indexed;
use serde::Serialize;

#[derive(Serialize, Indexed)]
#[indexed(collection = "one")]
#[index(keys(email = 1), sparse, partial(exists(email)), name = "a")]
#[index(keys(email = 1, until = 1), expire_after = "1d")]
#[index(keys(until = hashed), expire_after = "1d")]
#[index(keys(email = hashed), unique)]
#[index(keys(email = hashed, until = hashed))]
#[index(keys("email.**"), unique)]
#[index(keys(wildcard, email = 1))]
#[index(keys(name = text, place = sphere))]
#[index(keys(name = text, until = 1, email = text))]
#[index(keys(name = text), unique)]
#[index(keys(name = text), collation(locale = "en"))]
#[index(keys(email = -1, place = plane))]
#[index(keys(email = -1, email = 1))]
#[index(keys(email = -1), default_language = "english")]
#[index(keys(place = sphere), bits = 20)]
struct One {
    #[serde(rename = "_id")]
    id: ObjectId,
    email: String,
    #[index(text, default_language = "english")]
    name: String,
    place: Vec<f64>,
    until: DateTime,
}

#[derive(Indexed)]
#[indexed(collection = "several")]
#[index(keys(a = 1))]
#[index(keys(a = 1, b = -1))]
#[index(keys(a = -1, b = 1, c = 1))]
#[index(keys(b = 1, c = 1), name = "x")]
#[index(keys(c = 1, b = 1), name = "x")]
#[index(keys(c = -1))]
#[index(keys(c = -1))]
#[index(keys(d = 1), unique)]
#[index(keys(d = 1), partial(a = 1))]
#[index(keys(a = text))]
struct Several {
    a: u8,
    b: u8,
    c: u8,
    d: u8,
    #[index(text)]
    e: String,
    #[index(text(weight = 2))]
    f: String,
}

#[derive(Indexed)]
#[indexed(collection = "many")]
#[index(keys(
    m["1"] = 1, m["2"] = 1, m["3"] = 1, m["4"] = 1, m["5"] = 1, m["6"] = 1, m["7"] = 1, m["8"] = 1, m["9"] = 1, m["10"] = 1,
    m["11"] = 1, m["12"] = 1, m["13"] = 1, m["14"] = 1, m["15"] = 1, m["16"] = 1, m["17"] = 1, m["18"] = 1, m["19"] = 1,
    m["20"] = 1, m["21"] = 1, m["22"] = 1, m["23"] = 1, m["24"] = 1, m["25"] = 1, m["26"] = 1, m["27"] = 1, m["28"] = 1,
    m["29"] = 1, m["30"] = 1, m["31"] = 1, m["32"] = 1, m["33"] = 1
))]
struct TooManyKeys {
    m: bson::Document,
}

macro_rules! too_many {
    ($($key:literal)*) => {
        #[derive(Indexed)]
        #[indexed(collection = "many")]
        $(#[index(keys(m[$key] = 1))])*
        struct TooManyIndexes {
            m: bson::Document,
        }
    };
}
too_many! {
    "1" "2" "3" "4" "5" "6" "7" "8" "9" "10" "11" "12" "13" "14" "15" "16" "17" "18" "19" "20" "21" "22" "23" "24" "25" "26"
    "27" "28" "29" "30" "31" "32" "33" "34" "35" "36" "37" "38" "39" "40" "41" "42" "43" "44" "45" "46" "47" "48" "49" "50"
    "51" "52" "53" "54" "55" "56" "57" "58" "59" "60" "61" "62" "63" "64"
}

#[derive(Serialize, Indexed)]
#[indexed(collection = "primary")]
#[index(keys(id = 1))]
struct Primary {
    #[serde(rename = "_id")]
    id: ObjectId,
}

fn main() {}
