//! One query for each index that the models declare: what the marketplace asks, with values that the database has.

use std::time::Duration;

use bson::{Bson, Document, doc};
use fastness::mongo::slow::{self, QuerySample};
use mongodb::Database;
use mongodb::error::{Error, ErrorKind};
use tokio::time::Instant;

/// A query that an index is declared for.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) collection: &'static str,
    /// The fields that it names, as its index has them.
    pub(super) about: String,
    filter: Document,
    /// The same question in words that need no index, where the filter's do.
    plain: Option<Document>,
    sort: Document,
    limit: i64,
}

/// The choice of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The server chooses.
    Free,
    /// No index is used.
    Natural,
}

/// A page as the API gives by default, and the largest that it gives.
const PAGE: i64 = 20;
const LARGE_PAGE: i64 = 100;

/// A query by example: fields that documents must have, fields with given values, and an order.
struct Pattern(&'static str, &'static [&'static str], Document, Document, i64);

fn patterns() -> Vec<Pattern> {
    let newest = |field: &str| doc! { field: -1 };
    let none = Document::new;
    vec![
        Pattern("businesses", &["email"], none(), none(), PAGE),
        Pattern("businesses", &["businessName"], none(), none(), PAGE),
        Pattern("businesses", &[], none(), newest("createdAt"), PAGE),
        Pattern(
            "businesses",
            &[],
            doc! { "subscription.plan": "enterprise", "subscription.status": "cancelled" },
            none(),
            LARGE_PAGE,
        ),
        Pattern("businesses", &[], doc! { "isActive": true }, newest("createdAt"), PAGE),
        Pattern("manufacturers", &["email"], none(), none(), PAGE),
        Pattern("manufacturers", &["industry"], doc! { "isVerified": true }, none(), LARGE_PAGE),
        Pattern("manufacturers", &["location.country", "location.city"], none(), none(), LARGE_PAGE),
        Pattern("manufacturers", &[], doc! { "isActive": true }, newest("lastLoginAt"), PAGE),
        Pattern("users", &["business"], none(), newest("createdAt"), PAGE),
        Pattern("users", &[], none(), doc! { "totalVotes": -1, "createdAt": -1 }, PAGE),
        Pattern("users", &[], doc! { "isActive": true }, newest("lastLoginAt"), PAGE),
        Pattern("products", &["business"], none(), newest("createdAt"), PAGE),
        Pattern("products", &["business", "category"], none(), none(), LARGE_PAGE),
        Pattern("votingrecords", &["business"], none(), newest("timestamp"), PAGE),
        Pattern("votingrecords", &["business", "proposalId"], none(), none(), LARGE_PAGE),
        Pattern("votingrecords", &["voterAddress", "business"], none(), none(), LARGE_PAGE),
        Pattern("votingrecords", &["selectedProductId", "business"], none(), none(), LARGE_PAGE),
        Pattern("supplychainevents", &["manufacturer"], none(), newest("timestamp"), PAGE),
        Pattern("supplychainevents", &["productId"], none(), newest("timestamp"), PAGE),
        Pattern("supplychainevents", &["eventType"], none(), newest("timestamp"), PAGE),
    ]
}

/// All queries for which the database has values.
pub(super) async fn all(db: &Database) -> Result<Vec<Query>, String> {
    let mut samples: Vec<(&str, Option<Document>)> = Vec::new();
    for name in ["businesses", "manufacturers", "users", "products", "votingrecords", "supplychainevents"] {
        samples.push((name, sample(db, name).await.map_err(|error| error.to_string())?));
    }
    let of = |name: &str| samples.iter().find(|(of, _)| *of == name).and_then(|(_, found)| found.as_ref());
    let mut queries: Vec<_> =
        patterns().into_iter().filter_map(|pattern| of(pattern.0).and_then(|sample| pattern.query(sample))).collect();
    queries.extend(of("products").and_then(by_word));
    queries.extend(of("supplychainevents").and_then(nearby));
    Ok(queries)
}

/// A document from the middle, so that neither end is favoured.
async fn sample(db: &Database, name: &str) -> Result<Option<Document>, Error> {
    let collection = db.collection::<Document>(name);
    let middle = collection.estimated_document_count().await? / 2;
    collection.find_one(doc! {}).sort(doc! { "_id": 1 }).skip(middle).await
}

impl Pattern {
    fn query(self, sample: &Document) -> Option<Query> {
        let Self(collection, fields, given, sort, limit) = self;
        let mut filter = Document::new();
        for field in fields {
            filter.insert(*field, at(sample, field)?.clone());
        }
        filter.extend(given);
        let names: Vec<_> = filter.keys().chain(sort.keys()).map(String::as_str).collect();
        Some(Query { collection, about: names.join(", "), filter, plain: None, sort, limit })
    }
}

fn at<'a>(document: &'a Document, path: &str) -> Option<&'a Bson> {
    match path.split_once('.') {
        Some((field, rest)) => at(document.get_document(field).ok()?, rest),
        None => document.get(path),
    }
}

/// The search for a word. Without the text index, a regular expression must do.
fn by_word(product: &Document) -> Option<Query> {
    let word = rare_word(product.get_str("description").ok()?)?;
    let expression = || doc! { "$regex": format!("\\b{word}\\b"), "$options": "i" };
    Some(Query {
        collection: "products",
        about: "name, description (text)".to_owned(),
        filter: doc! { "$text": { "$search": format!("\"{word}\"") } },
        plain: Some(doc! { "$or": [{ "name": expression() }, { "description": expression() }] }),
        sort: Document::new(),
        limit: LARGE_PAGE,
    })
}

/// A word with a number in it, which few other texts have.
pub(super) fn rare_word(text: &str) -> Option<String> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    let rare = |word: &&str| {
        word.bytes().any(|byte| byte.is_ascii_digit()) && word.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    words.into_iter().find(rare).map(str::to_lowercase)
}

/// Events within five kilometres.
fn nearby(event: &Document) -> Option<Query> {
    const EARTH_RADIUS_KM: f64 = 6_378.1;
    let centre = at(event, "location.coordinates")?.clone();
    let circle = doc! { "$geoWithin": { "$centerSphere": [centre, 5.0 / EARTH_RADIUS_KM] } };
    Some(Query {
        collection: "supplychainevents",
        about: "location.coordinates (2dsphere)".to_owned(),
        filter: doc! { "location.coordinates": circle },
        plain: None,
        sort: Document::new(),
        limit: LARGE_PAGE,
    })
}

impl Query {
    fn filter(&self, way: Way) -> Document {
        match (way, &self.plain) {
            (Way::Natural, Some(plain)) => plain.clone(),
            _ => self.filter.clone(),
        }
    }

    /// The time from the question until every document has arrived.
    pub(super) async fn time(&self, db: &Database, way: Way) -> Result<Duration, Error> {
        let collection = db.collection::<bson::RawDocumentBuf>(self.collection);
        let began = Instant::now();
        let mut find = collection.find(self.filter(way)).limit(self.limit);
        if !self.sort.is_empty() {
            find = find.sort(self.sort.clone());
        }
        if way == Way::Natural {
            find = find.hint(mongodb::options::Hint::Keys(doc! { "$natural": 1 }));
        }
        let mut found = find.await?;
        while found.advance().await? {}
        Ok(began.elapsed())
    }

    /// The number of documents that the server reads for it.
    pub(super) async fn examined(&self, db: &Database, way: Way) -> Result<u64, Error> {
        let mut find = doc! { "find": self.collection, "filter": self.filter(way), "limit": self.limit };
        if !self.sort.is_empty() {
            find.insert("sort", self.sort.clone());
        }
        if way == Way::Natural {
            find.insert("hint", doc! { "$natural": 1 });
        }
        let explained = db.run_command(doc! { "explain": find, "verbosity": "executionStats" }).await?;
        let examined = at(&explained, "executionStats.totalDocsExamined").and_then(|value| match value {
            Bson::Int32(number) => u64::try_from(*number).ok(),
            Bson::Int64(number) => u64::try_from(*number).ok(),
            _ => None,
        });
        Ok(examined.unwrap_or(0))
    }
}

/// Queries that take 100 ms or more now, for advice. A search that has no text index cannot be asked, and is left out.
pub(super) async fn slow(db: &Database) -> Result<Vec<QuerySample>, String> {
    const NO_TEXT_INDEX: i32 = 27;
    const SLOW: Duration = Duration::from_millis(100);
    let mut slow = Vec::new();
    for query in all(db).await? {
        let took = match query.time(db, Way::Free).await {
            Ok(took) => took,
            Err(error) if matches!(&*error.kind, ErrorKind::Command(command) if command.code == NO_TEXT_INDEX) => {
                continue;
            }
            Err(error) => return Err(error.to_string()),
        };
        if took >= SLOW {
            let limit = u32::try_from(query.limit).unwrap_or(0);
            let query = slow::Query::find(query.collection, query.filter).sort(query.sort).limit(limit);
            slow.push(QuerySample::new(query, took));
        }
    }
    Ok(slow)
}
