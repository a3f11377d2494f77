//! `#[fallback]`: call another function after the body failed.
//!
//! May use: diag, emit, options, resilience/body.

use proc_macro2::{Ident, Span, TokenStream};

use super::{body, must_be_fallible, name};
use crate::{emit::code, options::UNNAMED};

const WHICH: &str = "the function that answers instead is missing: write `#[fallback(other)]`; it takes the same arguments and the error";

/// Expands `#[fallback(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    super::attribute("fallback", args, item, |options, subject, diag| {
        if !options.is_given(UNNAMED) {
            diag.error(Span::call_site(), WHICH);
        }
        if !options.is_given("failure_if") {
            must_be_fallible("fallback", subject, diag);
        }
        let name = name(options, subject);
        let error = Ident::new("__error", Span::mixed_site());
        let other = body::Other::new("fallback", options.expr(UNNAMED)?, &error, subject, diag)?;
        let (door, body) = (&subject.door, body::once(subject));
        let body::Other { before, call: otherwise } = other;
        let otherwise = code!(move |#error| #otherwise);
        let failed = body::failure_if(options, subject);
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
            static __POLICY: #door::resilience::fallback::Fallback = #door::resilience::fallback::Fallback::new(#name);
            #before
            #call
        })
    })
}
