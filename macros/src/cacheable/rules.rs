//! May use: args, diag, key, nearest, policy, signature, stored, subject, template, value.
//!
//! Options of `#[cacheable]` that do not go together, each rule on its own.

use syn::{Expr, FnArg, GenericParam, Ident, LitStr, ext::IdentExt};

use super::{args::Args, model::Form};
use crate::{
    args::Slot,
    diag::Diag,
    nearest,
    policy::Loading,
    signature::{Answer, Kind, Param, has_impl, own_self, refuse},
    stored::Stored,
    subject::Subject,
    template::{Piece, Template, Use},
    value,
};

/// Reads the prefix of the default key, which is literal text alone.
pub(crate) fn prefix(literal: &LitStr, diag: &mut Diag) -> Option<String> {
    let template = Template::parse(literal, Use::Key, diag)?;
    if template.pieces.iter().any(|piece| matches!(piece, Piece::Hole(_))) {
        diag.at(
            literal,
            "`prefix` is plain text: write `prefix = \"users\"`, \
            or the whole key as `key = \"users:{id}\"`",
        );
        return None;
    }
    Some(template.text)
}

/// `cache_err` and `err_ttl` come together.
pub(crate) fn pairs(args: &Args, diag: &mut Diag) {
    if !args.err_ttl.is_given() {
        args.cache_err.refuse("`cache_err` needs to know for how long: add `err_ttl = \"5s\"`", diag);
    }
    if !args.cache_err.is_given() {
        args.err_ttl.refuse("`err_ttl` needs to know which errors: add `cache_err = |error| ..`", diag);
    }
}

/// `refresh` says who refreshes, so something must be refreshed.
pub(crate) fn refresh(args: &Args, loading: &Loading, diag: &mut Diag) {
    if !loading.early && !args.stale.is_given() {
        args.refresh.refuse("nothing is refreshed here: add `stale = \"1m\"`, or remove `early = off`", diag);
    }
}

/// Whether an option is this word.
fn is(slot: &Slot<Expr>, word: &str) -> bool {
    matches!(slot.value(), Some(Expr::Path(path)) if path.path.is_ident(word))
}

/// Returns whether a body may run in a task of its own.
fn is_owned(args: &Args) -> bool {
    is(&args.refresh, "background") || is(&args.load, "task")
}

/// Parameters under `#[cfg]` that a key or a tag names, or that the expansion writes out or binds anew.
pub(crate) fn conditional(args: &Args, subject: &Subject, stored: Option<&Stored>, diag: &mut Diag) {
    let inputs = &subject.function.sig.inputs;
    if args.batch.is_given() || args.handle.is_given() || is_owned(args) {
        refuse::conditional("cacheable", inputs, diag);
        return;
    }
    refuse::conditional("cacheable", inputs.iter().filter(|input| matches!(input, FnArg::Receiver(_))), diag);
    if let Some(Stored { key, tags, .. }) = stored {
        let named = |index| std::iter::once(key).chain(tags).any(|key| key.names_param(index));
        refuse::conditional_in("cacheable", &subject.params, named, diag);
    }
}

/// The requirement of the options on a return type that the compiler is asked about.
pub(crate) fn answer(args: &Args, subject: &mut Subject) {
    if args.handle.is_given() || args.batch.is_given() {
        if subject.returns.kind == Kind::Asked {
            subject.returns.kind = Kind::Sync;
            subject.returns.answer = Answer::Value;
        }
        return;
    }
    let waits = args.load_timeout.is_given() || is(&args.single_flight, "fleet") || is_owned(args);
    let shares = args.codec.is_given() || args.local_ttl.is_given();
    if waits || shares || (args.tier.is_given() && !is(&args.tier, "local")) {
        subject.returns.answer = Answer::Future;
    }
}

/// Options that need a future.
pub(crate) fn asynchronous(args: &Args, loading: &Loading, subject: &Subject, diag: &mut Diag) {
    if let Some(options) = loading.owned_for() {
        nameable(options, subject, diag);
        no_capture(options.0, subject, diag);
    }
    if !subject.returns.blocks() {
        return;
    }
    args.load_timeout.refuse(
        "`load_timeout` cannot interrupt a sync function: \
        make it `async`, or bound the work inside",
        diag,
    );
    if loading.fleet.is_some() {
        args.single_flight.refuse(
            "`single_flight = fleet` needs an `async fn`, because the shared tier has to be awaited: \
            make it one, or write `single_flight = process`",
            diag,
        );
    }
    if loading.background {
        args.refresh
            .refuse("`refresh = background` needs an `async fn`: make it one, or write `refresh = caller`", diag);
    }
    if loading.task {
        args.load.refuse("`load = task` needs an `async fn`: make it one, or write `load = caller`", diag);
    }
}

/// Parameters that the expansion binds anew lose their `mut`.
fn immutable(param: &Param, option: &str, diag: &mut Diag) {
    if let Some(token) = &param.mutability {
        let name = param.name();
        diag.at(
            token,
            format_args!(
                "`{option}` binds `{name}` anew: take it without `mut`, \
            and write `let mut {name} = {name};` in the body"
            ),
        );
    }
}

/// A body in a task owns what it borrows, for which the types behind the references must have names.
fn nameable((option, instead): (&str, &str), subject: &Subject, diag: &mut Diag) {
    for lent in subject.function.sig.inputs.iter().filter_map(refuse::borrowed_mutably) {
        diag.at(
            &lent.ty,
            format_args!(
                "`{option}` must own what the body uses, and this is lent: \
            write `{instead}`, or take something that can be cloned, as a pool"
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

/// The task has a clone of what is behind `&self`, under a name that no string of the user's can hold.
fn no_capture(option: &str, subject: &Subject, diag: &mut Diag) {
    if subject.params.receiver.as_ref().is_some_and(|receiver| receiver.by_reference) {
        for literal in own_self::captures(&subject.function.body) {
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

/// Whether there is a batch or a handle.
pub(crate) fn form(args: &Args, subject: &Subject, diag: &mut Diag) -> Option<Form> {
    if let Some(names) = args.batch.value() {
        args.handle.refuse("`handle` is not available with `batch`: put it on the function of one element", diag);
        no_batch(args, diag);
        if let Some(list) = subject.returns.list() {
            diag.at(
                list,
                "a list does not say which value is of which id: return a `HashMap<Id, T>` or a `BTreeMap<Id, T>`",
            );
        }
        return batch(&names.0, subject, diag).map(Form::Batch);
    }
    if let Some(expr) = args.handle.value() {
        let name = value::ident("handle", "USERS", expr, diag)?;
        return handle(name, subject, diag);
    }
    Some(Form::Plain)
}

fn no_batch(args: &Args, diag: &mut Diag) {
    let Args { refresh, stale, stale_if_error, load, load_timeout, early, condition, .. } = args;
    let options = [refresh, stale, stale_if_error, load, load_timeout, early, condition];
    for name in options.into_iter().filter_map(|slot| slot.name()) {
        diag.at(name, format_args!("`{name}` is not available with `batch`: remove it"));
    }
}

fn batch(names: &[Ident], subject: &Subject, diag: &mut Diag) -> Option<usize> {
    let [name] = names else {
        diag.at(&names[1], "`batch` takes one parameter: write `batch(ids)`");
        return None;
    };
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
pub(crate) fn batch_key(form: &Form, subject: &Subject, stored: &Stored, diag: &mut Diag) {
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
pub(crate) fn handle_tags(form: &Form, subject: &Subject, stored: &Stored, diag: &mut Diag) {
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
