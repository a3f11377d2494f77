//! Indexes that can go, and indexes that only look so.

use bson::{Document, doc};

use super::{below, collection};
use crate::questions::{Asked, Collection, Question};

const PREFIXES: &str = "https://www.mongodb.com/docs/manual/core/indexes/index-types/index-compound";
const SORTS: &str = "https://www.mongodb.com/docs/manual/tutorial/sort-results-with-indexes";
const UNIQUE: &str = "https://www.mongodb.com/docs/manual/core/index-unique";
const PARTIAL: &str = "https://www.mongodb.com/docs/manual/core/index-partial";
const SPARSE: &str = "https://www.mongodb.com/docs/manual/core/index-sparse";
const HASHED: &str = "https://www.mongodb.com/docs/manual/core/indexes/index-types/index-hashed";
const CASE: &str = "https://www.mongodb.com/docs/manual/core/index-case-insensitive";
const COVERED: &str = "https://www.mongodb.com/docs/manual/core/query-optimization";
const HINT: &str = "https://www.mongodb.com/docs/manual/reference/method/cursor.hint";
const TTL: &str = "https://www.mongodb.com/docs/manual/core/index-ttl";

pub(super) fn questions() -> Vec<Question> {
    vec![
        prefix_and_reverse(),
        unique_prefix(),
        partial_successor(),
        sparse_successor(),
        hashed_twin(),
        collation_prefix(),
        wider_and_covering(),
        mixed_directions(),
        hinted_prefix(),
        expiry_prefix(),
    ]
}

/// A question for indexes.
struct Listed {
    name: &'static str,
    source: &'static str,
    collection: Collection,
    commands: Vec<Document>,
    needless: Vec<&'static str>,
    needed: Vec<&'static str>,
}

impl Listed {
    fn question(self) -> Question {
        self.with_refused(Vec::new())
    }

    fn with_refused(self, refused: Vec<Document>) -> Question {
        let Self { name, source, collection, commands, needless, needed } = self;
        let asked = Asked::Indexes { commands, needless, needed, refused };
        Question { name, source, collections: vec![collection], asked }
    }
}

fn index(name: &str, key: Document) -> Document {
    doc! { "name": name, "key": key }
}

fn index_with(name: &str, key: Document, options: Document) -> Document {
    let mut index = index(name, key);
    index.extend(options);
    index
}

fn part(number: i32) -> Document {
    doc! {
        "item": format!("item {}", below(900, 1, number)),
        "location": format!("shelf {}", below(80, 2, number)),
        "added": number,
        "kind": below(7, 3, number),
    }
}

fn prefix_and_reverse() -> Question {
    let indexes = vec![
        index("item_1", doc! { "item": 1 }),
        index("item_1_location_1", doc! { "item": 1, "location": 1 }),
        index("location_1", doc! { "location": 1 }),
        index("added_-1", doc! { "added": -1 }),
        index("added_1_kind_1", doc! { "added": 1, "kind": 1 }),
    ];
    let commands = vec![
        doc! { "find": "parts", "filter": { "item": "item 5" } },
        doc! { "find": "parts", "filter": { "item": "item 5", "location": { "$gt": "shelf 3" } } },
        doc! { "find": "parts", "filter": { "location": "shelf 9" } },
        doc! { "find": "parts", "filter": {}, "sort": { "added": -1 }, "limit": 20 },
        doc! { "find": "parts", "filter": { "added": { "$lt": 70 }, "kind": 3 } },
    ];
    let (needless, needed) = (vec!["item_1", "added_-1"], vec!["location_1"]);
    let collection = collection("parts", 6_000, part, indexes);
    Listed { name: "prefix_and_reverse", source: PREFIXES, collection, commands, needless, needed }.question()
}

fn user(number: i32) -> Document {
    doc! {
        "email": format!("user{number}@example.org"),
        "name": format!("Name {}", below(500, 1, number)),
        "age": 18 + below(60, 2, number),
    }
}

fn unique_prefix() -> Question {
    let indexes = vec![
        index_with("email_1", doc! { "email": 1 }, doc! { "unique": true }),
        index("email_1_name_1", doc! { "email": 1, "name": 1 }),
    ];
    let commands = vec![
        doc! { "find": "users", "filter": { "email": "user7@example.org" } },
        doc! { "find": "users", "filter": { "email": "user7@example.org", "name": "Name 3" } },
    ];
    let collection = collection("users", 3_000, user, indexes);
    let refused = vec![doc! { "insert": "users", "documents": [{ "email": "user7@example.org", "name": "Twin" }] }];
    let (needless, needed) = (vec![], vec!["email_1"]);
    Listed { name: "unique_prefix", source: UNIQUE, collection, commands, needless, needed }.with_refused(refused)
}

fn order(number: i32) -> Document {
    doc! { "customer": below(300, 1, number), "placed": number, "open": below(10, 2, number) == 0 }
}

fn partial_successor() -> Question {
    let open = doc! { "partialFilterExpression": { "open": true } };
    let indexes = vec![
        index("customer_1", doc! { "customer": 1 }),
        index_with("customer_1_placed_1", doc! { "customer": 1, "placed": 1 }, open),
    ];
    let commands = vec![
        doc! { "find": "orders", "filter": { "customer": 17 } },
        doc! { "find": "orders", "filter": { "customer": 17, "open": true }, "sort": { "placed": 1 } },
    ];
    let collection = collection("orders", 9_000, order, indexes);
    let (needless, needed) = (vec![], vec!["customer_1", "customer_1_placed_1"]);
    Listed { name: "partial_successor", source: PARTIAL, collection, commands, needless, needed }.question()
}

fn sparse_successor() -> Question {
    let member = |number| {
        let mut member = doc! { "joined": number };
        if below(3, 1, number) == 0 {
            member.insert("score", below(400, 2, number));
        }
        member
    };
    let indexes = vec![
        index("score_1", doc! { "score": 1 }),
        index_with("score_1_level_1", doc! { "score": 1, "level": 1 }, doc! { "sparse": true }),
    ];
    let commands = vec![
        // The sparse index would leave members out.
        doc! { "find": "members", "filter": {}, "sort": { "score": 1 }, "limit": 20 },
        doc! { "find": "members", "filter": { "score": { "$gt": 390 } } },
    ];
    let collection = collection("members", 6_000, member, indexes);
    let (needless, needed) = (vec![], vec!["score_1"]);
    Listed { name: "sparse_successor", source: SPARSE, collection, commands, needless, needed }.question()
}

fn hashed_twin() -> Question {
    let indexes = vec![index("email_hashed", doc! { "email": "hashed" }), index("email_1", doc! { "email": 1 })];
    let commands = vec![
        doc! { "find": "users", "filter": { "email": "user7@example.org" } },
        doc! { "find": "users", "filter": { "email": { "$gte": "user7", "$lt": "user71" } } },
    ];
    let collection = collection("users", 5_000, user, indexes);
    let (needless, needed) = (vec!["email_hashed"], vec!["email_1"]);
    Listed { name: "hashed_twin", source: HASHED, collection, commands, needless, needed }.question()
}

fn collation_prefix() -> Question {
    let any_case = doc! { "locale": "en", "strength": 2 };
    let indexes = vec![
        index_with("name_any_case", doc! { "name": 1 }, doc! { "collation": any_case.clone() }),
        index("name_1_age_1", doc! { "name": 1, "age": 1 }),
    ];
    let commands = vec![
        doc! { "find": "users", "filter": { "name": "name 12" }, "collation": any_case },
        doc! { "find": "users", "filter": { "name": "Name 12" } },
    ];
    let collection = collection("users", 5_000, user, indexes);
    let (needless, needed) = (vec![], vec!["name_any_case", "name_1_age_1"]);
    Listed { name: "collation_prefix", source: CASE, collection, commands, needless, needed }.question()
}

fn wider_and_covering() -> Question {
    let indexes =
        vec![index("kind_1", doc! { "kind": 1 }), index("kind_1_location_1", doc! { "kind": 1, "location": 1 })];
    let commands = vec![
        doc! { "find": "parts", "filter": { "kind": 4 } },
        doc! { "find": "parts", "filter": { "kind": 4 }, "projection": { "_id": 0, "kind": 1, "location": 1 } },
    ];
    let collection = collection("parts", 6_000, part, indexes);
    let (needless, needed) = (vec!["kind_1"], vec!["kind_1_location_1"]);
    Listed { name: "wider_and_covering", source: COVERED, collection, commands, needless, needed }.question()
}

fn mixed_directions() -> Question {
    let indexes = vec![
        index("kind_1_added_1", doc! { "kind": 1, "added": 1 }),
        index("kind_1_added_-1", doc! { "kind": 1, "added": -1 }),
    ];
    let commands = vec![
        doc! { "find": "parts", "filter": {}, "sort": { "kind": -1, "added": -1 }, "limit": 10 },
        doc! { "find": "parts", "filter": {}, "sort": { "kind": -1, "added": 1 }, "limit": 10 },
    ];
    let collection = collection("parts", 6_000, part, indexes);
    let (needless, needed) = (vec![], vec!["kind_1_added_1", "kind_1_added_-1"]);
    Listed { name: "mixed_directions", source: SORTS, collection, commands, needless, needed }.question()
}

fn hinted_prefix() -> Question {
    let indexes = vec![
        index("customer_1", doc! { "customer": 1 }),
        index("customer_1_placed_1", doc! { "customer": 1, "placed": 1 }),
    ];
    let commands = vec![
        doc! { "find": "orders", "filter": { "customer": 17 }, "hint": "customer_1" },
        doc! { "find": "orders", "filter": { "customer": 17 }, "sort": { "placed": 1 } },
    ];
    let collection = collection("orders", 9_000, order, indexes);
    let (needless, needed) = (vec![], vec!["customer_1", "customer_1_placed_1"]);
    Listed { name: "hinted_prefix", source: HINT, collection, commands, needless, needed }.question()
}

/// The server deletes old documents by an index that a longer one seems to replace, and that cannot be proven by a command.
fn expiry_prefix() -> Question {
    let session = |number| {
        let ends = bson::DateTime::from_millis(4_102_444_800_000 + i64::from(number) * 1_000);
        doc! { "ends": ends, "user": below(400, 1, number), "app": below(4, 2, number) }
    };
    let indexes = vec![
        index_with("ends_1", doc! { "ends": 1 }, doc! { "expireAfterSeconds": 0 }),
        index("ends_1_user_1", doc! { "ends": 1, "user": 1 }),
        index("user_1", doc! { "user": 1 }),
        index("user_1_app_1", doc! { "user": 1, "app": 1 }),
    ];
    let commands = vec![
        doc! { "find": "sessions", "filter": {}, "sort": { "ends": 1, "user": 1 }, "limit": 5 },
        doc! { "find": "sessions", "filter": { "user": 9 } },
        doc! { "find": "sessions", "filter": { "user": 9, "app": 1 } },
    ];
    let collection = collection("sessions", 5_000, session, indexes);
    let (needless, needed) = (vec!["user_1"], vec!["ends_1_user_1", "user_1_app_1"]);
    Listed { name: "expiry_prefix", source: TTL, collection, commands, needless, needed }.question()
}
