//! From one change to scopes, without a server.
//!
//! A change is seen as *views* of the document: what it was before and what it is now, each as far as it is known. Each scope is
//! written with each view. An update is told without its document, so where a scope depends on a field that it did not touch, the
//! document is looked up, together with all others of the batch. So it is seen as it is later than at the change; that is
//! safe, as whatever changed a field in between is a change of its own, which ends the scope before that field.

use std::time::{Duration, SystemTime};

use bson::{Bson, Document};

use super::batch::{Batch, Found};
use super::followed::Watched;

/// What comes after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The next one.
    Next,
    /// Nothing: the stream has ended, and a new one follows after it.
    Reopen,
}

/// Adds what a change concerns.
pub(super) fn read(event: &Document, models: &[Watched], batch: &mut Batch) -> Then {
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
            "insert" => push(model, &[now(event)], batch),
            "replace" => push(model, &[now(event), before(event)], batch),
            "delete" => push(model, &[before(event)], batch),
            "update" => update(event, model, batch),
            // Of the collection as a whole, or nothing that is known.
            _ => batch.push_everything(model),
        }
    }
    if operation == "invalidate" { Then::Reopen } else { Then::Next }
}

/// All scopes of a model, with all of the views.
fn push(model: &Watched, views: &[View<'_>], batch: &mut Batch) {
    for scope in model.scopes {
        for view in views {
            batch.push(scope.render(|path| view.value(path)));
        }
    }
}

/// What an update concerns; the document is looked up only if something depends on it.
fn update(event: &Document, model: &Watched, batch: &mut Batch) {
    let Some(id) = id(event) else { return batch.push_everything(model) };
    let (before, touched) = (before(event), touched(event));
    let is_touched = |path: &[&str]| touched.iter().any(|touched| overlap(touched, path));
    let has_image = before.document.is_some();
    let mut depends = false;
    for scope in model.scopes {
        let mut fields = scope.paths().filter(|path| *path != ["_id"]);
        // With an image, what it was is known, and what was not touched still is so. Without, a scope ends before the first field that was
        // touched, and fields before that have to be known.
        let unknown =
            if has_image { fields.any(is_touched) } else { fields.next().is_some_and(|path| !is_touched(path)) };
        if has_image || !unknown {
            batch.push(scope.render(|path| before.value(path)));
        }
        depends |= unknown;
    }
    if depends {
        batch.look_up(model.collection, id, if has_image { &[] } else { &touched });
    }
}

/// Adds the scopes of updated documents, now that they were looked up; one that was not found is not known.
pub(super) fn looked_up(found: &Found, models: &[Watched], batch: &mut Batch) {
    for (place, unread) in batch.take_unread() {
        let touched: Vec<_> = unread.touched.iter().map(String::as_str).collect();
        for model in models.iter().filter(|model| model.collection == place.0) {
            after_updates(model, found.get(&place), &unread.id, &touched, batch);
        }
    }
}

/// What updates of a document concern, now that it was looked up.
fn after_updates(model: &Watched, document: Option<&Document>, id: &Bson, touched: &[&str], batch: &mut Batch) {
    // What was not touched is now as it was.
    let views = [Vec::new(), touched.to_vec()].map(|hidden| View { document, hidden, id: Some(id) });
    push(model, &views, batch);
}

fn operation(event: &Document) -> &str {
    event.get_str("operationType").unwrap_or_default()
}

fn collection<'a>(event: &'a Document, namespace: &str) -> Option<&'a str> {
    event.get_document(namespace).ok()?.get_str("coll").ok()
}

/// When it happened: to the millisecond since 6.0, to the second before.
fn time(event: &Document) -> Option<SystemTime> {
    let wall = event.get_datetime("wallTime").ok().map(|wall| wall.to_system_time());
    let seconds = || event.get_timestamp("clusterTime").ok().map(|stamp| Duration::from_secs(stamp.time.into()));
    wall.or_else(|| seconds().map(|since| SystemTime::UNIX_EPOCH + since))
}

/// A document, as far as it is known.
struct View<'a> {
    document: Option<&'a Document>,
    /// Paths whose values are not those of the document.
    hidden: Vec<&'a str>,
    /// What is known in any case.
    id: Option<&'a Bson>,
}

/// What it is now.
fn now(event: &Document) -> View<'_> {
    View { document: event.get_document("fullDocument").ok(), hidden: Vec::new(), id: id(event) }
}

/// What it was before.
fn before(event: &Document) -> View<'_> {
    if let Ok(image) = event.get_document("fullDocumentBeforeChange") {
        return View { document: Some(image), hidden: Vec::new(), id: id(event) };
    }
    // The key of what was deleted has the fields that the collection is sharded by, too; that of a replacement may have new ones.
    let key = event.get_document("documentKey").ok().filter(|_| operation(event) == "delete");
    View { document: key, hidden: Vec::new(), id: id(event) }
}

fn id(event: &Document) -> Option<&Bson> {
    event.get_document("documentKey").ok()?.get("_id")
}

/// The paths that an update set, removed or cut short.
fn touched(event: &Document) -> Vec<&str> {
    let lists = ["touched", "removed", "truncated"].iter().filter_map(|name| event.get_array(name).ok());
    lists.flatten().filter_map(Bson::as_str).collect()
}

impl View<'_> {
    fn value(&self, path: &[&str]) -> Option<Bson> {
        let hidden = self.hidden.iter().any(|touched| overlap(touched, path));
        let document = self.document.filter(|_| !hidden);
        let id = || self.id.filter(|_| path == ["_id"]).cloned();
        document.and_then(|document| value(document, path)).or_else(id)
    }
}

/// Whether a change of the dotted path `touched` can change what is at `path`.
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
