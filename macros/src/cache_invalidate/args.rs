//! The targets and options of `#[cache_invalidate]` and `#[cache_refresh]` as they were written.
//!
//! May use: diag, options.

use proc_macro2::TokenStream;
use syn::{Expr, Ident, LitStr, Token, ext::IdentExt, parse::ParseStream, token};

use crate::{
    diag::Diag,
    options::{Given, Options, read_all},
};

/// The name of the attribute that invalidates.
pub(super) const INVALIDATE: &str = "cache_invalidate";
/// The name of the attribute that expires.
pub(super) const REFRESH: &str = "cache_refresh";

/// The arguments of `#[cache_invalidate(..)]`, or of `#[cache_refresh(..)]`.
pub(crate) struct Args {
    /// `"user:{id}"`
    pub(crate) patterns: Vec<LitStr>,
    /// `users(id)`, or `self.users(id)`
    pub(crate) handles: Vec<Expr>,
    pub(crate) options: Options,
}

impl Args {
    pub(crate) fn parse(attribute: &'static str, tokens: TokenStream, diag: &mut Diag) -> Self {
        let mut args = Self { patterns: Vec::new(), handles: Vec::new(), options: Options::new(attribute) };
        read_all(tokens, diag, |input, diag| args.element(attribute, input, diag));
        args
    }

    fn element(&mut self, attribute: &str, input: ParseStream<'_>, diag: &mut Diag) -> syn::Result<()> {
        if input.peek(LitStr) {
            self.patterns.push(input.parse()?);
        } else if is_option(input) {
            let given = Given::parse(input)?;
            match instead(attribute, &given.name) {
                Some(instead) => diag.at(&given.name, instead),
                None => self.options.put(given, diag),
            }
        } else {
            match input.parse::<Expr>()? {
                call @ (Expr::Call(_) | Expr::MethodCall(_)) => self.handles.push(call),
                list @ Expr::Array(_) => {
                    diag.at(&list, "targets are not a list: write `\"user:{id}\", \"users:*\"` without the brackets");
                }
                other => diag.at(
                    &other,
                    "this is not a target: write a pattern such as \
                    `\"user:{id}\"`, or a handle such as `users(id)`",
                ),
            }
        }
        Ok(())
    }
}

/// The message about an option that only other caches have, with the form to write instead.
fn instead(attribute: &str, name: &Ident) -> Option<String> {
    match name.to_string().as_str() {
        "key" | "keys" | "pattern" => {
            Some(format!("a pattern has no name in front: write `#[{attribute}(\"user:{{id}}\")]`"))
        }
        "all" | "all_entries" => Some(format!(
            "{} of everything does not say which entries it reaches: \
                write the first segment of their keys, as `#[{attribute}(\"users:*\")]`",
            if attribute == REFRESH { "a refresh" } else { "an invalidation" },
        )),
        _ => None,
    }
}

/// Returns whether an option comes next: `name = ..`, a name alone, `skip(..)` or `with(..)`. Any other `name(..)` is a handle.
fn is_option(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    match Ident::parse_any(&ahead) {
        Ok(name) if ahead.peek(token::Paren) => name == "skip" || name == "with",
        Ok(_) => ahead.is_empty() || ahead.peek(Token![,]) || (ahead.peek(Token![=]) && !ahead.peek(Token![==])),
        Err(_) => false,
    }
}
