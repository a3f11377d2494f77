//! May use: args, diag, emit, stack.
//!
//! `#[retry]`: run a body again that failed.

use proc_macro2::{Ident, Span, TokenStream};
use syn::Expr;

use super::{
    body::{self, Runs},
    must_be_fallible, name, read,
};
use crate::{
    args::{OptionSet as _, Slot, options},
    diag::Diag,
    emit::code,
    stack,
    subject::Subject,
    value,
};

options! {
    /// The options that were given to `#[retry(..)]`.
    struct Options for "retry" {
        "attempts" => attempts: Expr,
        "wait" => wait: Expr,
        "max_wait" => max_wait: Expr,
        "when" => when: Expr,
        "failure_if" => failure_if: Expr,
        "budget" => budget: Expr,
        "name" => name: Expr,
        "crate" => krate: Expr,
    }
}

/// The methods of the runtime that ask one kind of question.
struct Names {
    call: &'static str,
    end: &'static str,
    retry: &'static str,
}

/// Questions to an error.
const FALLIBLE: Names = Names { call: "call", end: "end", retry: "retry" };
/// Questions to a whole result.
const JUDGED: Names = Names { call: "call_judged", end: "end_judged", retry: "retry_judged" };

/// Expands `#[retry(args)] item`.
pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    super::attribute(
        "retry",
        stack::BELOW_RETRY,
        args,
        item,
        |args, diag| {
            let mut options = Options::parse(args, diag);
            (std::mem::take(&mut options.krate), options)
        },
        |options, subject, diag| {
            if options.failure_if.is_given() {
                options.when.refuse("`failure_if` says after what to try again: remove `when`", diag);
            } else {
                must_be_fallible("retry", subject, diag);
            }
            body::must_run_again("retry", Runs::InTurn, subject, diag);
            let name = name(&options.name, subject, diag);
            let settings = settings(&options, subject, diag);
            let (names, question) = match body::failure_if(&options.failure_if, subject, diag) {
                Some(failed) => (JUDGED, failed),
                None => (FALLIBLE, when(&options.when, subject, diag)),
            };
            let door = &subject.door;
            let call = if !body::is_asked(subject) && body::changes(subject) {
                body::in_turn(subject, names.end, &question)
            } else if body::is_asked(subject) {
                let (body, retry) = (body::again(subject), Ident::new(names.retry, Span::call_site()));
                code!(__kind.finish(__kind.#retry(&__POLICY, #body, #question)))
            } else {
                let (body, call, end) = (body::again(subject), body::method(subject, names.call), body::end(subject));
                code!(__POLICY.#call(#body, #question)#end)
            };
            Some(code! {
                static __POLICY: #door::resilience::Retry = #door::resilience::Retry::new(#name, #settings);
                #call
            })
        },
    )
}

fn settings(options: &Options, subject: &Subject, diag: &mut Diag) -> TokenStream {
    let door = &subject.door;
    let mut settings = code!(#door::resilience::RetrySettings::new());
    if let Some((number, count)) = read::count("attempts", &options.attempts, door, diag) {
        if number == 1 {
            let why = "one attempt is no retry: write `attempts = 2` or more, or remove `#[retry]`";
            options.attempts.refuse(why, diag);
        }
        settings.extend(code!(.attempts(#count)));
    }
    let (wait, longest) = (read::time("wait", &options.wait, diag), read::time("max_wait", &options.max_wait, diag));
    if let Some(at) = options.max_wait.value() {
        read::ordered(("wait", wait.as_ref()), ("max_wait", longest.as_ref(), at), diag);
    }
    settings.extend(wait.map(|wait| code!(.first_wait(#wait))));
    settings.extend(longest.map(|wait| code!(.max_wait(#wait))));
    settings.extend(budget(&options.budget, subject, diag));
    settings
}

/// The share of the calls that may be made again.
fn budget(budget: &Slot<Expr>, subject: &Subject, diag: &mut Diag) -> Option<TokenStream> {
    if read::is_off(budget) {
        return Some(code!(.no_budget()));
    }
    read::percent("budget", budget, &subject.door, diag).map(|share| code!(.budget(#share)))
}

/// For which errors.
fn when(when: &Slot<Expr>, subject: &Subject, diag: &mut Diag) -> TokenStream {
    let (door, returns) = (&subject.door, subject.returns.of_error());
    match when.value().and_then(|when| value::function("when", "|error| error.is_timeout()", when, diag)) {
        Some(when) if body::is_asked(subject) => code!(__kind.of_error(#when)),
        Some(when) => code!(#door::of_error::<#returns, _, _>(#when)),
        None => code!(|_| true),
    }
}
