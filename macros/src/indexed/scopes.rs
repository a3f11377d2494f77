//! The scopes that a change of a document invalidates: templates of keys over the fields of the model.
//!
//! A scope has the syntax and the rules of a pattern of `cache_invalidate`; its placeholders are fields, by their Rust names.
//!
//! May use: diag, options, template, indexed/{record, resolve, syntax}.

use proc_macro2::Ident;
use syn::{LitStr, Member};

use super::{
    record::Record,
    resolve::resolve,
    syntax::{Path, Step},
};
use crate::{
    diag::Diag,
    options::Options,
    template::{Format, Hole, Template, TemplatePiece, Use},
};

/// A checked scope.
pub(super) struct Scope {
    /// The text as the user wrote it.
    pub(super) text: String,
    /// The pieces without the final `:*`.
    pub(super) pieces: Vec<ScopePiece>,
    /// True if it ended in `:*`.
    pub(super) prefix: bool,
}

/// A piece of a scope.
pub(super) enum ScopePiece {
    Text(String),
    Field(Path, Format),
}

/// The scopes that the attribute declares, without those that have an error.
pub(super) fn check(options: &Options, record: &Record, diag: &mut Diag) -> Vec<Scope> {
    let mut found: Vec<Scope> = Vec::new();
    for literal in options.texts("scopes") {
        let Some(scope) = scope(literal, record, diag) else { continue };
        if found.iter().any(|other| other.text == scope.text) {
            diag.at(literal, format_args!("the scope `{}` is declared twice: keep one", scope.text));
        } else {
            found.push(scope);
        }
    }
    found
}

fn scope(literal: &LitStr, record: &Record, diag: &mut Diag) -> Option<Scope> {
    let before = diag.count();
    let template = Template::parse(literal, Use::Scope, diag)?;
    let mut pieces = Vec::new();
    for piece in template.pieces {
        match piece {
            TemplatePiece::Text(text) => pieces.push(ScopePiece::Text(text)),
            TemplatePiece::Hole(hole) => {
                if let Some(path) = path(&hole, diag) {
                    resolve(&path, record, diag);
                    pieces.push(ScopePiece::Field(path, hole.format));
                }
            }
        }
    }
    (diag.count() == before).then_some(Scope { text: template.text, pieces, prefix: template.prefix })
}

/// The field that a placeholder names.
fn path(hole: &Hole, diag: &mut Diag) -> Option<Path> {
    if hole.root == "self" {
        diag.error(hole.span, "a scope names fields of the model without `self`: write `{id}` or `{maker.country}`");
        return None;
    }
    let mut steps = vec![Step::Field(Ident::new(&hole.root, hole.span))];
    for field in &hole.fields {
        match field {
            Member::Named(name) => steps.push(Step::Field(name.clone())),
            Member::Unnamed(_) => {
                diag.error(
                    hole.span,
                    "a number is not the name of a stored field: write the field of a struct, as `{maker.country}`",
                );
                return None;
            }
        }
    }
    Some(Path(steps))
}
