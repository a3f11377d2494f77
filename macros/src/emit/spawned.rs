//! A body that may run in a task of its own (`refresh = background`, `load = task`), and so has to own everything that it uses.
//!
//! Flow: each borrowed argument is made owned before the task and borrowed again inside it; `self` becomes a clone.
//!
//! Invariant: arguments that the function owns are moved into the task.
//!
//! May use: signature, subject.

use proc_macro2::{Group, Ident, Span, TokenStream};

use super::code;
use crate::{
    signature::{self_tokens, without_lifetimes},
    subject::Subject,
};

/// The parts of a body that owns everything that it uses.
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
        Self::with_all_but(subject, None)
    }

    /// The parts of a body that gets the parameter of this index in another way.
    pub(crate) fn beside(subject: &Subject, index: usize) -> Self {
        Self::with_all_but(subject, Some(index))
    }

    fn with_all_but(subject: &Subject, except: Option<usize>) -> Self {
        let body = subject.function.body.clone();
        let mut owned = Self { before: TokenStream::new(), first: TokenStream::new(), body };
        let names = subject.params.names.iter().enumerate();
        for (_, param) in names.filter(|(index, _)| except != Some(*index)) {
            if let Some(referent) = param.referent() {
                owned.argument(&param.ident, &without_lifetimes(referent));
            }
        }
        if let Some(receiver) = subject.params.receiver.as_ref().filter(|receiver| receiver.by_reference) {
            let this = receiver.token;
            owned.before.extend(code!(let __self = ::core::clone::Clone::clone(#this);));
            owned.first.extend(code!(let __self = &__self;));
            owned.body =
                self_tokens::rename(&owned.body, |span| Ident::new("__self", span.resolved_at(Span::mixed_site())));
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
