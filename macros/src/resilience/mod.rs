//! May use: args, diag, duration, emit, nearest, order, signature, stack, subject, value.
//!
//! The attributes around a body that may fail: each declares a static policy of the runtime and runs the body through it.
//!
//! Flow, in each: tokens -> options (as written) -> a checked policy -> the expansion, which cannot fail.
//!
//! Those that may run the body more than once ([`retry`], [`hedge`]) give each run clones of the arguments that the function
//! owns; what cannot be given twice is refused.

mod body;
mod read;
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
use syn::Expr;

use crate::{
    args::Slot,
    diag::{self, Diag},
    emit::{self, code},
    order,
    signature::{Answer, Function, refuse},
    stack,
    subject::Subject,
    value,
};

/// A checked use: the function, and the statements that replace its body.
struct Use {
    subject: Subject,
    statements: TokenStream,
}

/// Expands an attribute whose `check` says what a function's body becomes.
///
/// `read` takes the options apart: where the runtime is, and all others.
fn attribute<O>(
    name: &'static str,
    below: &[stack::Row],
    args: TokenStream,
    item: &TokenStream,
    read: impl FnOnce(TokenStream, &mut Diag) -> (Slot<Expr>, O),
    check: impl FnOnce(O, &mut Subject, &mut Diag) -> Option<TokenStream>,
) -> TokenStream {
    order::nest(name, below, args, item, |args, item| {
        diag::run(
            item,
            |diag| {
                let (krate, options) = read(args, diag);
                let function = Function::parse(name, item.clone(), diag)?;
                stack::check(&function.attrs, below, diag);
                let mut subject = Subject::new(function, &krate, &Slot::default(), diag);
                refuse::unusual(name, &subject.function.sig, diag);
                refuse::opaque(&subject.returns, diag);
                subject.returns = subject.returns.inferred();
                let statements = check(options, &mut subject, diag)?;
                Some(Use { subject, statements })
            },
            |Use { subject, statements }| emit::whole(subject, statements),
        )
    })
}

/// The name by which metrics and errors know a policy: as given, or the function's path.
fn name(given: &Slot<Expr>, subject: &Subject, diag: &mut Diag) -> TokenStream {
    match given.value().and_then(|name| value::name("supplier", name, diag)) {
        Some(name) => code!(#name),
        None => {
            let function = subject.function.name();
            code!(::core::concat!(::core::module_path!(), "::", #function))
        }
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

/// Reports a function that blocks.
fn must_be_async(attribute: &str, why: &str, subject: &mut Subject, diag: &mut Diag) {
    subject.returns.answer = Answer::Future;
    if subject.returns.blocks() {
        let message = format_args!("`#[{attribute}]` needs an `async fn`: {why}");
        diag.at(&subject.function.sig.fn_token, message);
    }
}
