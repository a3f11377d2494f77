use bson::doc;

use super::*;
use crate::model::ChangeScope;
use crate::model::derived::ScopePiece;
use fastness_core::{KeyPart, KeyWriter};

#[expect(clippy::needless_pass_by_value, reason = "as the derive writes it")]
fn number(value: Bson, out: &mut KeyWriter) -> bool {
    value.as_i64().map(|number| number.write(out)).is_some()
}

const fn scope(text: &'static str, pieces: &'static [ScopePiece], prefix: bool) -> ChangeScope {
    ChangeScope { text, pieces, prefix }
}

const MODELS: &[WatchedModel] = &[
    WatchedModel {
        collection: "products",
        scopes: &[
            scope("p:{id}", &[ScopePiece::Text("p:"), ScopePiece::Field { path: &["_id"], write: number }], false),
            scope(
                "b:{owner.business}:p:*",
                &[
                    ScopePiece::Text("b:"),
                    ScopePiece::Field { path: &["owner", "business"], write: number },
                    ScopePiece::Text(":p"),
                ],
                true,
            ),
        ],
    },
    WatchedModel { collection: "stats", scopes: &[scope("totals", &[ScopePiece::Text("totals")], false)] },
];

/// Returns the scopes that a change invalidates, sorted.
fn concerned(event: &Document) -> Vec<String> {
    let mut batch = ChangeBatch::default();
    read(event, MODELS, &mut batch);
    assert_eq!(batch.changes, 1);
    let mut found = FoundDocuments::new();
    if let Ok(document) = event.get_document("fullDocument") {
        found.add("products", document.clone());
    }
    add_looked_up(&found, MODELS, &mut batch);
    batch.texts()
}

fn event(operation: &str, rest: Document) -> Document {
    let mut event =
        doc! { "operationType": operation, "ns": { "db": "d", "coll": "products" }, "documentKey": { "_id": 1_i64 } };
    event.extend(rest);
    event
}

fn owned_by(business: i64) -> Document {
    doc! { "_id": 1_i64, "owner": { "business": business } }
}

#[test]
fn an_insert_is_known_in_full() {
    assert_eq!(concerned(&event("insert", doc! { "fullDocument": owned_by(7) })), ["b:7:p:*", "p:1"]);
}

#[test]
fn an_update_of_another_field_is_known_in_full() {
    let event = event("update", doc! { "fullDocument": owned_by(7), "touched": ["price", "owner.name", "own"] });
    assert_eq!(concerned(&event), ["b:7:p:*", "p:1"]);
}

#[test]
fn an_update_of_the_field_itself_hides_its_former_value() {
    let changes = [
        doc! { "touched": ["owner.business"] },
        doc! { "touched": ["owner"] },
        doc! { "touched": ["owner.business.x"] },
        doc! { "touched": [], "removed": ["owner"] },
        doc! { "touched": Bson::Null, "truncated": ["owner.business"] },
    ];
    for change in changes {
        let mut rest = change.clone();
        rest.insert("fullDocument", owned_by(7));
        // The scope with the new value is part of this wider one.
        assert_eq!(concerned(&event("update", rest)), ["b:*", "p:1"], "{change}");
    }
}

#[test]
fn a_pre_image_has_the_former_value() {
    let images =
        doc! { "fullDocument": owned_by(7), "fullDocumentBeforeChange": owned_by(6), "touched": ["owner.business"] };
    assert_eq!(concerned(&event("update", images.clone())), ["b:6:p:*", "b:7:p:*", "p:1"]);
    let untouched = doc! { "fullDocumentBeforeChange": owned_by(6), "touched": ["price"] };
    assert_eq!(concerned(&event("update", untouched)), ["b:6:p:*", "p:1"]);
    assert_eq!(concerned(&event("replace", images)), ["b:6:p:*", "b:7:p:*", "p:1"]);
    assert_eq!(concerned(&event("delete", doc! { "fullDocumentBeforeChange": owned_by(6) })), ["b:6:p:*", "p:1"]);
}

#[test]
fn a_deleted_document_is_known_by_its_id() {
    assert_eq!(concerned(&event("delete", doc! {})), ["b:*", "p:1"]);
    let gone = doc! { "fullDocument": Bson::Null, "touched": ["price"] };
    assert_eq!(concerned(&event("update", gone)), ["b:*", "p:1"]);
    assert_eq!(concerned(&event("replace", doc! { "fullDocument": owned_by(7) })), ["b:*", "b:7:p:*", "p:1"]);
}

#[test]
fn a_change_of_the_collection_concerns_all_of_it() {
    assert_eq!(concerned(&event("drop", doc! {})), ["b:*", "p:*"]);
    let rename = doc! { "operationType": "rename", "ns": { "coll": "other" }, "to": { "coll": "products" } };
    assert_eq!(concerned(&rename), ["b:*", "p:*"]);
    assert_eq!(concerned(&event("somethingNew", doc! {})), ["b:*", "p:*"]);
    assert_eq!(concerned(&doc! { "operationType": "dropDatabase", "ns": { "db": "d" } }), ["b:*", "p:*", "totals"]);
}

#[test]
fn an_unreadable_event_is_unknown() {
    let event = event("insert", doc! { "fullDocument": { "_id": "x", "owner": [{ "business": 7_i64 }] } });
    assert_eq!(concerned(&event), ["b:*", "p:*"]);
    assert_eq!(concerned(&doc! { "ns": { "coll": "another" } }), [""; 0]);
}

#[test]
fn the_end_of_a_stream_is_noticed() {
    let mut batch = ChangeBatch::default();
    assert_eq!(read(&doc! { "operationType": "invalidate" }, MODELS, &mut batch), AfterEvent::Reopen);
    assert_eq!(read(&event("drop", doc! {}), MODELS, &mut batch), AfterEvent::Next);
}

#[test]
fn only_documents_with_dependants_are_read_and_once() {
    let mut batch = ChangeBatch::default();
    let touched = |id: i64, touched: &str| {
        let mut event = event("update", doc! { "touched": [touched] });
        event.insert("documentKey", doc! { "_id": id });
        event
    };
    // The old owner is unknown, so the scope is cut before the new one, too.
    read(&touched(1, "owner.business"), MODELS, &mut batch);
    assert!(batch.updated_ids().is_empty());
    let mut imaged = touched(2, "price");
    imaged.insert("fullDocumentBeforeChange", doc! { "_id": 2_i64, "owner": { "business": 7_i64 } });
    read(&imaged, MODELS, &mut batch);
    assert!(batch.updated_ids().is_empty(), "a pre-image makes the new values known, too");
    for _ in 0..2 {
        read(&touched(3, "price"), MODELS, &mut batch);
    }
    assert_eq!(batch.updated_ids()["products"], [Bson::Int64(3)]);
    assert!(!batch.is_empty());

    // One of the documents that were read together was updated again.
    read(&touched(3, "owner.business"), MODELS, &mut batch);
    read(&touched(4, "price"), MODELS, &mut batch);
    let mut found = FoundDocuments::new();
    let document = |id: i64, business: i64| doc! { "_id": id, "owner": { "business": business } };
    for document in [document(3, 8), document(4, 9), document(5, 5)] {
        found.add("products", document);
    }
    add_looked_up(&found, MODELS, &mut batch);
    assert_eq!(batch.texts(), ["b:*", "b:7:p:*", "b:8:p:*", "b:9:p:*", "p:1", "p:2", "p:3", "p:4"]);
}

/// Two shards can have documents with the same `_id`.
#[test]
fn an_id_of_two_documents_is_not_known() {
    let mut batch = ChangeBatch::default();
    read(&event("update", doc! { "touched": ["price"] }), MODELS, &mut batch);
    let mut found = FoundDocuments::new();
    found.add("products", owned_by(7));
    found.add("products", owned_by(8));
    add_looked_up(&found, MODELS, &mut batch);
    assert_eq!(batch.texts(), ["b:*", "p:1"]);
}
