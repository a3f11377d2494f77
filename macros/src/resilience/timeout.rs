//! May use: args, diag, duration, emit, stack.
//!
//! `#[timeout]`: drop a body that takes too long.

use proc_macro2::TokenStream;
use syn::Expr;

use super::{body, must_be_async, must_be_fallible, name, read};
use crate::{args::options, duration, emit::code, stack};

options! {
    /// The options that were given to `#[timeout(..)]`.
    struct Options for "timeout" {
        "name" => name: Expr,
        "crate" => krate: Expr,
    }
}

/// Expands `#[timeout(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    super::attribute(
        "timeout",
        stack::BELOW_TIMEOUT,
        args,
        item,
        |args, diag| {
            let mut options = Options::default();
            let after = read::value_and_options(args, &mut options, diag);
            if after.is_none() {
                diag.error(proc_macro2::Span::call_site(), "how long may it take? write `#[timeout(\"2s\")]`");
            }
            (std::mem::take(&mut options.krate), (options, after))
        },
        |(options, after), subject, diag| {
            must_be_async("timeout", "a function that blocks cannot be stopped from outside", subject, diag);
            must_be_fallible("timeout", subject, diag);
            let mut name = name(&options.name, subject, diag);
            if !options.name.is_given() && stack::timeout_above(&subject.function.attrs) {
                // Two policies of one kind need two names.
                name = code!(::core::concat!(#name, " (inner)"));
            }
            let after = duration::read_once("timeout", &after?, diag)?;
            let door = &subject.door;
            let call = if body::is_asked(subject) {
                let bounded = body::bounded(&code!(__POLICY), subject);
                code!(__kind.finish((#bounded)()))
            } else {
                body::in_time(&code!(__POLICY), &body::once(subject), subject)
            };
            Some(code! {
                static __POLICY: #door::resilience::Timeout = #door::resilience::Timeout::new(#name, #after);
                #call
            })
        },
    )
}
