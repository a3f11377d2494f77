//! `#[rate_limit]`: bound the number of calls that run a body in a period.
//!
//! May use: diag, emit, options, signature, subject, resilience/body.

use proc_macro2::{Literal, Span, TokenStream};

use super::{body, must_be_fallible, name};
use crate::{
    diag::Diag,
    emit::{self, code},
    options::{Builder, Options, Value},
    signature::Kind,
    subject::Subject,
};

/// The default of `keys`.
const KEYS: usize = 10_000;

/// Expands `#[rate_limit(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    super::attribute("rate_limit", args, item, |options, subject, diag| {
        must_be_fallible("rate_limit", subject, diag);
        let name = name(options, subject);
        let settings = settings(options, subject, diag)?;
        let door = &subject.door;
        let (refused, refuse) = (
            code!(::core::result::Result::Err(__rejected)),
            emit::finished(subject, &code!(::core::result::Result::Err(#door::rejected(__rejected)))),
        );
        let refuse = code!(return #refuse;);
        let check = match options.expr("key") {
            Some(given) => {
                let key = body::key(given);
                let keys = Literal::usize_unsuffixed(options.count("keys").unwrap_or(KEYS));
                code! {
                    static __POLICY: #door::resilience::rate_limit::KeyedRateLimit =
                        #door::resilience::rate_limit::KeyedRateLimit::new(#name, #settings).with_max_keys(#keys);
                    if let #refused = __POLICY.check(#key) { #refuse }
                }
            }
            None => {
                options.refuse(
                    "keys",
                    "`keys` bounds the number of limits, which is one without `key`: write `key = ..` too",
                    diag,
                );
                code! {
                    static __POLICY: #door::resilience::rate_limit::RateLimit =
                        #door::resilience::rate_limit::RateLimit::new(#name, #settings);
                    if let #refused = __POLICY.check() { #refuse }
                }
            }
        };
        let (typed, body) = (emit::return_type(&subject.returns), emit::in_place(subject));
        // The compiler knows the return type of a function, but not that of an `async` block in it.
        let typed = typed.filter(|_| !matches!(subject.returns.kind, Kind::Sync | Kind::Async | Kind::Asked));
        Some(code!(#typed #check #body))
    })
}

fn settings(options: &Options, subject: &Subject, diag: &mut Diag) -> Option<TokenStream> {
    if !options.is_given("calls") || !options.is_given("per") {
        let why = "`calls` and `per`, the number of calls in a period, are needed: write `#[rate_limit(calls = 100, per = \"1s\")]`";
        diag.error(Span::call_site(), why);
    }
    let (Some(Value::Count32(calls)), Some(per)) = (options.value("calls"), options.time("per")) else { return None };
    let door = &subject.door;
    let (calls, burst) = (emit::at_least_one(*calls, door), emit::calls(Builder::Settings, options, door));
    Some(code!(#door::resilience::rate_limit::Settings::new(#calls, #per) #burst))
}
