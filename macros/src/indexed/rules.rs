//! Refuses indexes that MongoDB does not accept, and indexes that are superfluous. Some rules need one index, others all of a model.
//!
//! May use: diag, options, indexed/{field, index, record, syntax, wildcards}.

use super::{
    field::{Field, StoredAs},
    index::Index,
    record::Record,
    syntax::{IndexKey, IndexKind, Step},
    wildcards,
};
use crate::{diag::Diag, options::Options};

/// Checks one index alone.
pub(super) fn check_one(index: &Index, diag: &mut Diag) {
    let (keys, options) = (&index.keys[..], &index.options);
    number(keys, diag);
    repeated(keys, diag);
    mixed(keys, diag);
    kinds(keys, options, diag);
    wildcards::check(index, diag);
    text_options(keys, options, diag);
    plane_options(keys, options, diag);
    expiry(keys, options, diag);
    if options.is_given("sparse") {
        let why = "MongoDB refuses `sparse` with `partial`: keep `partial`, and add `exists(..)` to it";
        options.refuse("partial", why, diag);
    }
}

fn number(keys: &[IndexKey], diag: &mut Diag) {
    if let Some(key) = keys.get(32) {
        diag.error(key.span, "MongoDB accepts at most 32 keys in an index: leave out the fields that filter least");
    }
}

fn repeated(keys: &[IndexKey], diag: &mut Diag) {
    for (at, key) in keys.iter().enumerate() {
        if keys[..at].iter().any(|other| other.path.text() == key.path.text()) {
            let text = key.path.text();
            let path = if text.is_empty() { "**" } else { &text };
            diag.error(key.span, format_args!("`{path}` is in this index twice: keep one"));
        }
    }
}

/// The word for a kind that MongoDB does not mix with other such kinds in one index.
fn special(kind: IndexKind) -> Option<&'static str> {
    match kind {
        IndexKind::Ascending | IndexKind::Descending => None,
        IndexKind::Text { .. } => Some("text"),
        IndexKind::Sphere => Some("sphere"),
        IndexKind::Plane => Some("plane"),
        IndexKind::Hashed => Some("hashed"),
        IndexKind::Wildcard => Some("wildcard"),
    }
}

fn mixed(keys: &[IndexKey], diag: &mut Diag) {
    let mut first: Option<&'static str> = None;
    for key in keys {
        let Some(word) = special(key.kind) else { continue };
        match first {
            Some(before) if before != word => {
                diag.error(
                    key.span,
                    format_args!("MongoDB does not mix `{before}` with `{word}` in one index: make two indexes"),
                );
                return;
            }
            _ => first = Some(word),
        }
    }
}

fn kinds(keys: &[IndexKey], options: &Options, diag: &mut Diag) {
    let count = |kind: IndexKind| keys.iter().filter(|key| key.kind == kind).count();
    let find = |kind: IndexKind| keys.iter().rev().find(|key| key.kind == kind);
    if let Some(hashed) = find(IndexKind::Hashed) {
        options.refuse(
            "unique",
            "a hashed index cannot be unique, as two values may have one hash: declare another index with `= 1` and `unique`",
            diag,
        );
        if count(IndexKind::Hashed) > 1 {
            diag.error(hashed.span, "MongoDB accepts one `hashed` key in an index: write `1` for the others");
        }
    }
    if let Some(plane) = find(IndexKind::Plane)
        && keys[0].kind != IndexKind::Plane
    {
        diag.error(plane.span, "a `plane` key comes first in its index: move it to the front");
    }
    if find(IndexKind::Plane).is_some() && count(IndexKind::Plane) > 1 {
        diag.error(keys[1].span, "MongoDB accepts one `plane` key in an index: make two indexes");
    }
}

fn text_options(keys: &[IndexKey], options: &Options, diag: &mut Diag) {
    let is_text = |key: &IndexKey| matches!(key.kind, IndexKind::Text { .. });
    let Some(first) = keys.iter().position(is_text) else {
        for name in ["default_language", "language_override"] {
            options.refuse(name, "only a text index has a language: make a key `text`, as `keys(name = text)`", diag);
        }
        return;
    };
    let unique = "a text index cannot be unique: write another index on the field, `#[index(unique)]`";
    options.refuse("unique", unique, diag);
    let collation = "a text index compares words by language and has no collation: \
        remove `collation`, or write `default_language = \"english\"`";
    options.refuse("collation", collation, diag);
    let behind = keys[first..].iter().skip_while(|key| is_text(key)).find(|key| is_text(key));
    if let Some(apart) = behind {
        diag.error(apart.span, "another key separates the `text` keys of this index: move this one to the others");
    }
}

fn plane_options(keys: &[IndexKey], options: &Options, diag: &mut Diag) {
    if keys.iter().any(|key| key.kind == IndexKind::Plane) {
        options.refuse("collation", "a `plane` index has no collation: remove `collation`", diag);
    } else {
        for name in ["bits", "min", "max"] {
            options.refuse(
                name,
                "only a `plane` index has `bits` and bounds: make a key `plane`, as `keys(point = plane)`",
                diag,
            );
        }
    }
}

fn expiry(keys: &[IndexKey], options: &Options, diag: &mut Diag) {
    let why = match keys {
        [key] if matches!(key.kind, IndexKind::Ascending | IndexKind::Descending) => return,
        [_] => "documents expire by an ascending or descending index, not by this kind: write `1` for the key",
        _ => "documents expire by an index on one field: write `#[index(expire_after = \"30d\")]` on that field",
    };
    options.refuse("expire_after", why, diag);
}

/// Checks the indexes of one model against each other.
pub(super) fn check_all(indexes: &mut [Index], record: &Record, diag: &mut Diag) {
    for index in indexes.iter() {
        primary(index, record, diag);
    }
    if let Some(index) = indexes.get(63) {
        diag.error(
            index.span,
            "MongoDB accepts at most 64 indexes on a collection, the one on `_id` included: declare at most 63",
        );
    }
    texts(indexes, diag);
    for at in 0..indexes.len() {
        let (before, index) = (&indexes[..at], &indexes[at]);
        // One error for an index is enough.
        if !named_alike(before, index, diag) && !same(before, index, diag) {
            indexes[at].longer = prefix(indexes, at, diag);
        }
    }
}

fn primary(index: &Index, record: &Record, diag: &mut Diag) {
    let [IndexKey { path, kind: IndexKind::Ascending | IndexKind::Descending, span }] = &index.keys[..] else { return };
    let [Step::Field(name)] = &path.0[..] else { return };
    let is_id =
        |field: &Field| field.ident == *name && matches!(&field.stored, StoredAs::Name(stored) if stored == "_id");
    if record.fields.iter().any(is_id) {
        diag.error(*span, "MongoDB always has a unique index on `_id`: remove this one");
    }
}

fn texts(indexes: &[Index], diag: &mut Diag) {
    let is_text = |index: &&Index| index.keys.iter().any(|key| matches!(key.kind, IndexKind::Text { .. }));
    if let Some(second) = indexes.iter().filter(is_text).nth(1) {
        diag.error(
            second.span,
            "MongoDB accepts one text index on a collection: list all text fields in one `keys(..)`",
        );
    }
}

fn named_alike(before: &[Index], index: &Index, diag: &mut Diag) -> bool {
    let Some(name) = index.name() else { return false };
    let taken = before.iter().any(|other| other.name().as_ref() == Some(&name));
    if taken {
        diag.error(index.span, format_args!("another index of this model is named `{name}` too: rename one of them"));
    }
    taken
}

/// The keys of an index in a form that can be compared: weights of text are left out.
fn keys(index: &Index) -> Vec<(String, IndexKind)> {
    let plain = |key: &IndexKey| match key.kind {
        IndexKind::Text { .. } => IndexKind::Text { weight: 1 },
        kind => kind,
    };
    index.keys.iter().map(|key| (key.path.text(), plain(key))).collect()
}

/// Reports an index over the same keys as an earlier one, if MongoDB could not tell them apart.
fn same(before: &[Index], index: &Index, diag: &mut Diag) -> bool {
    let keys_here = keys(index);
    let Some(other) = before.iter().find(|other| keys(other) == keys_here) else { return false };
    if keys_here.iter().any(|(_, kind)| matches!(kind, IndexKind::Text { .. })) {
        // It was already reported as the second text index.
        return true;
    }
    let why = if other.same_identity(index) {
        "this index is declared twice: keep one"
    } else if other.name() == index.name() {
        "two indexes on the same keys would have the same name: give one a name, as `name = \"..\"`"
    } else {
        return false;
    };
    diag.error(index.span, why);
    true
}

/// Reports an index that another over the same keys makes superfluous. Returns the position of a longer one, which does so unless it has
/// arrays: the compiler knows that by the types.
fn prefix(indexes: &[Index], at: usize, diag: &mut Diag) -> Option<usize> {
    let index = &indexes[at];
    let keys_here = keys(index);
    let plain = ["unique", "hidden", "expire_after"].iter().all(|name| !index.options.is_given(name));
    if !plain || index.options.params("allow").iter().any(|word| word == "prefix") {
        return None;
    }
    let serves = |(other_at, other): &(usize, &Index)| {
        let theirs = keys(other);
        // Of two indexes over the same keys, the unique one stays, or else the first.
        let more = theirs.len() > keys_here.len() || other.options.is_given("unique") || *other_at < at;
        *other_at != at
            && more
            && !other.options.is_given("hidden")
            && leads(&keys_here, &theirs)
            && index.same_documents(other)
    };
    let found: Vec<_> = indexes.iter().enumerate().filter(serves).collect();
    let same_keys = found.iter().find(|(_, other)| other.keys.len() == keys_here.len());
    let Some((_, other)) = same_keys else { return found.first().map(|(other_at, _)| *other_at) };
    let names = names(other);
    diag.error(
        index.span,
        format_args!(
            "the index on `{names}` has the same keys and serves the same queries: remove this one, or write `allow(prefix)` in it if \
             it is needed"
        ),
    );
    None
}

/// The fields of an index, for messages.
pub(super) fn names(index: &Index) -> String {
    index.keys.iter().map(|key| key.path.text()).collect::<Vec<_>>().join(", ")
}

/// Returns whether `longer` starts with `shorter`, with the same directions or with all of them reversed.
fn leads(shorter: &[(String, IndexKind)], longer: &[(String, IndexKind)]) -> bool {
    let turned = |kind| match kind {
        IndexKind::Ascending => Some(IndexKind::Descending),
        IndexKind::Descending => Some(IndexKind::Ascending),
        _ => None,
    };
    let all = |fits: &dyn Fn(IndexKind, IndexKind) -> bool| {
        shorter.len() <= longer.len()
            && shorter
                .iter()
                .zip(longer)
                .all(|((field, kind), (other, other_kind))| field == other && fits(*kind, *other_kind))
    };
    // Other kinds leave out documents, or serve one kind of query.
    let ordered = longer.iter().all(|(_, kind)| turned(*kind).is_some());
    ordered && (all(&|kind, other| kind == other) || all(&|kind, other| turned(kind) == Some(other)))
}
