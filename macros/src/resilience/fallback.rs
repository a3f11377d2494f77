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
        "failure_if" => failure_if: Expr,
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
            if !options.failure_if.is_given() {
                must_be_fallible("fallback", subject, diag);
            }
            let name = name(&options.name, subject, diag);
            let error = Ident::new("__error", Span::mixed_site());
            let other = body::Other::new("fallback", &path?, &error, subject, diag)?;
            let (door, body) = (&subject.door, body::once(subject));
            let body::Other { before, call: otherwise } = other;
            let otherwise = code!(move |#error| #otherwise);
            let failed = body::failure_if(&options.failure_if, subject, diag);
            let end = body::end(subject);
            let call = match (body::is_asked(subject), failed) {
                (true, None) => code!(__kind.finish(__kind.fallback(&__POLICY, __kind.body(#body), #otherwise))),
                (true, Some(failed)) => {
                    let call = code!(fallback_judged(&__POLICY, __kind.body(#body), #failed, #otherwise));
                    code!(__kind.finish(__kind.#call))
                }
                (false, None) => {
                    let call = body::method(subject, "call");
                    code!(__POLICY.#call(#body, #otherwise)#end)
                }
                (false, Some(failed)) => {
                    let call = body::method(subject, "call_judged");
                    code!(__POLICY.#call(#body, #failed, #otherwise)#end)
                }
            };
            Some(code! {
                static __POLICY: #door::resilience::Fallback = #door::resilience::Fallback::new(#name);
                #before
                #call
            })
        },
    )
}
