//! May use: args, diag, subject, value, indexed/args, indexed/options, indexed/record, indexed/rules, indexed/scopes, indexed/syntax.
//!
//! A model whose indexes make sense, as far as its own tokens tell.

use proc_macro2::Span;

use super::{
    args::{self, Args, IndexArgs},
    options::Options,
    record::{Record, Stored},
    rules,
    scopes::{self, Scope},
    syntax::{Key, Kind, Path, Step},
};
use crate::{args::read_all, diag::Diag, subject::Door, value};

/// A checked model.
pub(super) struct Model {
    pub(super) record: Record,
    pub(super) door: Door,
    /// Without a collection, it only lists its fields.
    pub(super) declared: Option<Declared>,
}

/// What is declared on a model with a collection.
pub(super) struct Declared {
    pub(super) collection: String,
    pub(super) indexes: Vec<Index>,
    pub(super) scopes: Vec<Scope>,
}

/// A checked index.
pub(super) struct Index {
    pub(super) keys: Vec<Key>,
    pub(super) options: Options,
    /// Where errors about the whole index stand.
    pub(super) span: Span,
}

impl Model {
    pub(super) fn check(args: Args, record: Record, diag: &mut Diag) -> Self {
        let door = Door::new(&args.model.krate, diag);
        let collection = args.model.collection.value().and_then(|expr| {
            let name = value::string("collection", "businesses", expr, diag)?.value();
            let bad = name.is_empty() || name.contains(['$', '\0']) || name.starts_with("system.");
            if bad {
                diag.at(
                    expr,
                    "MongoDB has no collection of this name: write one without `$`, as `collection = \"businesses\"`",
                );
            }
            Some(name)
        });
        if !args.model.collection.is_given() {
            collectionless(&args, diag);
        }
        let scopes = scopes::check(&args.model, &record, diag);
        let before = diag.count();
        let indexes = indexes(args.indexes, &record, diag);
        if diag.count() == before {
            rules::check(&indexes, &record, diag);
        }
        // After an error, the model is there without indexes, so that nothing else fails because it is missing.
        let indexes = if diag.count() == before { indexes } else { Vec::new() };
        Self { door, declared: collection.map(|collection| Declared { collection, indexes, scopes }), record }
    }
}

fn collectionless(args: &Args, diag: &mut Diag) {
    if let Some(index) = args.indexes.first() {
        diag.error(
            index.span,
            "indexes need a collection: write `#[indexed(collection = \"..\")]` on the struct, \
             or, if it is nested in a model, declare the index there, as `#[index(keys(location.city = 1))]`",
        );
    }
    args.model.scopes.refuse(
        "scopes need a collection whose changes they are of: write `#[indexed(collection = \"..\", scopes(..))]`",
        diag,
    );
}

/// The indexes that the attributes declare; all text fields make one.
fn indexes(written: Vec<args::Index>, record: &Record, diag: &mut Diag) -> Vec<Index> {
    let mut found: Vec<Index> = Vec::new();
    let mut text: Option<usize> = None;
    for args::Index { args, span, field, whole } in written {
        let keys = match field {
            Some(at) => vec![own_key(&args, record, at, span, diag)],
            None => listed_keys(&args, span, whole, diag),
        };
        if keys.is_empty() {
            continue;
        }
        let of_field = field.is_some() && matches!(keys[0].kind, Kind::Text { .. });
        if of_field {
            refuse_text_options(&args, diag);
        }
        match text {
            Some(at) if of_field => found[at].keys.extend(keys),
            _ => {
                if of_field {
                    text = Some(found.len());
                }
                let options = Options::check(&args, diag);
                rules::own(&keys, &args, diag);
                found.push(Index { keys, options, span });
            }
        }
    }
    for index in &found {
        resolve(index, record, diag);
    }
    found
}

fn own_key(args: &IndexArgs, record: &Record, at: usize, span: Span, diag: &mut Diag) -> Key {
    args.keys.refuse("`keys` stands on the struct: here the field is the key, as `#[index(unique)]`", diag);
    let kinds = args.kinds();
    if let [_, (_, second), ..] = &kinds[..] {
        diag.at(second, "a field is indexed in one way: keep one word, or write a second `#[index(..)]`");
    }
    let kind = kinds.first().map_or(Kind::Ascending, |(kind, _)| *kind);
    Key { path: Path::of(record.fields[at].ident.clone()), kind, span }
}

fn listed_keys(args: &IndexArgs, span: Span, whole: bool, diag: &mut Diag) -> Vec<Key> {
    for (_, word) in args.kinds() {
        diag.at(word, format_args!("`{word}` stands behind a key: write `keys(name = {word})`"));
    }
    let Some(list) = args.keys.value() else {
        if whole {
            diag.error(
                span,
                "`keys` are missing: write `#[index(keys(status = 1, created_at = -1))]`, or `#[index]` on a field",
            );
        }
        return Vec::new();
    };
    let mut keys = Vec::new();
    read_all(list.0.clone(), diag, |input, _| {
        keys.push(Key::parse(input)?);
        Ok(())
    });
    keys
}

/// Fields share one text index, whose options belong to none of them.
fn refuse_text_options(args: &IndexArgs, diag: &mut Diag) {
    let why = "all text fields make one index, and its options stand on the struct: \
        write `#[index(keys(name = text, description = text), ..)]` there";
    for slot in [&args.name, &args.default_language, &args.language_override] {
        slot.refuse(why, diag);
    }
    args.partial.refuse(why, diag);
    args.hidden.refuse(why, diag);
    args.sparse.refuse(why, diag);
}

/// Reports each path whose first step is no stored field.
fn resolve(index: &Index, record: &Record, diag: &mut Diag) {
    let paths =
        index.keys.iter().map(|key| &key.path).chain(index.options.partial.iter().map(|condition| &condition.path));
    for path in paths {
        resolve_path(path, record, diag);
    }
}

/// Reports a path whose first step is no stored field.
pub(super) fn resolve_path(path: &Path, record: &Record, diag: &mut Diag) {
    let Some(Step::Field(first)) = path.0.first() else { return };
    if let Some(field) = record.find(first, diag)
        && path.0.len() == 1
        && matches!(field.stored, Stored::Flattened)
    {
        let name = field.name();
        diag.at(
            first,
            format_args!("`{name}` is flattened and has no stored name of its own: name one of its fields, `{name}.x`"),
        );
    }
}
