//! The attributes of resilience: each declares a static policy of the runtime and runs the body through it.
//!
//! Flow of each: tokens -> options (as written) -> a checked policy -> the expansion, which cannot fail.
//!
//! Invariant: attributes that may run the body more than once ([`retry`], [`hedge`]) give each run clones of the arguments that the
//! function owns, and refuse arguments that cannot be given twice.
//!
//! May use: diag, duration, emit, options, nesting, once, signature, stacking, subject, value.

mod body;
mod statics;
#[cfg(test)]
mod tests;

pub(crate) mod bulkhead;
pub(crate) mod circuit_breaker;
pub(crate) mod fallback;
pub(crate) mod hedge;
pub(crate) mod rate_limit;
pub(crate) mod retry;
pub(crate) mod timeout;

use proc_macro2::TokenStream;

use crate::{
    diag::{self, Diag},
    duration::Time,
    emit::{self, code},
    nesting, once,
    options::Options,
    signature::{Answer, Function, refuse},
    stacking,
    subject::Subject,
};

/// A checked use: the function, and the statements that replace its body.
struct CheckedUse {
    subject: Subject,
    statements: TokenStream,
}

/// Expands the attribute of this name. `check` returns the statements that replace the function's body.
fn attribute(
    name: &'static str,
    args: TokenStream,
    item: &TokenStream,
    check: impl FnOnce(&Options, &mut Subject, &mut Diag) -> Option<TokenStream>,
) -> TokenStream {
    nesting::nest(name, args, item, |args, item| {
        diag::run(
            item,
            |diag| {
                let options = Options::parse(name, args, diag);
                let function = Function::parse(name, item.clone(), diag)?;
                stacking::check(name, &function.attrs, diag);
                let mut subject = Subject::new(function, &options);
                refuse::unusual(name, &subject.function.sig, diag);
                refuse::opaque(&subject.returns, diag);
                once::check(&options, &subject, diag);
                subject.returns = subject.returns.inferred();
                let statements = check(&options, &mut subject, diag)?;
                Some(CheckedUse { subject, statements })
            },
            |CheckedUse { subject, statements }| emit::whole(subject, statements),
        )
    })
}

/// The name of a policy in metrics and errors: the option `name`, or the function's path.
fn name(options: &Options, subject: &Subject) -> TokenStream {
    match options.text("name") {
        Some(name) => code!(#name),
        None => {
            let function = subject.function.name();
            code!(::core::concat!(::core::module_path!(), "::", #function))
        }
    }
}

/// Reports two durations if the first is longer than the second.
fn ordered(options: &Options, small: &str, large: &str, diag: &mut Diag) {
    if let (Some(Time::Fixed(first)), Some(Time::Fixed(last))) = (options.time(small), options.time(large))
        && first > last
        && let Some(at) = options.written(large)
    {
        diag.at(at, format_args!("`{large}` is shorter than `{small}`: raise `{large}` or lower `{small}`"));
    }
}

/// Reports a function that cannot fail.
fn must_be_fallible(attribute: &str, subject: &mut Subject, diag: &mut Diag) {
    subject.returns.fallible = true;
    if subject.returns.cannot_fail() {
        let why = format_args!("`#[{attribute}]` needs a function that can fail: return a `Result`");
        diag.at(&subject.function.sig.ident, why);
    }
}

/// Reports a function that blocks. `why` completes "needs an `async fn`, because".
fn must_be_async(attribute: &str, why: &str, subject: &mut Subject, diag: &mut Diag) {
    subject.returns.answer = Answer::Future;
    if subject.returns.blocks() {
        let message = format_args!("`#[{attribute}]` needs an `async fn`, because {why}: make it `async`");
        diag.at(&subject.function.sig.fn_token, message);
    }
}
