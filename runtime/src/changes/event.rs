//! From one change to scopes, without a server.
//!
//! A change is seen as *views* of the document: what it was before and what it is now, each as far as it is known. Each scope is
//! written with each view. `updateLookup` gives the document as it is when the change is read, which may be later than the
//! change; that is safe, as whatever changed a field in between is a change of its own, which ends the scope before that field.

use std::time::{Duration, SystemTime};

use bson::{Bson, Document};

use super::Watched;
use super::batch::Batch;

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
    let operation = operation(event);
    let views = match operation {
        "insert" => vec![now(event)],
        "replace" | "update" => vec![now(event), before(event)],
        "delete" => vec![before(event)],
        _ => Vec::new(),
    };
    let concerned = models.iter().filter(|model| match operation {
        "dropDatabase" | "invalidate" => true,
        _ => [collection(event, "ns"), collection(event, "to")].contains(&Some(model.collection)),
    });
    for model in concerned {
        if views.is_empty() {
            // Of the collection as a whole, or nothing that is known.
            batch.push_everything(model);
        }
        for scope in model.scopes {
            for view in &views {
                batch.push(scope.render(|path| view.value(path)));
            }
        }
    }
    if operation == "invalidate" { Then::Reopen } else { Then::Next }
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
    if operation(event) == "update" {
        // What was not touched is now as it was.
        return View { hidden: touched(event), ..now(event) };
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
