//! Matches the template of a key, a pattern or a tag with the parameters of the function.
//!
//! Flow: [`Template`] + [`Params`] -> [`Key`]; then [`coverage()`] reports parameters that were forgotten.
//!
//! Invariants: the parts of a [`Key`] are in the order of the template, and a placeholder that is written twice has two parts, so the
//! n-th `KeyPiece::Arg` is the n-th part; every part names a parameter that exists, or a field of `self` if there is a receiver.
//!
//! May use: diag, nearest, template, signature.

mod coverage;
mod default;
#[cfg(test)]
mod tests;

pub(crate) use coverage::{Skips, coverage, only_self};
pub(crate) use default::{default_key, default_prefix};
use proc_macro2::Span;
use syn::{LitStr, Member};

use crate::{
    diag::Diag,
    nearest,
    signature::Params,
    template::{Format, Hole, Template, TemplatePiece, Use},
};

/// The longest tuple of arguments that the runtime knows.
const MAX_PARTS: usize = 11;

/// A checked template.
pub(crate) struct Key {
    /// The text as the user wrote it.
    pub(crate) text: String,
    pub(crate) pieces: Vec<KeyPiece>,
    pub(crate) parts: Vec<Part>,
    /// The parameters that its named expressions mention.
    mentioned: Vec<Root>,
    /// True if it was written with a final `:*`.
    pub(crate) prefix: bool,
}

/// A piece of the rendered key.
pub(crate) enum KeyPiece {
    Text(String),
    /// The dotted path of the function.
    Path,
    /// The n-th part.
    Arg(usize),
}

/// A value in the key.
pub(crate) struct Part {
    pub(crate) root: Root,
    pub(crate) fields: Vec<Member>,
    pub(crate) format: Format,
}

/// The source of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// The parameter of this index.
    Param(usize),
    Receiver,
    /// The named expression of this index.
    Named(usize),
}

impl Key {
    /// Reads `literal` and matches it with the parameters.
    pub(crate) fn parse(literal: &LitStr, used: Use, params: &Params, diag: &mut Diag) -> Option<Self> {
        let template = Template::parse(literal, used, diag)?;
        let before = diag.count();
        let mut key = Self {
            text: template.text,
            pieces: Vec::new(),
            parts: Vec::new(),
            mentioned: Vec::new(),
            prefix: template.prefix,
        };
        for piece in template.pieces {
            match piece {
                TemplatePiece::Text(text) => key.pieces.push(KeyPiece::Text(text)),
                TemplatePiece::Hole(hole) => {
                    if let Some(root) = root(&hole, params, diag) {
                        key.push(Part { root, fields: hole.fields, format: hole.format });
                    }
                }
            }
        }
        key.mention(params);
        key.bounded(literal.span(), diag);
        (diag.count() == before).then_some(key)
    }

    /// Returns whether this is the default key.
    pub(crate) fn is_default(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, KeyPiece::Path))
    }

    /// Returns whether a field of `self` is in the key, or an expression that mentions `self`.
    pub(crate) fn names_receiver(&self) -> bool {
        self.names(Root::Receiver)
    }

    /// Returns whether the parameter of this index is in the key, whole or in part, or an expression that mentions it.
    pub(crate) fn names_param(&self, index: usize) -> bool {
        self.names(Root::Param(index))
    }

    /// Returns whether the named expression of this index is in the key.
    pub(crate) fn names_expression(&self, index: usize) -> bool {
        self.names(Root::Named(index))
    }

    fn names(&self, root: Root) -> bool {
        self.parts.iter().any(|part| part.root == root) || self.mentioned.contains(&root)
    }

    /// Notes the parameters that the named expressions of the key mention.
    fn mention(&mut self, params: &Params) {
        for part in &self.parts {
            let Root::Named(index) = part.root else { continue };
            let expression = &params.named[index];
            let names = params.names.iter().enumerate().filter(|(_, param)| expression.mentions(&param.name()));
            self.mentioned.extend(names.map(|(index, _)| Root::Param(index)));
            if expression.mentions("self") {
                self.mentioned.push(Root::Receiver);
            }
        }
    }

    /// Reports a key with too many parts. The runtime takes them as a tuple, whose length is bounded.
    fn bounded(&self, span: Span, diag: &mut Diag) {
        if self.parts.len() > MAX_PARTS {
            let count = self.parts.len();
            diag.error(
                span,
                format_args!(
                    "a key has at most {MAX_PARTS} placeholders and this one has {count}: \
                    gather parameters in a struct and write `{{params:hash}}`, or leave some out with `skip(..)`"
                ),
            );
        }
    }

    fn push(&mut self, part: Part) {
        self.pieces.push(KeyPiece::Arg(self.parts.len()));
        self.parts.push(part);
    }
}

/// Finds the parameter that a placeholder names, or reports that there is none.
fn root(hole: &Hole, params: &Params, diag: &mut Diag) -> Option<Root> {
    let name = &hole.root;
    if name == "self" {
        if params.receiver.is_none() {
            diag.error(hole.span, "there is no `self` here: take `&self`, or name a parameter");
        }
        return params.receiver.as_ref().map(|_| Root::Receiver);
    }
    let found = params.find(name).map(Root::Param).or_else(|| params.find_named(name).map(Root::Named));
    if found.is_none() {
        let known = params.known();
        let instead = match nearest::nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{{{near}}}`?"),
            None if matches!(name.as_str(), "result" | "output" | "value") => {
                "keys are made before the function has a result, so take what the key needs as a parameter".to_owned()
            }
            None if params.names.is_empty() => "the function has no parameters, so write literal text".to_owned(),
            None => {
                let names: Vec<_> = params.names.iter().map(|param| format!("`{{{}}}`", param.name())).collect();
                format!("write one of {}", names.join(", "))
            }
        };
        diag.error(hole.span, format_args!("there is no parameter `{name}`: {instead}"));
    }
    found
}
