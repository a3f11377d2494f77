//! The body in the form in which a policy calls it: once or several times, together with the arguments of each call.
//!
//! May use: diag, duration, emit, options, signature, stacking, subject, value, resilience/statics.

use std::fmt;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::{Expr, ExprLit, FnArg, Lit, Pat};

use super::statics;
use crate::{
    diag::Diag,
    duration::Time,
    emit::{self, code},
    options::Options,
    signature::{Answer, Kind, Param, refuse, self_tokens},
    stacking,
    subject::{Door, Subject},
    value::peel,
};

/// Returns whether only the compiler knows if the return type is a future.
pub(super) fn is_asked(subject: &Subject) -> bool {
    subject.returns.kind == Kind::Asked
}

/// The body for one run: a future, or a closure if the function blocks or makes its future itself.
pub(super) fn once(subject: &Subject) -> TokenStream {
    emit::body(subject, &TokenStream::new(), &subject.function.body)
}

/// The arguments of one of several runs: clones of owned ones and of the value that `#[cacheable]` gives the body, and new borrows of `&mut`
/// ones.
fn run_arguments(subject: &Subject) -> TokenStream {
    let lent = |param: &&Param| !param.is_reference() || param.is_lent_mutably();
    let arguments = subject.params.names.iter().filter(lent).map(|param| {
        let Param { ident, mutability, cfgs, .. } = param;
        let span = Span::mixed_site().located_at(ident.span());
        if param.is_lent_mutably() {
            // Clippy warns about uses of names that begin with an underscore.
            return quote_spanned!(span=>
                #(#cfgs)*
                #[allow(unused_variables, clippy::used_underscore_binding, clippy::no_effect_underscore_binding)]
                let #mutability #ident = &mut *#ident;
            );
        }
        quote_spanned!(span=> #(#cfgs)* #[allow(unused_variables)] let #mutability #ident = ::core::clone::Clone::clone(&#ident);)
    });
    let previous = stacking::previous_above(&subject.function.attrs).map(|ident| {
        let span = Span::mixed_site().located_at(ident.span());
        quote_spanned!(span=> #[allow(unused_variables)] let #ident = ::core::clone::Clone::clone(&#ident);)
    });
    arguments.chain(previous).collect()
}

/// Returns whether the body may change borrowed values; its future must then end before the next run begins.
pub(super) fn changes(subject: &Subject) -> bool {
    let receiver = subject.params.receiver.as_ref().is_some_and(|receiver| receiver.mutable);
    receiver || subject.params.names.iter().any(Param::is_lent_mutably)
}

/// Runs one after the other of a body that may change borrowed values, until one ends the call. The method `end` decides that with
/// the predicate `question`.
pub(super) fn in_turn(subject: &Subject, policy: &TokenStream, end: &str, question: &TokenStream) -> TokenStream {
    let (door, returns) = (&subject.door, &subject.returns);
    // Each attempt borrows `self` under another name, so that it may move the borrow into a future.
    let this = subject.params.receiver.as_ref().filter(|receiver| receiver.mutable).map(|receiver| receiver.token);
    let lent = this.map(|this| code!(let __self = &mut *#this;));
    let body = match this {
        Some(_) => self_tokens::rename(&subject.function.body, |span| {
            Ident::new("__self", span.resolved_at(Span::mixed_site()))
        }),
        None => subject.function.body.clone(),
    };
    let body = emit::inner(&body);
    let (run, end) = (method(subject, "run"), method(subject, end));
    let (body, wait) = if returns.blocks() {
        (code!(|| -> #returns { #body }), None)
    } else {
        let typed = emit::return_type(returns);
        let value = if returns.kind == Kind::Async { code!(#body) } else { code!((#body).await) };
        (code!(async { #typed #value }), Some(code!(.await)))
    };
    let arguments = run_arguments(subject);
    code! {
        let mut __attempts = #door::attempts(#policy);
        loop {
            #lent
            #arguments
            let __ended = __attempts.#run(#body)#wait;
            if let ::core::option::Option::Some(__ended) = __attempts.#end(__ended, #question)#wait {
                break __ended;
            }
        }
    }
}

/// The body as a closure that can be called again.
pub(super) fn again(subject: &Subject) -> TokenStream {
    let arguments = run_arguments(subject);
    if subject.returns.blocks() {
        let (returns, body) = (&subject.returns, emit::inner(&subject.function.body));
        return code!(|| -> #returns { #arguments #body });
    }
    if is_asked(subject) {
        let body = once(subject);
        // The future that repeats the body outlives the function, so it owns the arguments. `__kind.body` gives one error for a body
        // that is no future; without it the policy's bounds would give another one.
        let run = if subject.returns.answer == Answer::Future { code!(__kind.body(#body)) } else { code!((#body)()) };
        return code!(move || { #arguments #run });
    }
    let future = once(subject);
    code!(|| { #arguments #future })
}

/// The end of a call: `.await` where the function is async.
pub(super) fn end(subject: &Subject) -> Option<TokenStream> {
    (!subject.returns.blocks()).then(|| code!(.await))
}

/// `call`, or `call_sync` where the function blocks.
pub(super) fn method(subject: &Subject, name: &str) -> Ident {
    match subject.returns.kind {
        Kind::Sync => format_ident!("{name}_sync"),
        _ => format_ident!("{name}"),
    }
}

/// The predicate of `failure_if` over the whole result, or `None` if it is not given or could not be read.
pub(super) fn failure_if(options: &Options, subject: &Subject) -> Option<TokenStream> {
    let question = options.expr("failure_if")?;
    let (door, returns) = (&subject.door, &subject.returns);
    Some(if is_asked(subject) {
        code!(__kind.of_result(#question))
    } else {
        code!(#door::of_result::<#returns, _, _>(#question))
    })
}

/// The `&str` of a key, which is written as text with names of parameters in braces, or as any expression.
pub(super) fn key(expr: &Expr) -> TokenStream {
    match peel(expr) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => code!(&::std::format!(#text)),
        _ => code!(::core::convert::AsRef::<str>::as_ref(&(#expr))),
    }
}

/// The static of a timeout, with the statement that evaluates its duration if that is an expression, and the call that runs a future with
/// it: `__POLICY.run(`, up to the future.
pub(super) fn bound(policy: &str, name: &TokenStream, after: &Time, door: &Door) -> (TokenStream, TimeoutCall) {
    let policy = Ident::new(policy, Span::mixed_site());
    let timeout = code!(#door::resilience::timeout::Timeout);
    let registered = statics::registered("Timeout", name, door);
    let Time::Expr(expr) = after else {
        return (
            code!(static #policy: #timeout = #timeout::new(#name, #after); #registered),
            TimeoutCall { call: code!(#policy.run), after: None },
        );
    };
    let first = code! {
        static #policy: #timeout = #timeout::new(#name, ::core::time::Duration::MAX);
        #registered
        let __after: ::core::time::Duration = #expr;
    };
    (first, TimeoutCall { call: code!(#policy.run_within), after: Some(code!(__after,)) })
}

/// The call of a timeout, but for the future.
pub(super) struct TimeoutCall {
    call: TokenStream,
    after: Option<TokenStream>,
}

/// The body with a timeout around it, in the form of [`once`], for a function that is awaited.
pub(super) fn bounded(run: &TimeoutCall, subject: &Subject) -> TokenStream {
    let body = once(subject);
    if is_asked(subject) {
        let call = in_time(run, &code!(__body), subject);
        return code!(move || { let __body = __kind.body(#body); async move { #call } });
    }
    let call = in_time(run, &body, subject);
    code!(async move { #call })
}

/// The expression that awaits a future with a timeout.
pub(super) fn in_time(TimeoutCall { call, after }: &TimeoutCall, body: &TokenStream, subject: &Subject) -> TokenStream {
    let door = &subject.door;
    code! {
        match #call(#after #body).await {
            ::core::result::Result::Ok(__output) => __output,
            ::core::result::Result::Err(__timed_out) => ::core::result::Result::Err(#door::timed_out(__timed_out)),
        }
    }
}

/// The order of the runs of one body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Runs {
    /// Runs follow one another.
    InTurn,
    /// Runs overlap.
    Together,
}

/// Reports arguments that a second run cannot get, and removes `mut` from the parameters, because each run binds them again.
pub(super) fn must_run_again(attribute: &str, runs: Runs, subject: &mut Subject, diag: &mut Diag) {
    // A returned future outlives the call, and so does its borrow of `self`.
    let lends = runs == Runs::InTurn && !is_asked(subject);
    if let Some(receiver) = &subject.params.receiver
        && (receiver.mutable && !lends || !receiver.by_reference)
    {
        let spell = if receiver.by_reference && runs == Runs::InTurn {
            ", or write the return type as `Result<..>`"
        } else {
            ""
        };
        diag.at(
            &receiver.token,
            format_args!("`#[{attribute}]` may run the body again and needs `self` for each run: take `&self`{spell}"),
        );
    }
    if subject.params.receiver.as_ref().is_some_and(|receiver| receiver.mutable) {
        for literal in self_tokens::captures(&subject.function.body) {
            let message = format_args!(
                "`#[{attribute}]` cannot lend the `self` inside this string: \
                write `let this = &*self;` before, and `{{this}}` here"
            );
            diag.at(&literal, message);
        }
    }
    if runs == Runs::Together {
        let why = format_args!(
            "`#[{attribute}]` runs the body twice at the same time, and both runs would change this: \
            take it by value or by `&`, or write `#[retry]`, which runs one after the other"
        );
        refuse_lent(why, subject, diag);
    }
    refuse_unnamed("may run the body again", attribute, subject, diag);
    for input in &mut subject.function.sig.inputs {
        if let FnArg::Typed(typed) = input
            && let Pat::Ident(name) = &mut *typed.pat
        {
            name.mutability = None;
        }
    }
}

/// Reports `&mut` arguments, which cannot be given to two calls.
fn refuse_lent(why: fmt::Arguments<'_>, subject: &Subject, diag: &mut Diag) {
    for typed in subject.function.sig.inputs.iter().filter_map(refuse::borrowed_mutably) {
        diag.at(&typed.ty, why);
    }
}

/// Reports arguments that are patterns instead of names.
fn refuse_unnamed(why: &str, attribute: &str, subject: &Subject, diag: &mut Diag) {
    for input in &subject.function.sig.inputs {
        if let FnArg::Typed(typed) = input
            && !matches!(&*typed.pat, Pat::Ident(_) | Pat::Wild(_))
        {
            let message =
                format_args!("`#[{attribute}]` {why}: give the parameter a name, and destructure it in the body");
            diag.at(&typed.pat, message);
        }
    }
}

/// A call of another function with the same arguments and `last`.
pub(super) struct Other {
    /// The statements that copy the arguments before the body takes them.
    pub(super) before: TokenStream,
    /// The call.
    pub(super) call: TokenStream,
}

impl Other {
    /// `path` takes `self` too if it begins with `Self::` and there is one.
    pub(super) fn new(attribute: &str, path: &Expr, last: &Ident, subject: &Subject, diag: &mut Diag) -> Option<Self> {
        let Expr::Path(found) = peel(path) else {
            let (one, method) = match attribute {
                "fallback" => ("#[fallback(other)]", "#[fallback(Self::other)]"),
                _ => ("fallback = other", "fallback = Self::other"),
            };
            diag.at(path, format_args!("a fallback is the path of a function: write `{one}` or `{method}`"));
            return None;
        };
        let of_self = found.path.segments.len() > 1 && found.path.segments[0].ident == "Self";
        let receiver = subject.params.receiver.as_ref().filter(|_| of_self);
        if let Some(receiver) = receiver.filter(|receiver| receiver.mutable || !receiver.by_reference) {
            let message = format_args!("`#[{attribute}]` gives `self` to the fallback too: take `&self`");
            diag.at(&receiver.token, message);
        }
        let why = "gives the arguments to the fallback too";
        refuse_lent(
            format_args!("`#[{attribute}]` {why}, and cannot give a `&mut` argument twice: take it by value or by `&`"),
            subject,
            diag,
        );
        refuse_unnamed(why, attribute, subject, diag);
        for input in &subject.function.sig.inputs {
            if let FnArg::Typed(typed) = input
                && matches!(&*typed.pat, Pat::Wild(_))
            {
                let message = format_args!(
                    "`#[{attribute}]` gives the arguments to the fallback too: give this one a name, such as `_region`"
                );
                diag.at(&typed.pat, message);
            }
        }
        let receiver = receiver.map(|receiver| receiver.token);
        let (mut before, mut arguments) = (TokenStream::new(), Vec::new());
        for (index, param) in subject.params.names.iter().enumerate() {
            let Param { ident: name, cfgs, .. } = param;
            if param.is_reference() {
                arguments.push(code!(#(#cfgs)* #name));
                continue;
            }
            let copy = Ident::new(&format!("__copy_{index}"), Span::mixed_site());
            let span = Span::mixed_site().located_at(name.span());
            before.extend(quote_spanned!(span=> #(#cfgs)* let #copy = ::core::clone::Clone::clone(&#name);));
            arguments.push(code!(#(#cfgs)* #copy));
        }
        let all = receiver.map(|token| code!(#token)).into_iter().chain(arguments).chain([code!(#last)]);
        Some(Self { before, call: code!(#path(#(#all),*)) })
    }
}
