//! `#[bulkhead]`: bound the number of calls that run a body at a time.
//!
//! May use: diag, duration, emit, options, signature, subject, resilience/{body, statics}.

use proc_macro2::{Span, TokenStream};

use super::{body, must_be_fallible, name, statics::Make};
use crate::{
    diag::Diag,
    duration::Time,
    emit::{self, code},
    options::{Builder, Options, Value},
    signature::Answer,
    subject::Subject,
};

/// Expands `#[bulkhead(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    super::attribute("bulkhead", args, item, |options, subject, diag| {
        must_be_fallible("bulkhead", subject, diag);
        let name = name(options, subject);
        let settings = settings(options, subject, diag)?;
        let (door, body) = (&subject.door, body::once(subject));
        let make =
            Make { ty: &code!(#door::resilience::bulkhead::Bulkhead), name: &name, then: None, kind: "Bulkhead", door };
        let policy = make.once(&settings, options.is_evaluated("max") || options.is_evaluated("min")).statements;
        // A wait that is an expression is evaluated at each call.
        let wait = match options.time("wait") {
            Some(Time::Expr(expr)) => code!(::core::option::Option::Some(#expr)),
            _ => code!(::core::option::Option::None),
        };
        let error = code!(::core::result::Result::Err(#door::rejected(__rejected)));
        if body::is_asked(subject) {
            let call = code!(bulkhead((&__POLICY, #wait), __kind.body(#body), move |__rejected| __kind.ready(#error)));
            return Some(code!(#policy __kind.finish(__kind.#call)));
        }
        let (call, end) = (body::method(subject, "in_bulkhead"), body::end(subject));
        Some(code! {
            #policy
            match #door::#call(&__POLICY, #wait, #body)#end {
                ::core::result::Result::Ok(__output) => __output,
                ::core::result::Result::Err(__rejected) => #error,
            }
        })
    })
}

fn settings(options: &Options, subject: &mut Subject, diag: &mut Diag) -> Option<TokenStream> {
    if !options.is_given("max") {
        diag.error(
            Span::call_site(),
            "`max`, the number of calls at a time, is missing: write `#[bulkhead(max = 64)]`",
        );
    }
    if !options.is_given("adaptive") {
        options.refuse("min", "only an adaptive bulkhead has a `min`: write `adaptive` too, or remove `min`", diag);
    }
    if options.is_given("wait") {
        subject.returns.answer = Answer::Future;
    }
    if subject.returns.blocks() {
        options.refuse(
            "wait",
            "a function that blocks does not wait for its turn: remove `wait`, or make it `async`",
            diag,
        );
    }
    let count = |name| if let Some(Value::Count32(count)) = options.value(name) { Some(*count) } else { None };
    if let (Some(max), Some(min)) = (count("max"), count("min"))
        && min > max
    {
        options.refuse("min", "`min` is larger than `max`: lower `min` or raise `max`", diag);
    }
    let door = &subject.door;
    let most = emit::argument("max", options, door)?;
    let least = emit::argument("min", options, door).unwrap_or_else(|| emit::at_least_one(1, door));
    let kind = if options.is_given("adaptive") { code!(adaptive(#least, #most)) } else { code!(fixed(#most)) };
    let calls = if options.is_evaluated("wait") { None } else { Some(emit::calls(Builder::Settings, options, door)) };
    Some(code!(#door::resilience::bulkhead::Settings::#kind #calls))
}
