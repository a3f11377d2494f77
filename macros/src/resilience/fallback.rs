//! May use: args, diag, emit, stack.
//!
//! `#[fallback]`: ask another function when the body failed.

use proc_macro2::{Ident, Span, TokenStream};
use syn::Expr;

use super::{body, must_be_fallible, name, read};
use crate::{args::options, emit::code, stack};

options! {
    /// The options that were given to `#[fallback(..)]`.
    struct Options for "fallback" {
        "name" => name: Expr,
        "crate" => krate: Expr,
    }
}

const WHICH: &str =
    "which function answers instead? write `#[fallback(other)]`; it takes the same arguments and the error";

/// Expands `#[fallback(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    super::attribute(
        "fallback",
        stack::BELOW_FALLBACK,
        args,
        item,
        |args, diag| {
            let mut options = Options::default();
            let path = read::value_and_options(args, &mut options, diag);
            if path.is_none() {
                diag.error(Span::call_site(), WHICH);
            }
            (std::mem::take(&mut options.krate), (options, path))
        },
        |(options, path), subject, diag| {
            must_be_fallible("fallback", subject, diag);
            let name = name(&options.name, subject, diag);
            let error = Ident::new("__error", Span::mixed_site());
            let other = body::Other::new("fallback", &path?, &error, subject, diag)?;
            let (door, body) = (&subject.door, body::once(subject));
            let body::Other { before, call: otherwise } = other;
            let call = if body::is_asked(subject) {
                code!(__kind.finish(__kind.fallback(&__POLICY, __kind.body(#body), move |#error| #otherwise)))
            } else {
                let (call, end) = (body::method(subject, "call"), body::end(subject));
                code!(__POLICY.#call(#body, move |#error| #otherwise)#end)
            };
            Some(code! {
                static __POLICY: #door::resilience::Fallback = #door::resilience::Fallback::new(#name);
                #before
                #call
            })
        },
    )
}
