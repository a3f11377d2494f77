//! `#[retry]`: run the body again after it failed.
//!
//! May use: diag, emit, options, subject, resilience/{body, statics}.

use proc_macro2::{Ident, Span, TokenStream};

use super::{
    body::{self, Runs},
    must_be_fallible, name, ordered,
    statics::{Make, PolicyStatic},
};
use crate::{
    diag::Diag,
    emit::{self, code},
    options::{Builder, Options},
    subject::Subject,
};

/// The methods of the runtime for one kind of predicate.
struct RetryMethods {
    call: &'static str,
    end: &'static str,
    retry: &'static str,
}

/// The methods whose predicate is over the error.
const FALLIBLE: RetryMethods = RetryMethods { call: "call", end: "end", retry: "retry" };
/// The methods whose predicate is over the whole result.
const JUDGED: RetryMethods = RetryMethods { call: "call_judged", end: "end_judged", retry: "retry_judged" };

/// Expands `#[retry(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    super::attribute("retry", args, item, |options, subject, diag| {
        if options.is_given("failure_if") {
            options.refuse(
                "when",
                "`failure_if` decides about another attempt, so `when` has no effect: remove `when`",
                diag,
            );
        } else {
            must_be_fallible("retry", subject, diag);
        }
        body::must_run_again("retry", Runs::InTurn, subject, diag);
        let name = name(options, subject);
        let settings = settings(options, subject, diag);
        let (names, question) = match body::failure_if(options, subject) {
            Some(failed) => (JUDGED, failed),
            None => (FALLIBLE, when(options, subject)),
        };
        let policy = declared(&name, &settings, options, subject);
        let place = policy.place();
        let call = if !body::is_asked(subject) && body::changes(subject) {
            body::in_turn(subject, &code!(&#place), names.end, &question)
        } else if body::is_asked(subject) {
            let (body, retry) = (body::again(subject), Ident::new(names.retry, Span::call_site()));
            let policy = policy.passed();
            code!(__kind.finish(__kind.#retry(#policy, #body, #question)))
        } else {
            let (body, call, end) = (body::again(subject), body::method(subject, names.call), body::end(subject));
            code!(#place.#call(#body, #question)#end)
        };
        let statements = &policy.statements;
        Some(code!(#statements #call))
    })
}

fn declared(name: &TokenStream, settings: &TokenStream, options: &Options, subject: &Subject) -> PolicyStatic {
    let door = &subject.door;
    let make = Make { ty: &code!(#door::resilience::retry::Retry), name, then: None, kind: "Retry", door };
    if options.varies() {
        make.each_call(settings, &code!(#door::resilience::retry::Settings::new()), false)
    } else {
        make.once(settings, false)
    }
}

fn settings(options: &Options, subject: &Subject, diag: &mut Diag) -> TokenStream {
    if options.count("attempts") == Some(1) {
        let why = "with one attempt nothing is repeated: write `attempts = 2` or more, or remove `#[retry]`";
        options.refuse("attempts", why, diag);
    }
    ordered(options, "wait", "max_wait", diag);
    let (door, calls) = (&subject.door, emit::calls(Builder::Settings, options, &subject.door));
    code!(#door::resilience::retry::Settings::new() #calls)
}

/// The predicate of `when` over the error. Without it, every error leads to another attempt.
fn when(options: &Options, subject: &Subject) -> TokenStream {
    let (door, returns) = (&subject.door, subject.returns.of_error());
    match options.expr("when") {
        Some(when) if body::is_asked(subject) => code!(__kind.of_error(#when)),
        Some(when) => code!(#door::of_error::<#returns, _, _>(#when)),
        None => code!(|_| true),
    }
}
