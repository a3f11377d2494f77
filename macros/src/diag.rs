//! Collects all errors of one use of an attribute, so that one compilation shows them all.
//!
//! Flow: [`run`] hands a [`Diag`] to the checks, then either expands the checked model or emits the errors.
//!
//! Invariants: every error has a span; after an error the item is emitted unchanged beside the `compile_error!`s, so that nothing
//! else in the user's crate fails because the item is missing; a model is expanded only if no error was reported.
//!
//! May use: nothing of this crate.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};

/// The errors of one use of an attribute, in the order in which they were found.
#[derive(Default)]
pub(crate) struct Diag {
    errors: Vec<syn::Error>,
}

impl Diag {
    /// Reports `message` at `span`.
    pub(crate) fn error(&mut self, span: Span, message: impl Display) {
        self.errors.push(syn::Error::new(span, message));
    }

    /// Reports `message` over all of `tokens`.
    pub(crate) fn at(&mut self, tokens: &impl ToTokens, message: impl Display) {
        self.errors.push(syn::Error::new_spanned(tokens, message));
    }

    /// Reports an error that `syn` found.
    pub(crate) fn add(&mut self, error: syn::Error) {
        self.errors.push(error);
    }

    /// The number of errors reported so far. A caller that compares it before and after a step knows whether the step found any.
    pub(crate) fn count(&self) -> usize {
        self.errors.len()
    }

    /// The errors as tokens, if there are any. For derives, whose item the compiler keeps by itself.
    pub(crate) fn into_errors(self) -> Option<TokenStream> {
        (self.count() > 0).then(|| self.into_tokens())
    }

    /// The errors as items.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.errors.iter().map(syn::Error::to_compile_error).collect()
    }

    #[cfg(test)]
    pub(crate) fn messages(&self) -> Vec<String> {
        self.errors.iter().map(ToString::to_string).collect()
    }
}

/// Checks one use of an attribute and expands it if nothing is wrong.
pub(crate) fn run<M>(
    item: &TokenStream,
    check: impl FnOnce(&mut Diag) -> Option<M>,
    expand: impl FnOnce(&M) -> TokenStream,
) -> TokenStream {
    let mut diag = Diag::default();
    match check(&mut diag) {
        Some(model) if diag.count() == 0 => expand(&model),
        _ => {
            let errors = diag.into_tokens();
            quote!(#item #errors)
        }
    }
}
