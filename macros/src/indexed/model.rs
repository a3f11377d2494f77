//! Checks a model by its own tokens, and holds its indexes and scopes once they are right.
//!
//! May use: diag, options, subject, indexed/{args, condition, index, record, resolve, rules, scopes, storage, syntax}.

use super::{
    args::{self, Args},
    condition::Clause,
    index::Index,
    record::Record,
    resolve::resolve,
    rules,
    scopes::{self, Scope},
    storage::Storage,
    syntax::{IndexKey, IndexKind, Path},
};
use crate::{
    diag::Diag,
    options::{Options, read_all},
    subject::Door,
};

/// A checked model.
pub(super) struct Model {
    pub(super) record: Record,
    pub(super) door: Door,
    /// The declarations, or `None` for a model without a collection, which only lists its fields.
    pub(super) declared: Option<Declared>,
}

/// The declarations of a model with a collection.
pub(super) struct Declared {
    pub(super) collection: String,
    pub(super) indexes: Vec<Index>,
    pub(super) scopes: Vec<Scope>,
    pub(super) storage: Storage,
}

impl Model {
    pub(super) fn check(args: Args, record: Record, diag: &mut Diag) -> Self {
        let door = Door::new(&args.model);
        let collection = collection(&args.model, diag);
        if !args.model.is_given("collection") {
            collectionless(&args, diag);
        }
        let scopes = scopes::check(&args.model, &record, diag);
        let before = diag.count();
        let storage = Storage::check(&args.model, &record, diag);
        let mut indexes = indexes(args.indexes, &record, diag);
        if diag.count() == before {
            rules::check_all(&mut indexes, &record, diag);
            storage.check_indexes(&indexes, diag);
        }
        // After an error the model is expanded without indexes, so that nothing else fails because it is missing.
        let indexes = if diag.count() == before { indexes } else { Vec::new() };
        Self { door, declared: collection.map(|collection| Declared { collection, indexes, scopes, storage }), record }
    }
}

fn collection(options: &Options, diag: &mut Diag) -> Option<String> {
    let literal = options.text("collection")?;
    let name = literal.value();
    if name.is_empty() || name.contains(['$', '\0']) || name.starts_with("system.") {
        let why = "MongoDB has no collection of this name: write one without `$`, as `collection = \"businesses\"`";
        diag.at(literal, why);
    }
    Some(name)
}

fn collectionless(args: &Args, diag: &mut Diag) {
    if let Some(index) = args.indexes.first() {
        diag.error(
            index.span,
            "indexes need a collection: write `#[indexed(collection = \"..\")]` on the struct, \
             or, if it is nested in a model, declare the index there, as `#[index(keys(location.city = 1))]`",
        );
    }
    let why = "scopes need a collection to watch for changes: write `#[indexed(collection = \"..\", scopes(..))]`";
    args.model.refuse("scopes", why, diag);
    for name in ["time_series", "capped", "clustered", "pre_images", "validator"] {
        let why = "this is an option of a collection: write `#[indexed(collection = \"..\", ..)]`";
        args.model.refuse(name, why, diag);
    }
}

/// The indexes that the attributes declare. All fields with `text` make one index together.
fn indexes(written: Vec<args::IndexAttribute>, record: &Record, diag: &mut Diag) -> Vec<Index> {
    let mut found: Vec<Index> = Vec::new();
    let mut text: Option<usize> = None;
    for index in written {
        let keys = match index.field {
            Some(at) => vec![field_key(&index, record, at, diag)],
            None => listed_keys(&index, diag),
        };
        if keys.is_empty() {
            continue;
        }
        let args::IndexAttribute { options, span, field, .. } = index;
        let of_field = field.is_some() && matches!(keys[0].kind, IndexKind::Text { .. });
        if of_field {
            refuse_text_options(&options, diag);
        }
        match text {
            Some(at) if of_field => found[at].keys.extend(keys),
            _ => {
                if of_field {
                    text = Some(found.len());
                }
                let index = Index::check(keys, options, span, diag);
                rules::check_one(&index, diag);
                found.push(index);
            }
        }
    }
    for index in &found {
        let conditions = index.partial.iter().flat_map(Clause::conditions).map(|condition| &condition.path);
        let projected = index.projection.iter().map(|(path, _)| path);
        for path in index.keys.iter().map(|key| &key.path).chain(conditions).chain(projected) {
            resolve(path, record, diag);
        }
    }
    found
}

fn field_key(index: &args::IndexAttribute, record: &Record, at: usize, diag: &mut Diag) -> IndexKey {
    index.options.refuse(
        "keys",
        "`keys` belongs on the struct: here the field is the key, as in `#[index(unique)]`",
        diag,
    );
    let kinds = index.kinds();
    if let [_, (_, second), ..] = &kinds[..] {
        diag.at(second, "an index of a field has one kind: keep one word, or write a second `#[index(..)]`");
    }
    let kind = kinds.first().map_or(IndexKind::Ascending, |(kind, _)| *kind);
    IndexKey { path: Path::from_field(record.fields[at].ident.clone()), kind, span: index.span }
}

fn listed_keys(index: &args::IndexAttribute, diag: &mut Diag) -> Vec<IndexKey> {
    for (_, word) in index.kinds() {
        diag.at(word, format_args!("`{word}` belongs to a key: write `keys(name = {word})`"));
    }
    let Some(list) = index.options.list("keys") else {
        if index.whole {
            diag.error(
                index.span,
                "`keys` are missing: write `#[index(keys(status = 1, created_at = -1))]`, or `#[index]` on a field",
            );
        }
        return Vec::new();
    };
    let mut keys = Vec::new();
    read_all(list.clone(), diag, |input, _| {
        keys.push(IndexKey::parse(input)?);
        Ok(())
    });
    keys
}

/// Reports options on a field with `text`: all such fields share one index, so its options belong on the struct.
fn refuse_text_options(options: &Options, diag: &mut Diag) {
    let why = "all text fields make one index, and its options belong on the struct: \
        write `#[index(keys(name = text, description = text), ..)]` there";
    for name in ["name", "default_language", "language_override", "partial", "hidden", "sparse", "as_is"] {
        options.refuse(name, why, diag);
    }
}
