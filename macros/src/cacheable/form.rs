//! The three forms of a cached function: plain, a batch, or one with a typed handle.
//!
//! May use: diag, nearest, options, signature, stored, subject, cacheable/owned.

use syn::{FnArg, GenericParam, Ident, ext::IdentExt};

use super::owned::immutable;
use crate::{
    diag::Diag,
    nearest,
    options::{Options, Value},
    stored::Stored,
    subject::Subject,
};

/// The form of a cached function.
pub(super) enum Form {
    Plain,
    /// The parameter of this index is a list; each element has an entry of its own.
    Batch(usize),
    /// A typed handle of this name stands beside the function.
    Handle(Ident),
}

/// Finds the form that the options ask for.
pub(super) fn check(options: &Options, subject: &Subject, diag: &mut Diag) -> Option<Form> {
    if options.is_given("batch") {
        options.refuse("handle", "`handle` is not available with `batch`: put it on the function of one element", diag);
        no_batch(options, diag);
        if let Some(list) = subject.returns.list() {
            diag.at(
                list,
                "a list does not say which value is of which id: return a `HashMap<Id, T>` or a `BTreeMap<Id, T>`",
            );
        }
        return batch(options.params("batch"), subject, diag).map(Form::Batch);
    }
    match options.value("handle") {
        Some(Value::Ident(name)) => handle(name, subject, diag),
        _ => Some(Form::Plain),
    }
}

/// Options that a batch has no use for.
const NOT_OF_A_BATCH: &[&str] = &["refresh", "stale", "stale_if_error", "load", "load_timeout", "early", "condition"];

fn no_batch(options: &Options, diag: &mut Diag) {
    for name in NOT_OF_A_BATCH.iter().filter_map(|name| options.name(name)) {
        diag.at(name, format_args!("`{name}` is not available with `batch`: remove it"));
    }
}

fn batch(names: &[Ident], subject: &Subject, diag: &mut Diag) -> Option<usize> {
    let name = names.first()?;
    if let Some(second) = names.get(1) {
        diag.at(second, "`batch` takes one parameter: write `batch(ids)`");
        return None;
    }
    let text = name.unraw().to_string();
    let found = subject.params.find(&text);
    match found.map(|index| &subject.params.names[index]) {
        None => {
            let known = subject.params.known();
            let near = nearest::hint(&text, known.iter().map(String::as_str));
            diag.at(name, format_args!("there is no parameter `{text}`: write the list of ids, as `batch(ids)`{near}"));
        }
        Some(param) if param.ty.is_none() => {
            diag.at(&param.ident, format_args!("`batch` needs a plain parameter: write `{text}: &[Id]`"));
        }
        Some(param) => {
            immutable(param, "batch", diag);
            return found;
        }
    }
    None
}

/// Each element has a key of its own only if it is in the key.
pub(super) fn batch_key(form: &Form, subject: &Subject, stored: &Stored, diag: &mut Diag) {
    if let Form::Batch(index) = form
        && !stored.key.names_param(*index)
    {
        let param = &subject.params.names[*index];
        let name = param.name();
        diag.at(
            &param.ident,
            format_args!(
                "`{name}` is the batch and must be in the key: \
            add `{{{name}}}`, one element of it, to `key`"
            ),
        );
    }
}

fn handle(name: &Ident, subject: &Subject, diag: &mut Diag) -> Option<Form> {
    let before = diag.count();
    let sig = &subject.function.sig;
    if let Some(receiver) = &subject.params.receiver {
        diag.at(
            &receiver.token,
            "`handle` needs a free function, as it has no `self` to ask: \
            move the body to one, or remove `handle`",
        );
    }
    for param in &sig.generics.params {
        if !matches!(param, GenericParam::Lifetime(_)) {
            diag.at(
                param,
                "`handle` needs a function without type parameters: \
                write the concrete types, or remove `handle`",
            );
        }
    }
    for input in &sig.inputs {
        if let FnArg::Typed(typed) = input
            && !matches!(*typed.pat, syn::Pat::Ident(_) | syn::Pat::Wild(_))
        {
            diag.at(
                &typed.pat,
                "`handle` needs plain parameters: write `name: \
                Type`, and take the pattern apart in the body",
            );
        }
    }
    (diag.count() == before).then(|| Form::Handle(name.clone()))
}

/// A handle stores values without the arguments that the key skips, so its tags cannot name them.
pub(super) fn handle_tags(form: &Form, subject: &Subject, stored: &Stored, diag: &mut Diag) {
    if !matches!(form, Form::Handle(_)) {
        return;
    }
    for (index, param) in subject.params.names.iter().enumerate() {
        if stored.skips.has(index) && stored.tags.iter().any(|tag| tag.names_param(index)) {
            let name = param.name();
            diag.at(
                &param.ident,
                format_args!(
                    "a tag names `{name}`, which the handle does not \
                take as it is skipped: remove one of the two"
                ),
            );
        }
    }
}
