//! Turns a change event into scopes, without a server.
//!
//! A change is seen as *views* of the document: before the change and after it, each as far as it is known. Each scope is rendered with
//! each view. An update event has no document; so where a scope depends on a field that the update did not touch, the document is read,
//! together with the others of the batch. The document may have changed again by then, which is safe: each later change of a field is an
//! event of its own, which cuts the scope before that field.

use std::time::{Duration, SystemTime};

use bson::{Bson, Document};

use super::batch::{ChangeBatch, FoundDocuments};
use super::target::WatchedModel;

/// The continuation after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterEvent {
    /// Read the next event.
    Next,
    /// The stream has ended: open a new one after it.
    Reopen,
}

/// Adds the scopes of an event to the batch.
pub(super) fn read(event: &Document, models: &[WatchedModel], batch: &mut ChangeBatch) -> AfterEvent {
    batch.changes += 1;
    batch.last = time(event).or(batch.last);
    batch.time = event.get_timestamp("clusterTime").ok().or(batch.time);
    let operation = operation(event);
    let concerned = models.iter().filter(|model| match operation {
        "dropDatabase" | "invalidate" => true,
        _ => [collection(event, "ns"), collection(event, "to")].contains(&Some(model.collection)),
    });
    for model in concerned {
        match operation {
            "insert" => add_scopes(model, &[now(event)], batch),
            "replace" => add_scopes(model, &[now(event), before(event)], batch),
            "delete" => add_scopes(model, &[before(event)], batch),
            "update" => update(event, model, batch),
            // An event on the whole collection, or of an unknown kind.
            _ => batch.add_all_scopes(model),
        }
    }
    if operation == "invalidate" { AfterEvent::Reopen } else { AfterEvent::Next }
}

/// Adds all scopes of a model, rendered with each of the views.
fn add_scopes(model: &WatchedModel, views: &[DocumentView<'_>], batch: &mut ChangeBatch) {
    for scope in model.scopes {
        for view in views {
            batch.add_scope(scope.render(|path| view.value(path)));
        }
    }
}

/// Adds the scopes of an update. The document is read only if a scope depends on it.
fn update(event: &Document, model: &WatchedModel, batch: &mut ChangeBatch) {
    let Some(id) = id(event) else { return batch.add_all_scopes(model) };
    let (before, touched) = (before(event), touched(event));
    let is_touched = |path: &[&str]| touched.iter().any(|touched| overlap(touched, path));
    let has_image = before.document.is_some();
    let mut depends = false;
    for scope in model.scopes {
        let mut fields = scope.paths().filter(|path| *path != ["_id"]);
        // With a pre-image, the old values are known, and untouched fields still have them. Without one, a scope is cut before the first
        // touched field, so only the fields before that have to be known.
        let unknown =
            if has_image { fields.any(is_touched) } else { fields.next().is_some_and(|path| !is_touched(path)) };
        if has_image || !unknown {
            batch.add_scope(scope.render(|path| before.value(path)));
        }
        depends |= unknown;
    }
    if depends {
        batch.add_updated(model.collection, id, if has_image { &[] } else { &touched });
    }
}

/// Adds the scopes of updated documents after they were read. A document that was not found is unknown.
pub(super) fn add_looked_up(found: &FoundDocuments, models: &[WatchedModel], batch: &mut ChangeBatch) {
    for (document_id, updated) in batch.take_updated() {
        let touched: Vec<_> = updated.touched.iter().map(String::as_str).collect();
        for model in models.iter().filter(|model| model.collection == document_id.0) {
            after_updates(model, found.get(&document_id), &updated.id, &touched, batch);
        }
    }
}

/// Adds the scopes of a document that was updated and then read.
fn after_updates(
    model: &WatchedModel,
    document: Option<&Document>,
    id: &Bson,
    touched: &[&str],
    batch: &mut ChangeBatch,
) {
    // Untouched fields still have their old values.
    let views = [Vec::new(), touched.to_vec()].map(|hidden| DocumentView { document, hidden, id: Some(id) });
    add_scopes(model, &views, batch);
}

fn operation(event: &Document) -> &str {
    event.get_str("operationType").unwrap_or_default()
}

fn collection<'a>(event: &'a Document, namespace: &str) -> Option<&'a str> {
    event.get_document(namespace).ok()?.get_str("coll").ok()
}

/// Returns the time of the change: in milliseconds since MongoDB 6.0, in seconds before.
fn time(event: &Document) -> Option<SystemTime> {
    let wall = event.get_datetime("wallTime").ok().map(|wall| wall.to_system_time());
    let seconds = || event.get_timestamp("clusterTime").ok().map(|stamp| Duration::from_secs(stamp.time.into()));
    wall.or_else(|| seconds().map(|since| SystemTime::UNIX_EPOCH + since))
}

/// The known part of a document.
struct DocumentView<'a> {
    document: Option<&'a Document>,
    /// Paths whose values differ from the document's.
    hidden: Vec<&'a str>,
    /// The `_id`, which is always known.
    id: Option<&'a Bson>,
}

/// Returns the document after the change.
fn now(event: &Document) -> DocumentView<'_> {
    DocumentView { document: event.get_document("fullDocument").ok(), hidden: Vec::new(), id: id(event) }
}

/// Returns the document before the change.
fn before(event: &Document) -> DocumentView<'_> {
    if let Ok(image) = event.get_document("fullDocumentBeforeChange") {
        return DocumentView { document: Some(image), hidden: Vec::new(), id: id(event) };
    }
    // The key of a deletion also has the fields of the shard key. The key of a replacement may have new values.
    let key = event.get_document("documentKey").ok().filter(|_| operation(event) == "delete");
    DocumentView { document: key, hidden: Vec::new(), id: id(event) }
}

fn id(event: &Document) -> Option<&Bson> {
    event.get_document("documentKey").ok()?.get("_id")
}

/// Returns the paths that an update set, removed or truncated.
fn touched(event: &Document) -> Vec<&str> {
    let lists = ["touched", "removed", "truncated"].iter().filter_map(|name| event.get_array(name).ok());
    lists.flatten().filter_map(Bson::as_str).collect()
}

impl DocumentView<'_> {
    fn value(&self, path: &[&str]) -> Option<Bson> {
        let hidden = self.hidden.iter().any(|touched| overlap(touched, path));
        let document = self.document.filter(|_| !hidden);
        let id = || self.id.filter(|_| path == ["_id"]).cloned();
        document.and_then(|document| value(document, path)).or_else(id)
    }
}

/// Returns whether a change at the dotted path `touched` can change the value at `path`.
fn overlap(touched: &str, path: &[&str]) -> bool {
    touched.split('.').zip(path).all(|(touched, name)| touched == *name)
}

fn value(document: &Document, path: &[&str]) -> Option<Bson> {
    let (last, parents) = path.split_last()?;
    let parent = parents.iter().try_fold(document, |document, name| document.get_document(name).ok())?;
    parent.get(last).cloned()
}

#[cfg(test)]
mod tests;
