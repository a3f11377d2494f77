//! May use: args, diag, duration, emit, stack, value.
//!
//! `#[circuit_breaker]`: do not call what does not work.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use syn::{Expr, ExprLit, Lit};

use super::{body, must_be_async, must_be_fallible, name, read};
use crate::{
    args::{OptionSet as _, options},
    diag::Diag,
    emit::code,
    stack,
    subject::Subject,
    value::{self, peel},
};

options! {
    /// The options that were given to `#[circuit_breaker(..)]`.
    struct Options for "circuit_breaker" {
        "name" => name: Expr,
        "failure_threshold" => failure_threshold: Expr,
        "failure_rate" => failure_rate: Expr,
        "slow_rate" => slow_rate: Expr,
        "slow" => slow: Expr,
        "min_calls" => min_calls: Expr,
        "window" => window: Expr,
        "open_for" => open_for: Expr,
        "max_open" => max_open: Expr,
        "probes" => probes: Expr,
        "probe_timeout" => probe_timeout: Expr,
        "cancelled" => cancelled: Expr,
        "timeout" => timeout: Expr,
        "ignore" => ignore: Expr,
        "failure_if" => failure_if: Expr,
        "per" => per: Expr,
        "keys" => keys: Expr,
        "fallback" => fallback: Expr,
        "crate" => krate: Expr,
    }
}

const METHOD: &str = "a method's breaker needs a name, as other types may have a method of this name: \
    write `#[circuit_breaker(name = \"supplier\")]`";

/// Expands `#[circuit_breaker(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    super::attribute(
        "circuit_breaker",
        stack::BELOW_BREAKER,
        args,
        item,
        |args, diag| {
            let mut options = Options::parse(args, diag);
            (std::mem::take(&mut options.krate), options)
        },
        |options, subject, diag| {
            if subject.params.receiver.is_some() && !options.name.is_given() {
                diag.error(Span::call_site(), METHOD);
            }
            if options.failure_if.is_given() {
                options.ignore.refuse("`failure_if` says what a failure is: remove `ignore`", diag);
            }
            if !options.failure_if.is_given() || !options.fallback.is_given() {
                must_be_fallible("circuit_breaker", subject, diag);
            }
            let name = name(&options.name, subject, diag);
            let policy = policy(&name, &options, subject, diag);
            let judge = judge(&options, subject, diag);
            let (first, body) = timed(&name, &options, subject, diag);
            let (before, rejected) = rejected(&options, subject, diag)?;
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
        },
    )
}

/// The static, and the breaker of this call.
fn policy(name: &TokenStream, options: &Options, subject: &Subject, diag: &mut Diag) -> TokenStream {
    let settings = settings(options, subject, diag);
    let door = &subject.door;
    let place = code!(#door::resilience::Place { file: ::core::file!(), line: ::core::line!() });
    let Some(per) = options.per.value() else {
        options.keys.refuse("`keys` is how many breakers there may be: write `per = ..` too", diag);
        return code! {
            static __BREAKER: #door::BreakerSite = #door::BreakerSite::new(#name, #settings, #place);
            #door::inventory::submit! { #door::BreakerDeclared(&__BREAKER) }
            let __breaker = __BREAKER.breaker();
        };
    };
    let key = key(per);
    let keys = match options.keys.value().and_then(|keys| value::count("keys", keys, diag)) {
        Some(keys) => {
            let keys = Literal::usize_unsuffixed(keys);
            code!(#keys)
        }
        None => code!(#door::KeyedBreakerSite::DEFAULT_CAP),
    };
    code! {
        static __BREAKERS: #door::KeyedBreakerSite = #door::KeyedBreakerSite::new(#name, #settings, #keys, #place);
        #door::inventory::submit! { #door::KeyedBreakerDeclared(&__BREAKERS) }
        let __breaker = __BREAKERS.get(#key);
    }
}

/// A key as a `&str`: text with the names of parameters in braces, or any expression.
pub(super) fn key(expr: &Expr) -> TokenStream {
    match peel(expr) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => code!(&::std::format!(#text)),
        _ => code!(::core::convert::AsRef::<str>::as_ref(&(#expr))),
    }
}

fn settings(options: &Options, subject: &Subject, diag: &mut Diag) -> TokenStream {
    let door = &subject.door;
    let mut settings = code!(#door::resilience::BreakerSettings::new());
    if read::is_off(&options.failure_threshold) {
        settings.extend(code!(.no_failure_threshold()));
    } else if let Some((_, count)) = read::count("failure_threshold", &options.failure_threshold, door, diag) {
        settings.extend(code!(.failure_threshold(#count)));
    }
    if read::is_off(&options.failure_rate) {
        settings.extend(code!(.no_failure_rate()));
    } else if let Some(rate) = read::percent("failure_rate", &options.failure_rate, door, diag) {
        settings.extend(code!(.failure_rate(#rate)));
    }
    if read::is_off(&options.failure_threshold) && read::is_off(&options.failure_rate) && !options.slow_rate.is_given()
    {
        let why = "nothing opens this breaker: keep one of `failure_threshold` and `failure_rate`, or write `slow_rate` and `slow`";
        options.failure_rate.refuse(why, diag);
    }
    settings.extend(slow(options, subject, diag));
    settings.extend(window(options, subject, diag));
    let (open, longest) =
        (read::time("open_for", &options.open_for, diag), read::time("max_open", &options.max_open, diag));
    if let Some(at) = options.max_open.value() {
        read::ordered(("open_for", open.as_ref()), ("max_open", longest.as_ref(), at), diag);
    }
    settings.extend(open.map(|time| code!(.open_for(#time))));
    settings.extend(longest.map(|time| code!(.max_open(#time))));
    settings.extend(read::count("probes", &options.probes, door, diag).map(|(_, count)| code!(.probes(#count))));
    let probe = read::time("probe_timeout", &options.probe_timeout, diag);
    settings.extend(probe.map(|time| code!(.probe_timeout(#time))));
    let cancelled =
        options.cancelled.value().and_then(|word| value::word("cancelled", &["failure", "nothing"], word, diag));
    settings.extend((cancelled == Some("failure")).then(|| code!(.cancelled_is_failure())));
    settings
}

/// `slow_rate` and `slow`, which say something together only.
fn slow(options: &Options, subject: &Subject, diag: &mut Diag) -> Option<TokenStream> {
    if !options.slow.is_given() {
        options.slow_rate.refuse("when is a call slow? write `slow = \"1s\"` too", diag);
    }
    if !options.slow_rate.is_given() {
        options.slow.refuse("how many slow calls are too many? write `slow_rate = 80` too", diag);
    }
    let rate = read::percent("slow_rate", &options.slow_rate, &subject.door, diag);
    let slow = read::time("slow", &options.slow, diag);
    rate.zip(slow).map(|(rate, slow)| code!(.slow_rate(#rate, #slow)))
}

/// `window = 100` calls or `window = "30s"`, and how many calls in it say anything.
fn window(options: &Options, subject: &Subject, diag: &mut Diag) -> TokenStream {
    let door = &subject.door;
    let mut settings = TokenStream::new();
    let minimum = read::count("min_calls", &options.min_calls, door, diag);
    settings.extend(minimum.as_ref().map(|(_, count)| code!(.min_calls(#count))));
    let counted = matches!(options.window.value().map(peel), Some(Expr::Lit(ExprLit { lit: Lit::Int(_), .. })));
    if counted {
        if let Some((window, count)) = read::count("window", &options.window, door, diag) {
            if let Some((minimum, _)) = minimum
                && minimum > window
            {
                let why = format!(
                    "a window of {window} calls never holds the {minimum} of `min_calls`: write `min_calls = {window}` or less"
                );
                options.window.refuse(&why, diag);
            }
            settings.extend(code!(.window(#door::resilience::Window::Count(#count))));
        }
    } else if let Some(time) = read::time("window", &options.window, diag) {
        settings.extend(code!(.window(#door::resilience::Window::Time(#time))));
    }
    settings
}

/// What an output says.
fn judge(options: &Options, subject: &Subject, diag: &mut Diag) -> TokenStream {
    let (door, returns) = (&subject.door, &subject.returns);
    if let Some(function) = options.failure_if.value() {
        return match value::function("failure_if", "|result| result.is_err()", function, diag) {
            Some(function) if body::is_asked(subject) => code!(__kind.failure_if(#function)),
            Some(function) => code!(#door::failure_if::<#returns>(#function)),
            None => TokenStream::new(),
        };
    }
    match options.ignore.value() {
        Some(function) => match value::function("ignore", "|error| error.is_not_found()", function, diag) {
            Some(function) if body::is_asked(subject) => code!(__kind.ignore_if(__kind.of_error(#function))),
            Some(function) => {
                let error = returns.of_error();
                code!(#door::ignore_if::<#returns>(#door::of_error::<#error, _, _>(#function)))
            }
            None => TokenStream::new(),
        },
        None => code!(#door::resilience::Verdict::of),
    }
}

/// The body, within its time if there is a bound.
fn timed(name: &TokenStream, options: &Options, subject: &mut Subject, diag: &mut Diag) -> (TokenStream, TokenStream) {
    let Some(after) = read::time("timeout", &options.timeout, diag) else {
        return (TokenStream::new(), body::once(subject));
    };
    must_be_async(
        "circuit_breaker(timeout = ..)",
        "a function that blocks cannot be stopped from outside",
        subject,
        diag,
    );
    let door = &subject.door;
    let first = code!(static __TIMEOUT: #door::resilience::Timeout = #door::resilience::Timeout::new(#name, #after););
    (first, body::bounded(&code!(__TIMEOUT), subject))
}

/// What a rejection becomes, and what has to be kept for it.
fn rejected(options: &Options, subject: &Subject, diag: &mut Diag) -> Option<(TokenStream, TokenStream)> {
    let Some(path) = options.fallback.value() else {
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
