//! `#[circuit_breaker]`: reject calls for a while after too many of them have failed.
//!
//! May use: diag, emit, options, subject, resilience/body.

use proc_macro2::{Ident, Span, TokenStream};

use super::{body, must_be_async, must_be_fallible, name, ordered};
use crate::{
    diag::Diag,
    emit::{self, code},
    options::{Builder, Options, Value},
    subject::Subject,
};

const METHOD: &str = "a method's breaker needs a name, as other types may have a method of this name: \
    write `#[circuit_breaker(name = \"supplier\")]`";

/// Expands `#[circuit_breaker(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    super::attribute("circuit_breaker", args, item, |options, subject, diag| {
        if subject.params.receiver.is_some() && !options.is_given("name") {
            diag.error(Span::call_site(), METHOD);
        }
        if options.is_given("failure_if") {
            options.refuse("ignore", "`failure_if` defines failures, so `ignore` has no effect: remove `ignore`", diag);
        }
        if !options.is_given("failure_if") || !options.is_given("fallback") {
            must_be_fallible("circuit_breaker", subject, diag);
        }
        let name = name(options, subject);
        let policy = policy(&name, options, subject, diag);
        let judge = judge(options, subject);
        let (first, body) = timed(&name, options, subject, diag);
        let (before, rejected) = rejected(options, subject, diag)?;
        if body::is_asked(subject) {
            let otherwise = code!(move |__rejected| #rejected);
            let call = code!(breaker(__breaker, __kind.made(#body), #judge, #otherwise));
            return Some(code!(#policy #first #before __kind.finish(__kind.#call)));
        }
        let (call, end) = (body::method(subject, "call_judged"), body::end(subject));
        Some(code! {
            #policy
            #first
            #before
            match __breaker.#call(#body, #judge)#end {
                ::core::result::Result::Ok(__output) => __output,
                ::core::result::Result::Err(__rejected) => #rejected,
            }
        })
    })
}

/// The static, and the breaker of this call.
fn policy(name: &TokenStream, options: &Options, subject: &Subject, diag: &mut Diag) -> TokenStream {
    let settings = settings(options, subject, diag);
    let door = &subject.door;
    let place = code!(::core::panic::Location::caller());
    let is_computed = emit::is_evaluated(Builder::Settings, options) || options.is_evaluated("keys");
    let computed = is_computed.then(|| code!(.computed()));
    let Some(per) = options.expr("per") else {
        options.refuse(
            "keys",
            "`keys` bounds the number of breakers, which is one without `per`: write `per = ..` too",
            diag,
        );
        return code! {
            static __BREAKER: #door::BreakerSite = #door::BreakerSite::new(#name, || { #settings }, #place) #computed;
            #door::inventory::submit! { #door::BreakerDeclared(&__BREAKER) }
            let __breaker = __BREAKER.breaker();
        };
    };
    let key = body::key(per);
    let keys = emit::argument("keys", options, door).unwrap_or_else(|| code!(#door::KeyedBreakerSite::DEFAULT_CAP));
    code! {
        static __BREAKERS: #door::KeyedBreakerSite =
            #door::KeyedBreakerSite::new(#name, || { (#settings, #keys) }, #place) #computed;
        #door::inventory::submit! { #door::KeyedBreakerDeclared(&__BREAKERS) }
        let __breaker = __BREAKERS.get(#key);
    }
}

fn settings(options: &Options, subject: &Subject, diag: &mut Diag) -> TokenStream {
    let off = |name| matches!(options.value(name), Some(Value::Off));
    if off("failure_threshold") && off("failure_rate") && !options.is_given("slow_rate") {
        let why = "nothing opens this breaker: keep one of `failure_threshold` and `failure_rate`, or write `slow_rate` and `slow`";
        options.refuse("failure_rate", why, diag);
    }
    if !options.is_given("slow") {
        options.refuse("slow_rate", "`slow_rate` needs the duration of a slow call: write `slow = \"1s\"` too", diag);
    }
    if !options.is_given("slow_rate") {
        options.refuse(
            "slow",
            "`slow` needs the share of slow calls that opens the breaker: write `slow_rate = 80` too",
            diag,
        );
    }
    if let (Some(window), Some(least)) = (options.count("window"), options.count("min_calls"))
        && least > window
    {
        let why = format!(
            "a window of {window} calls never has the {least} calls of `min_calls`: write `min_calls = {window}` or less"
        );
        options.refuse("window", &why, diag);
    }
    ordered(options, "open_for", "max_open", diag);
    let (door, calls) = (&subject.door, emit::calls(Builder::Settings, options, &subject.door));
    code!(#door::resilience::breaker::Settings::new() #calls)
}

/// The predicate over a result: whether it is a failure, a success, or is ignored.
fn judge(options: &Options, subject: &Subject) -> TokenStream {
    let (door, returns) = (&subject.door, &subject.returns);
    let asked = body::is_asked(subject);
    if let Some(function) = options.expr("failure_if") {
        return if asked {
            code!(__kind.failure_if(#function))
        } else {
            code!(#door::failure_if::<#returns>(#function))
        };
    }
    match options.expr("ignore") {
        Some(function) if asked => code!(__kind.ignore_if(__kind.of_error(#function))),
        Some(function) => {
            let error = returns.of_error();
            code!(#door::ignore_if::<#returns>(#door::of_error::<#error, _, _>(#function)))
        }
        None => code!(#door::resilience::breaker::Verdict::from_result),
    }
}

/// The statement that declares the timeout, if there is one, and the body with it.
fn timed(name: &TokenStream, options: &Options, subject: &mut Subject, diag: &mut Diag) -> (TokenStream, TokenStream) {
    let Some(after) = options.time("timeout") else {
        return (TokenStream::new(), body::once(subject));
    };
    must_be_async(
        "circuit_breaker(timeout = ..)",
        "a function that blocks cannot be stopped from outside",
        subject,
        diag,
    );
    let (first, run) = body::bound("__TIMEOUT", name, after, &subject.door);
    (first, body::bounded(&run, subject))
}

/// The statements that copy arguments for the answer to a rejected call, and the expression of that answer.
fn rejected(options: &Options, subject: &Subject, diag: &mut Diag) -> Option<(TokenStream, TokenStream)> {
    let Some(path) = options.expr("fallback") else {
        let door = &subject.door;
        let error = code!(::core::result::Result::Err(#door::rejected(__rejected)));
        let error = if body::is_asked(subject) { code!(__kind.ready(#error)) } else { error };
        return Some((TokenStream::new(), error));
    };
    let error = Ident::new("__rejected", Span::mixed_site());
    let body::Other { before, call } = body::Other::new("circuit_breaker", path, &error, subject, diag)?;
    let end = body::end(subject).filter(|_| !body::is_asked(subject));
    Some((before, code!(#call #end)))
}
