//! May use: args, diag, emit, stack.
//!
//! `#[rate_limit]`: bound how many calls run a body in a time.

use proc_macro2::{Literal, Span, TokenStream};
use syn::Expr;

use super::{circuit_breaker::key, must_be_fallible, name, read};
use crate::{
    args::{OptionSet as _, options},
    diag::Diag,
    emit::{self, code},
    signature::Kind,
    stack,
    subject::Subject,
    value,
};

options! {
    /// The options that were given to `#[rate_limit(..)]`.
    struct Options for "rate_limit" {
        "calls" => calls: Expr,
        "per" => per: Expr,
        "burst" => burst: Expr,
        "key" => key: Expr,
        "keys" => keys: Expr,
        "name" => name: Expr,
        "crate" => krate: Expr,
    }
}

/// Keys that are remembered, if nobody says otherwise.
const KEYS: usize = 10_000;

/// Expands `#[rate_limit(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    super::attribute(
        "rate_limit",
        stack::BELOW_RATE_LIMIT,
        args,
        item,
        |args, diag| {
            let mut options = Options::parse(args, diag);
            (std::mem::take(&mut options.krate), options)
        },
        |options, subject, diag| {
            must_be_fallible("rate_limit", subject, diag);
            let name = name(&options.name, subject, diag);
            let settings = settings(&options, subject, diag)?;
            let door = &subject.door;
            let (refused, refuse) = (
                code!(::core::result::Result::Err(__rejected)),
                emit::finished(subject, &code!(::core::result::Result::Err(#door::rejected(__rejected)))),
            );
            let refuse = code!(return #refuse;);
            let check = match options.key.value() {
                Some(given) => {
                    let key = key(given);
                    let keys = options.keys.value().and_then(|keys| value::count("keys", keys, diag)).unwrap_or(KEYS);
                    let keys = Literal::usize_unsuffixed(keys);
                    code! {
                        static __POLICY: #door::resilience::KeyedRateLimit =
                            #door::resilience::KeyedRateLimit::new(#name, #settings, #keys);
                        if let #refused = __POLICY.check(#key) { #refuse }
                    }
                }
                None => {
                    options.keys.refuse("`keys` is how many keys are remembered: write `key = ..` too", diag);
                    code! {
                        static __POLICY: #door::resilience::RateLimit =
                            #door::resilience::RateLimit::new(#name, #settings);
                        if let #refused = __POLICY.check() { #refuse }
                    }
                }
            };
            let (typed, body) = (emit::return_type(&subject.returns), emit::in_place(subject));
            // A function's own return type is known; that of a block inside of one is not.
            let typed = typed.filter(|_| !matches!(subject.returns.kind, Kind::Sync | Kind::Async | Kind::Asked));
            Some(code!(#typed #check #body))
        },
    )
}

fn settings(options: &Options, subject: &Subject, diag: &mut Diag) -> Option<TokenStream> {
    let door = &subject.door;
    if !options.calls.is_given() || !options.per.is_given() {
        diag.error(Span::call_site(), "how many calls in how long? write `#[rate_limit(calls = 100, per = \"1s\")]`");
    }
    let calls = read::count("calls", &options.calls, door, diag);
    let per = read::time("per", &options.per, diag);
    let burst = read::count("burst", &options.burst, door, diag).map(|(_, burst)| code!(.burst(#burst)));
    let ((_, calls), per) = calls.zip(per)?;
    Some(code!(#door::resilience::RateLimitSettings::new(#calls, #per) #burst))
}
