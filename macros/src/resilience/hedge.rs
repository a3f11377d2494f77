//! May use: args, diag, emit, stack.
//!
//! `#[hedge]`: run a slow body a second time beside the first, and take the first good answer.

use proc_macro2::{Span, TokenStream};
use syn::Expr;

use super::{
    body::{self, Runs},
    must_be_async, must_be_fallible, name, read,
};
use crate::{
    args::{OptionSet as _, options},
    emit::code,
    stack,
};

options! {
    /// The options that were given to `#[hedge(..)]`.
    struct Options for "hedge" {
        "after" => after: Expr,
        "p95" => p95: Expr,
        "budget" => budget: Expr,
        "failure_if" => failure_if: Expr,
        "name" => name: Expr,
        "crate" => krate: Expr,
    }
}

const WHEN: &str = "when is a call slow? write `#[hedge(after = \"50ms\")]`, or `#[hedge(p95 = \"50ms\")]` for the slowest 5 %, \
    with the delay to begin with";

/// Expands `#[hedge(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    super::attribute(
        "hedge",
        stack::BELOW_HEDGE,
        args,
        item,
        |args, diag| {
            let mut options = Options::parse(args, diag);
            (std::mem::take(&mut options.krate), options)
        },
        |options, subject, diag| {
            must_be_async("hedge", "two calls at a time need a future each", subject, diag);
            if !options.failure_if.is_given() {
                must_be_fallible("hedge", subject, diag);
            }
            body::must_run_again("hedge", Runs::Together, subject, diag);
            let name = name(&options.name, subject, diag);
            let (after, p95) = (read::time("after", &options.after, diag), read::time("p95", &options.p95, diag));
            let budget =
                read::percent("budget", &options.budget, &subject.door, diag).map(|share| code!(.budget(#share)));
            let (door, body) = (&subject.door, body::again(subject));
            let settings = match (options.after.is_given(), options.p95.is_given()) {
                (true, true) => {
                    options.p95.refuse("`after` and `p95` both say when a call is slow: keep one", diag);
                    return None;
                }
                (true, false) => after.map(|after| code!(after(#after))),
                (false, true) => p95.map(|at_first| code!(p95(#at_first))),
                (false, false) => {
                    diag.error(Span::call_site(), WHEN);
                    return None;
                }
            }?;
            let call = match body::failure_if(&options.failure_if, subject, diag) {
                Some(failed) => code!(__POLICY.call_judged(#body, #failed)),
                None => code!(__POLICY.call(#body)),
            };
            let call = if body::is_asked(subject) { code!(__kind.finish(#call)) } else { code!(#call.await) };
            Some(code! {
                static __POLICY: #door::resilience::Hedge =
                    #door::resilience::Hedge::new(#name, #door::resilience::HedgeSettings::#settings #budget);
                #call
            })
        },
    )
}
