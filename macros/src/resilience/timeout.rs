//! `#[timeout]`: drop the future of a body that takes too long.
//!
//! May use: diag, emit, options, stacking, resilience/body.

use proc_macro2::{Span, TokenStream};

use super::{body, must_be_async, must_be_fallible, name};
use crate::{emit::code, options::UNNAMED, stacking};

/// Expands `#[timeout(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    super::attribute("timeout", args, item, |options, subject, diag| {
        if !options.is_given(UNNAMED) {
            diag.error(Span::call_site(), "the longest duration of a call is missing: write `#[timeout(\"2s\")]`");
        }
        must_be_async("timeout", "a function that blocks cannot be stopped from outside", subject, diag);
        must_be_fallible("timeout", subject, diag);
        let mut name = name(options, subject);
        if !options.is_given("name") && stacking::timeout_above(&subject.function.attrs) {
            // The policy of the outer `#[timeout]` has the plain name.
            name = code!(::core::concat!(#name, " (inner)"));
        }
        let after = options.time(UNNAMED)?;
        let (first, bound) = body::bound("__POLICY", &name, after, &subject.door);
        let call = if body::is_asked(subject) {
            let bounded = body::bounded(&bound, subject);
            code!(__kind.finish((#bounded)()))
        } else {
            body::in_time(&bound, &body::once(subject), subject)
        };
        Some(code!(#first #call))
    })
}
