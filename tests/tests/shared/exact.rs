//! Hits of the shared tier: their values equal the loaded ones, or the call is no hit.

use std::collections::BTreeMap;

use bson::{Document, doc};
use fastness::{Fastness, cacheable, with_cache};
use fastness_tests::servers::{prefix, shared_redis};
use serde::{Deserialize, Serialize};

use crate::{Origin, node, stored};

async fn two_nodes() -> [Fastness; 2] {
    let (url, prefix) = (shared_redis().await.url(), prefix());
    [node(&url, &prefix).await, node(&url, &prefix).await]
}

/// Returns integers of both widths, and fields with the names by which extended JSON marks types.
fn document() -> Document {
    doc! { "narrow": 5, "wide": 5_i64, "list": [1_i64, -1_i64, 1], "at": { "$date": "today" }, "of": { "$oid": "none" } }
}

#[cacheable(ttl = 60, key = "document:{id}", tier = shared, skip(origin))]
async fn document_of(origin: &Origin, id: u64) -> Document {
    origin.load();
    let mut document = document();
    document.insert("id", id.cast_signed());
    document
}

#[cacheable(ttl = 60, key = "documents:{id}", tier = shared, codec = json, skip(origin))]
async fn documents_of(origin: &Origin, id: u64) -> Vec<Document> {
    origin.load();
    vec![document(), doc! { "id": id.cast_signed() }]
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Product {
    id: u64,
    attributes: Document,
}

/// The first product has a field that no format of serde can distinguish from a date.
#[cacheable(ttl = 60, key = "product:{id}", tier = shared, skip(origin))]
async fn product(origin: &Origin, id: u64) -> Product {
    origin.load();
    let attributes = if id == 1 {
        doc! { "$date": "today" }
    } else {
        doc! { "narrow": 5, "wide": 5_i64 }
    };
    Product { id, attributes }
}

#[tokio::test]
async fn documents_come_back_as_they_were() {
    let (origin, [one, two]) = (Origin::default(), two_nodes().await);
    let (document, list) =
        (with_cache(&one, document_of(&origin, 1)).await, with_cache(&one, documents_of(&origin, 1)).await);
    stored(&one, 2).await;
    assert_eq!(with_cache(&two, document_of(&origin, 1)).await, document);
    assert_eq!(with_cache(&two, documents_of(&origin, 1)).await, list);
    assert_eq!((origin.loads(), two.shared().unwrap().hits), (2, 2));
}

#[tokio::test]
async fn a_value_that_would_come_back_changed_stays_in_its_process_and_others_do_not() {
    let (origin, [one, two]) = (Origin::default(), two_nodes().await);
    for id in [1, 2] {
        with_cache(&one, product(&origin, id)).await;
    }
    stored(&one, 1).await;
    assert_eq!(with_cache(&two, product(&origin, 1)).await.attributes, doc! { "$date": "today" });
    assert_eq!(with_cache(&two, product(&origin, 2)).await.attributes, doc! { "narrow": 5, "wide": 5_i64 });
    assert_eq!((origin.loads(), two.shared().unwrap().hits), (3, 1));
    assert_eq!(one.shared().unwrap().unencodable, 1);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    title: Option<u8>,
    text: String,
    parts: Vec<Vec<u8>>,
}

/// A note whose encoding bincode would read as another note if the title were left out.
#[cacheable(ttl = 60, key = "note:{id}", tier = shared, codec = bincode, skip(origin))]
async fn note(origin: &Origin, id: u64) -> Note {
    origin.load();
    let parts = vec![vec![], vec![0]];
    if id == 1 {
        Note { title: Some(1), text: "a".into(), parts }
    } else {
        Note { title: None, text: "\0".into(), parts }
    }
}

#[tokio::test]
async fn bincode_is_left_when_a_later_value_does_not_come_back() {
    let (origin, [one, two]) = (Origin::default(), two_nodes().await);
    let notes = [with_cache(&one, note(&origin, 1)).await, with_cache(&one, note(&origin, 2)).await];
    stored(&one, 2).await;
    let read = [with_cache(&two, note(&origin, 1)).await, with_cache(&two, note(&origin, 2)).await];
    assert_eq!((read, origin.loads(), two.shared().unwrap().unreadable), (notes, 2, 0));
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Preset {
    #[serde(skip_serializing_if = "Vec::is_empty", default = "preset")]
    list: Vec<u8>,
}

fn preset() -> Vec<u8> {
    vec![7]
}

#[cacheable(ttl = 60, key = "preset:{id}", tier = shared, codec = messagepack, skip(origin))]
async fn preset_of(origin: &Origin, id: u64) -> Preset {
    origin.load();
    Preset { list: if id == 1 { vec![1] } else { vec![] } }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ByPosition(#[serde(skip_serializing_if = "Option::is_none", default)] Option<u8>, #[serde(default)] Option<u8>);

#[cacheable(ttl = 60, key = "by-position:{id}", tier = shared, codec = messagepack, skip(origin))]
async fn by_position(origin: &Origin, id: u64) -> ByPosition {
    origin.load();
    if id == 1 { ByPosition(Some(1), Some(2)) } else { ByPosition(None, Some(1)) }
}

#[tokio::test]
async fn a_later_value_with_a_field_left_out_is_not_read_as_another() {
    let (origin, [one, two]) = (Origin::default(), two_nodes().await);
    let presets = [with_cache(&one, preset_of(&origin, 1)).await, with_cache(&one, preset_of(&origin, 2)).await];
    let positions = [with_cache(&one, by_position(&origin, 1)).await, with_cache(&one, by_position(&origin, 2)).await];
    stored(&one, 2).await;
    assert_eq!([with_cache(&two, preset_of(&origin, 1)).await, with_cache(&two, preset_of(&origin, 2)).await], presets);
    assert_eq!(
        [with_cache(&two, by_position(&origin, 1)).await, with_cache(&two, by_position(&origin, 2)).await],
        positions
    );
    let (stores, read) = (one.shared().unwrap(), two.shared().unwrap());
    assert_eq!((stores.unencodable, read.hits, read.unreadable, origin.loads()), (2, 2, 0, 6));
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Alike {
    First(u64),
    Second(u64),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unsaid {
    #[serde(skip)]
    skipped: u8,
    alike: Alike,
    map: BTreeMap<u8, Option<()>>,
}

#[cacheable(ttl = 60, key = "unsaid:{id}", tier = shared, skip(origin))]
async fn unsaid(origin: &Origin, id: u64) -> Unsaid {
    origin.load();
    Unsaid { skipped: 7, alike: Alike::Second(id), map: BTreeMap::from([(1, Some(())), (2, None)]) }
}

/// The guide's page on codecs describes this case.
#[tokio::test]
async fn fields_that_serde_skips_do_not_come_back() {
    let (origin, [one, two]) = (Origin::default(), two_nodes().await);
    let written = with_cache(&one, unsaid(&origin, 1)).await;
    stored(&one, 1).await;
    let expected = Unsaid { skipped: 0, alike: Alike::First(1), map: written.map };
    assert_eq!((with_cache(&two, unsaid(&origin, 1)).await, origin.loads()), (expected, 1));
}
