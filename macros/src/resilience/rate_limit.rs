//! `#[rate_limit]`: bound the number of calls that run a body in a period.
//!
//! May use: diag, duration, emit, options, signature, subject, resilience/{body, statics}.

use proc_macro2::{Ident, Literal, Span, TokenStream};

use super::{
    body, must_be_fallible, name,
    statics::{Make, PolicyStatic},
};
use crate::{
    diag::Diag,
    duration::Time,
    emit::{self, code},
    options::{Builder, Options},
    signature::Kind,
    subject::{Door, Subject},
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
        let (ty, key, then) = match options.expr("key") {
            Some(given) => {
                let keys = emit::argument("keys", options, door).unwrap_or_else(|| {
                    let keys = Literal::usize_unsuffixed(KEYS);
                    code!(#keys)
                });
                ("KeyedRateLimit", body::key(given), Some(code!(.with_max_keys(#keys))))
            }
            None => {
                options.refuse(
                    "keys",
                    "`keys` bounds the number of limits, which is one without `key`: write `key = ..` too",
                    diag,
                );
                ("RateLimit", TokenStream::new(), None)
            }
        };
        let ty = Ident::new(ty, Span::mixed_site());
        let make = Make { ty: &code!(#door::resilience::rate_limit::#ty), name: &name, then, kind: "RateLimit", door };
        let policy = declared(&make, &settings, options, door);
        let (statements, place) = (&policy.statements, policy.place());
        let refuse = emit::finished(subject, &code!(::core::result::Result::Err(#door::rejected(__rejected))));
        let check = code! {
            #statements
            if let ::core::result::Result::Err(__rejected) = #place.check(#key) {
                return #refuse;
            }
        };
        let (typed, body) = (emit::return_type(&subject.returns), emit::in_place(subject));
        // The compiler knows the return type of a function, but not that of an `async` block in it.
        let typed = typed.filter(|_| !matches!(subject.returns.kind, Kind::Sync | Kind::Async | Kind::Asked));
        Some(code!(#typed #check #body))
    })
}

fn declared(make: &Make<'_>, settings: &TokenStream, options: &Options, door: &Door) -> PolicyStatic {
    let is_evaluated = options.is_evaluated("keys");
    if !options.varies() {
        return make.once(settings, is_evaluated);
    }
    let first = code! {
        #door::resilience::rate_limit::Settings::new(#door::at_least_one(1_u32), ::core::time::Duration::from_secs(1_u64))
    };
    make.each_call(settings, &first, is_evaluated)
}

fn settings(options: &Options, subject: &Subject, diag: &mut Diag) -> Option<TokenStream> {
    if !options.is_given("calls") || !options.is_given("per") {
        let why = "`calls` and `per`, the number of calls in a period, are needed: write `#[rate_limit(calls = 100, per = \"1s\")]`";
        diag.error(Span::call_site(), why);
    }
    let door = &subject.door;
    let (calls, per) = (emit::argument("calls", options, door)?, options.time("per")?);
    let burst = emit::calls(Builder::Settings, options, door);
    Some(match per {
        Time::Expr(_) => code!(#door::rate(#calls, #per) #burst),
        _ => code!(#door::resilience::rate_limit::Settings::new(#calls, #per) #burst),
    })
}
