//! `#[hedge]`: start a second run of the body if the first is slow, and take the first good answer.
//!
//! May use: diag, emit, options, resilience/{body, statics}.

use proc_macro2::{Span, TokenStream};

use super::{
    body::{self, Runs},
    must_be_async, must_be_fallible, name,
    statics::Make,
};
use crate::{
    emit::{self, code},
    options::Builder,
};

const WHEN: &str = "the delay of the second call is missing: write `#[hedge(after = \"50ms\")]`, or `#[hedge(p95 = \"50ms\")]` \
    for the slowest 5 % of calls, with the delay until enough calls are known";

/// Expands `#[hedge(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    super::attribute("hedge", args, item, |options, subject, diag| {
        must_be_async("hedge", "two calls at a time need two futures", subject, diag);
        if !options.is_given("failure_if") {
            must_be_fallible("hedge", subject, diag);
        }
        body::must_run_again("hedge", Runs::Together, subject, diag);
        let name = name(options, subject);
        let (door, body) = (&subject.door, body::again(subject));
        let (after, p95) = (options.time("after"), options.time("p95"));
        let settings = match (options.is_given("after"), options.is_given("p95")) {
            (true, true) => {
                options.refuse("p95", "`after` and `p95` both set the delay of the second call: keep one", diag);
                return None;
            }
            (true, false) => after.map(|after| code!(after(#after))),
            (false, true) => p95.map(|at_first| code!(p95(#at_first))),
            (false, false) => {
                diag.error(Span::call_site(), WHEN);
                return None;
            }
        }?;
        let budget = emit::calls(Builder::Settings, options, door);
        let hedge = code!(#door::resilience::hedge);
        let make = Make { ty: &code!(#hedge::Hedge), name: &name, then: None, kind: "Hedge", door };
        let settings = code!(#hedge::Settings::#settings #budget);
        let policy = if options.varies() {
            make.each_call(&settings, &code!(#hedge::Settings::after(::core::time::Duration::MAX)), false)
        } else {
            make.once(&settings, false)
        };
        let place = policy.place();
        let call = match body::failure_if(options, subject) {
            Some(failed) => code!(#place.call_judged(#body, #failed)),
            None => code!(#place.call(#body)),
        };
        let call = if body::is_asked(subject) {
            let call = policy.owned(&call);
            code!(__kind.finish(#call))
        } else {
            code!(#call.await)
        };
        let statements = &policy.statements;
        Some(code!(#statements #call))
    })
}
