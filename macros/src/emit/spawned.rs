//! May use: signature, subject.
//!
//! A body that may run in a task of its own (`refresh = background`), so that it must own all that it uses.
//!
//! Flow: each borrowed argument is made owned before the task and borrowed again inside it; `self` becomes a clone.
//!
//! Invariant: arguments that the function owns are moved, as the body would have done.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};

use super::code;
use crate::{signature::without_lifetimes, subject::Subject};

/// The parts of a body that owns what it uses.
pub(crate) struct Owned {
    /// Statements before the task.
    pub(crate) before: TokenStream,
    /// Statements at the start of the task.
    pub(crate) first: TokenStream,
    /// The body, braces included.
    pub(crate) body: Group,
}

impl Owned {
    pub(crate) fn new(subject: &Subject) -> Self {
        let body = subject.function.body.clone();
        let mut owned = Self { before: TokenStream::new(), first: TokenStream::new(), body };
        for param in &subject.params.names {
            if let Some(referent) = param.referent() {
                owned.argument(&param.ident, &without_lifetimes(referent));
            }
        }
        if let Some(receiver) = subject.params.receiver.as_ref().filter(|receiver| receiver.by_reference) {
            let this = receiver.token;
            owned.before.extend(code!(let __self = ::core::clone::Clone::clone(#this);));
            owned.first.extend(code!(let __self = &__self;));
            owned.body = rename_self(&owned.body);
        }
        owned
    }

    fn argument(&mut self, name: &Ident, referent: &syn::Type) {
        self.before.extend(code!(let #name = <#referent as ::std::borrow::ToOwned>::to_owned(#name);));
        self.first.extend(code! {
            #[allow(unused_variables)]
            let #name = ::core::borrow::Borrow::<#referent>::borrow(&#name);
        });
    }
}

/// Puts `__self` in place of every `self`, inside macro calls too, but not inside items of the body's own.
fn rename_self(group: &Group) -> Group {
    let mut inside_item = false;
    let tokens = group.stream().into_iter().map(|token| match token {
        TokenTree::Ident(ident) if ["fn", "impl", "trait"].iter().any(|word| ident == word) => {
            inside_item = true;
            TokenTree::Ident(ident)
        }
        TokenTree::Ident(ident) if ident == "self" && !inside_item => {
            let span = ident.span().resolved_at(Span::mixed_site());
            TokenTree::Ident(Ident::new("__self", span))
        }
        // The braces of an item end it; so does the semicolon behind `let f: fn(u8) -> u8 = g;`.
        TokenTree::Group(group) if inside_item => {
            inside_item = group.delimiter() != Delimiter::Brace;
            TokenTree::Group(group)
        }
        TokenTree::Group(group) => TokenTree::Group(rename_self(&group)),
        token => {
            if matches!(&token, TokenTree::Punct(punct) if matches!(punct.as_char(), ';' | '=')) {
                inside_item = false;
            }
            token
        }
    });
    let mut renamed = Group::new(group.delimiter(), tokens.collect());
    renamed.set_span(group.span());
    renamed
}
