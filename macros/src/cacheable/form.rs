//! The three forms of a cached function: plain, a batch, or one with a typed handle.
//!
//! May use: diag, named, nearest, options, signature, stored, subject, cacheable/owned.

use syn::{Expr, FnArg, Ident, Signature, ext::IdentExt, visit::Visit};

use super::owned::immutable;
use crate::{
    diag::Diag,
    named, nearest,
    options::{Options, Value},
    stored::Stored,
    subject::Subject,
};

/// The form of a cached function.
pub(super) enum Form {
    Plain,
    /// The parameter of this index is a list; each element has an entry of its own.
    Batch(usize),
    /// A typed handle stands beside the function.
    Handle(Handle),
}

/// The declared name of a typed handle.
pub(super) struct Handle {
    pub(super) name: Ident,
    /// True where the function belongs to an `impl`, and so does the handle.
    pub(super) is_associated: bool,
}

/// Finds the form that the options ask for.
pub(super) fn check(options: &Options, subject: &Subject, diag: &mut Diag) -> Option<Form> {
    if options.is_given("batch") {
        options.refuse("handle", "`handle` is not available with `batch`: put it on the function of one element", diag);
        options.refuse("load", "`load` is not available with `batch`: remove it", diag);
        let why =
            "`previous` is not available with `batch`, whose body loads many: put it on the function of one element";
        options.refuse("previous", why, diag);
        options.refuse("keep_expired", "`keep_expired` is not available with `batch`: remove it", diag);
        if options.is("single_flight", "fleet") {
            let why = "`single_flight = fleet` is not available with `batch`, whose calls load other ids in each process: \
                remove it, or put it on the function of one element";
            options.refuse("single_flight", why, diag);
        }
        if let Some(list) = subject.returns.list() {
            diag.at(
                list,
                "a list does not say which value belongs to which id: return a `HashMap<Id, T>` or a `BTreeMap<Id, T>`",
            );
        }
        return batch(options.params("batch"), subject, diag).map(Form::Batch);
    }
    match options.value("handle") {
        Some(Value::Ident(name)) => handle(name, options, subject, diag),
        _ => Some(Form::Plain),
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

/// Reports a batch whose list is not in the key: all its elements would share one entry.
pub(super) fn batch_key(form: &Form, subject: &Subject, stored: &Stored, diag: &mut Diag) {
    let Form::Batch(index) = form else { return };
    named::outside_batch(&subject.params, *index, diag);
    if !stored.key.names_param(*index) {
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

/// Finds the form of a typed handle. It belongs to an `impl` if the function visibly does, or if it is declared as `Self::users`.
fn handle(name: &Ident, options: &Options, subject: &Subject, diag: &mut Diag) -> Option<Form> {
    let before = diag.count();
    let sig = &subject.function.sig;
    for input in &sig.inputs {
        if let FnArg::Typed(typed) = input
            && !matches!(*typed.pat, syn::Pat::Ident(_) | syn::Pat::Wild(_))
        {
            diag.at(
                &typed.pat,
                "`handle` needs plain parameters: write `name: \
                Type`, and destructure it in the body",
            );
        }
    }
    let is_behind_self =
        options.written("handle").is_some_and(|expr| matches!(expr, Expr::Path(path) if path.path.segments.len() > 1));
    let is_associated = is_behind_self || subject.params.receiver.is_some() || names_self_type(sig);
    (diag.count() == before).then(|| Form::Handle(Handle { name: name.clone(), is_associated }))
}

/// Returns true if the signature names `Self`.
fn names_self_type(sig: &Signature) -> bool {
    struct MentionsSelf(bool);
    impl<'ast> Visit<'ast> for MentionsSelf {
        fn visit_ident(&mut self, ident: &'ast Ident) {
            self.0 |= ident == "Self";
        }
    }
    let mut find = MentionsSelf(false);
    find.visit_signature(sig);
    find.0
}
