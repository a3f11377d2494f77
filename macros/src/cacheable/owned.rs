//! Checks a function whose body may run in a task of its own, which has to own everything that it uses.
//!
//! May use: diag, options, signature, subject.

use crate::{
    diag::Diag,
    options::Options,
    signature::{Param, has_impl, refuse, self_tokens},
    subject::Subject,
};

/// The option with which the body may run in a task, as it is written, and the one with which it does not.
pub(super) fn owned_for(options: &Options) -> Option<(&'static str, &'static str)> {
    if options.is("refresh", "background") {
        return Some(("refresh = background", "refresh = caller"));
    }
    options.is("load", "task").then_some(("load = task", "load = caller"))
}

/// Reports parameters and strings that such a body cannot own.
pub(super) fn check(options: &Options, subject: &Subject, diag: &mut Diag) {
    if let Some(option) = owned_for(options) {
        nameable(option, subject, diag);
        no_capture(option.0, subject, diag);
    }
}

/// Reports a `mut` on a parameter that the expansion binds again, where the `mut` would be lost.
pub(super) fn immutable(param: &Param, option: &str, diag: &mut Diag) {
    if let Some(token) = &param.mutability {
        let name = param.name();
        diag.at(
            token,
            format_args!(
                "`{option}` binds `{name}` again, without `mut`: remove the `mut` here, \
            and write `let mut {name} = {name};` in the body"
            ),
        );
    }
}

/// Reports references that cannot become owned values: `&mut` ones, and those to a type without a name.
fn nameable((option, instead): (&str, &str), subject: &Subject, diag: &mut Diag) {
    for lent in subject.function.sig.inputs.iter().filter_map(refuse::borrowed_mutably) {
        diag.at(
            &lent.ty,
            format_args!(
                "`{option}` must own what the body uses, and this is a `&mut` reference: \
            write `{instead}`, or take something that can be cloned, such as a pool"
            ),
        );
    }
    for param in &subject.params.names {
        if let Some(referent) = param.referent() {
            immutable(param, option, diag);
            if has_impl(referent) {
                let name = param.name();
                diag.at(
                    &param.ident,
                    format_args!(
                        "`{option}` must own `{name}`: \
                    give its type a name instead of `&impl ..`"
                    ),
                );
            }
        }
    }
}

/// Reports strings that format `{self}`: the task has a clone of `self` under another name, which such a string cannot mention.
fn no_capture(option: &str, subject: &Subject, diag: &mut Diag) {
    if subject.params.receiver.as_ref().is_some_and(|receiver| receiver.by_reference) {
        for literal in self_tokens::captures(&subject.function.body) {
            diag.at(
                &literal,
                format_args!(
                    "`{option}` cannot own the `self` inside this string: \
                write `let this = self;` before, and `{{this}}` here"
                ),
            );
        }
    }
}
