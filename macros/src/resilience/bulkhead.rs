//! May use: args, diag, emit, stack.
//!
//! `#[bulkhead]`: bound how many calls run a body at a time.

use proc_macro2::{Span, TokenStream};
use syn::Expr;

use super::{body, must_be_fallible, name, read};
use crate::{
    args::{OptionSet as _, options},
    diag::Diag,
    emit::code,
    signature::Answer,
    stack,
    subject::Subject,
};

options! {
    /// The options that were given to `#[bulkhead(..)]`.
    struct Options for "bulkhead" {
        "max" => max: Expr,
        "min" => min: Expr,
        "adaptive" => adaptive: (),
        "wait" => wait: Expr,
        "name" => name: Expr,
        "crate" => krate: Expr,
    }
}

/// Expands `#[bulkhead(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    super::attribute(
        "bulkhead",
        stack::BELOW_BULKHEAD,
        args,
        item,
        |args, diag| {
            let mut options = Options::parse(args, diag);
            (std::mem::take(&mut options.krate), options)
        },
        |options, subject, diag| {
            must_be_fallible("bulkhead", subject, diag);
            let name = name(&options.name, subject, diag);
            let settings = settings(&options, subject, diag)?;
            let (door, body) = (&subject.door, body::once(subject));
            let policy = code! {
                static __POLICY: #door::resilience::Bulkhead = #door::resilience::Bulkhead::new(#name, #settings);
            };
            let error = code!(::core::result::Result::Err(#door::rejected(__rejected)));
            if body::is_asked(subject) {
                let call = code!(bulkhead(&__POLICY, __kind.body(#body), move |__rejected| __kind.ready(#error)));
                return Some(code!(#policy __kind.finish(__kind.#call)));
            }
            let (call, end) = (body::method(subject, "in_bulkhead"), body::end(subject));
            Some(code! {
                #policy
                match #door::#call(&__POLICY, #body)#end {
                    ::core::result::Result::Ok(__output) => __output,
                    ::core::result::Result::Err(__rejected) => #error,
                }
            })
        },
    )
}

fn settings(options: &Options, subject: &mut Subject, diag: &mut Diag) -> Option<TokenStream> {
    if !options.max.is_given() {
        diag.error(Span::call_site(), "how many calls may run at a time? write `#[bulkhead(max = 64)]`");
    }
    if !options.adaptive.is_given() {
        options.min.refuse("only an adaptive bulkhead has a `min`: write `adaptive` too, or remove it", diag);
    }
    let wait = read::time("wait", &options.wait, diag);
    if options.wait.is_given() {
        subject.returns.answer = Answer::Future;
    }
    if subject.returns.blocks() {
        options.wait.refuse("a function that blocks does not wait for its turn: remove `wait`", diag);
    }
    let door = &subject.door;
    let (max, most) = read::count("max", &options.max, door, diag)?;
    let min = read::count("min", &options.min, door, diag);
    if min.as_ref().is_some_and(|(min, _)| *min > max) {
        options.min.refuse("`min` is above `max`: write a smaller one", diag);
    }
    let least = min.map_or_else(|| code!(#door::at_least_one(1)), |(_, min)| min);
    let kind = if options.adaptive.is_given() { code!(adaptive(#least, #most)) } else { code!(fixed(#most)) };
    let wait = wait.map(|wait| code!(.wait(#wait)));
    Some(code!(#door::resilience::BulkheadSettings::#kind #wait))
}
