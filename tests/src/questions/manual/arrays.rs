//! Arrays and embedded documents.

use bson::{Bson, Document, doc};

use super::{asked, below, collection, one_of, useless};
use crate::questions::{Answer, Flaw, NewIndex, Question, Tempting};

const BOUNDS: &str =
    "https://www.mongodb.com/docs/manual/core/indexes/index-types/index-multikey/multikey-index-bounds";
const MULTIKEY: &str = "https://www.mongodb.com/docs/manual/core/indexes/index-types/index-multikey";
const EMBEDDED: &str =
    "https://www.mongodb.com/docs/manual/core/indexes/index-types/index-single/create-embedded-object-index";
const SIZE: &str = "https://www.mongodb.com/docs/manual/reference/operator/query/size";
const WILDCARD: &str = "https://www.mongodb.com/docs/manual/core/indexes/index-types/index-wildcard";

pub(super) fn questions() -> Vec<Question> {
    vec![
        grades_by_element(),
        address_by_its_city(),
        attribute_by_name(),
        length_of_an_array(),
        two_arrays(),
        arrays_in_turn(),
    ]
}

fn grades_by_element() -> Question {
    let grade = |subject: &str, field, number| doc! { "subject": subject, "score": below(100, field, number) };
    let student = |number| {
        let subjects = ["algebra", "biology", "chemistry"];
        let grades = subjects.iter().zip(1..).map(|(subject, field)| Bson::from(grade(subject, field, number)));
        doc! { "name": format!("student {number}"), "grades": grades.collect::<Vec<_>>() }
    };
    let command = doc! {
        "find": "students",
        "filter": { "grades": { "$elemMatch": { "subject": "biology", "score": { "$gte": 98 } } } },
    };
    let answer = one_of(vec![NewIndex::new("students", doc! { "grades.subject": 1, "grades.score": 1 })]);
    asked("grades_by_element", BOUNDS, vec![collection("students", 5_000, student, vec![])], command, answer)
}

fn address_by_its_city() -> Question {
    let customer = |number| {
        let city = format!("city {}", below(400, 1, number));
        doc! { "name": format!("customer {number}"), "address": { "street": below(90, 2, number), "city": city } }
    };
    let command = doc! { "find": "customers", "filter": { "address.city": "city 17" } };
    let answer = one_of(vec![NewIndex::new("customers", doc! { "address.city": 1 })]);
    // An index on the whole document serves only queries for the whole document.
    let whole = doc! { "key": { "address": 1 }, "name": "address_1" };
    asked("address_by_its_city", EMBEDDED, vec![collection("customers", 6_000, customer, vec![whole])], command, answer)
}

fn attribute_by_name() -> Question {
    let product = |number| {
        let mut attributes = Document::new();
        // Each seller chooses the names.
        attributes.insert(format!("a{}", below(60, 1, number)), below(50, 2, number));
        attributes.insert("material", format!("material {}", below(90, 3, number)));
        doc! { "seller": below(40, 4, number), "attributes": attributes }
    };
    let command = doc! { "find": "products", "filter": { "attributes.material": "material 8" } };
    let answer = one_of(vec![
        NewIndex::new("products", doc! { "attributes.$**": 1 }),
        NewIndex::new("products", doc! { "attributes.material": 1 }),
    ]);
    asked("attribute_by_name", WILDCARD, vec![collection("products", 6_000, product, vec![])], command, answer)
}

fn numbers(count: i32) -> Vec<Bson> {
    (0..count).map(Bson::from).collect()
}

fn length_of_an_array() -> Question {
    let post = |number| doc! { "title": format!("post {number}"), "comments": numbers(below(8, 1, number)) };
    let command = doc! { "find": "posts", "filter": { "comments": { "$size": 3 } } };
    let tempting = vec![useless(vec![NewIndex::new("posts", doc! { "comments": 1 })])];
    let answer = Answer::Nothing { tempting };
    asked("length_of_an_array", SIZE, vec![collection("posts", 4_000, post, vec![])], command, answer)
}

fn two_arrays() -> Question {
    let shirt = |number| {
        let sizes = numbers(5 + below(10, 1, number));
        let colors: Vec<_> = (0..3).map(|field| Bson::from(below(4, 10 + field, number))).collect();
        doc! { "name": format!("shirt {number}"), "sizes": sizes, "colors": colors }
    };
    // Each condition holds for more than half of the documents.
    let command = doc! { "find": "shirts", "filter": { "sizes": 8, "colors": 2 } };
    let tempting = vec![
        Tempting { indexes: vec![NewIndex::new("shirts", doc! { "colors": 1, "sizes": 1 })], flaw: Flaw::Refused },
        useless(vec![NewIndex::new("shirts", doc! { "colors": 1 })]),
        useless(vec![NewIndex::new("shirts", doc! { "sizes": 1 })]),
    ];
    let answer = Answer::Nothing { tempting };
    asked("two_arrays", MULTIKEY, vec![collection("shirts", 4_000, shirt, vec![])], command, answer)
}

/// Documents that have an array in one of two fields, never in both: an index over both can be built, and refuses the first document
/// with two arrays.
fn arrays_in_turn() -> Question {
    let shift = |number| {
        let (mut nurses, mut wards) = (vec![below(5, 1, number), 9], vec![below(5, 2, number), 9]);
        match below(10, 3, number) {
            0..4 => nurses[0] = 7,
            4..8 => wards[0] = 7,
            _ => (nurses[0], wards[0]) = (7, 7),
        }
        if below(2, 4, number) == 0 {
            doc! { "nurse": nurses, "ward": wards[0] }
        } else {
            doc! { "nurse": nurses[0], "ward": wards }
        }
    };
    let command = doc! { "find": "shifts", "filter": { "nurse": 7, "ward": 7 } };
    let both = doc! { "insert": "shifts", "documents": [{ "nurse": [1, 2], "ward": [3, 4] }] };
    let tempting = vec![
        Tempting { indexes: vec![NewIndex::new("shifts", doc! { "nurse": 1, "ward": 1 })], flaw: Flaw::Breaks(both) },
        useless(vec![NewIndex::new("shifts", doc! { "nurse": 1 })]),
        useless(vec![NewIndex::new("shifts", doc! { "ward": 1 })]),
    ];
    let answer = Answer::Nothing { tempting };
    asked("arrays_in_turn", MULTIKEY, vec![collection("shifts", 5_000, shift, vec![])], command, answer)
}
