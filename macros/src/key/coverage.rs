//! The rule that no parameter is forgotten: each one is either in the key or in `skip(..)`, and never in both.
//!
//! May use: diag, nearest, signature, key.

use proc_macro2::Ident;
use syn::ext::IdentExt;

use super::Key;
use crate::{diag::Diag, nearest, signature::Params};

/// The parameters that `skip(..)` leaves out of the key.
#[derive(Default)]
pub(crate) struct Skips {
    /// The indexes of the skipped parameters, each with its token in `skip(..)`.
    params: Vec<(usize, Ident)>,
    /// The token `self` in `skip(..)`.
    pub(crate) receiver: Option<Ident>,
}

impl Skips {
    /// Matches the names of `skip(..)` with the parameters.
    pub(crate) fn new(names: &[Ident], params: &Params, diag: &mut Diag) -> Self {
        let mut skips = Self::default();
        for name in names {
            let text = name.unraw().to_string();
            if name == "self" {
                if params.receiver.is_none() {
                    diag.at(name, "there is no `self` to skip: remove it from `skip`");
                }
                skips.receiver = Some(name.clone());
            } else if let Some(index) = params.find(&text) {
                skips.params.push((index, name.clone()));
            } else {
                let known = params.known();
                let near = nearest::hint(&text, known.iter().map(String::as_str));
                diag.at(name, format_args!("there is no parameter `{text}` to skip: remove it from `skip`{near}"));
            }
        }
        skips
    }

    /// Reports a `self` that is skipped although `key` names a field of it.
    pub(crate) fn refuse_receiver_in(&self, key: &Key, diag: &mut Diag) {
        if let Some(name) = self.receiver.as_ref().filter(|_| key.names_receiver()) {
            diag.at(name, "`self` is in the key and skipped: keep one of the two");
        }
    }

    /// Returns whether the parameter of this index is skipped.
    pub(crate) fn has(&self, index: usize) -> bool {
        self.params.iter().any(|(skipped, _)| *skipped == index)
    }
}

/// Reports each name in `skip(..)` except `self`, for attributes whose keys need not name every parameter.
pub(crate) fn only_self(names: &[Ident], diag: &mut Diag) {
    for name in names {
        if name != "self" {
            diag.at(
                name,
                format_args!(
                    "only `self` can be skipped here, as parameters \
                need not be in the key: remove `{name}`"
                ),
            );
        }
    }
}

/// Reports each parameter that is both in the key and skipped, or neither.
pub(crate) fn coverage(key: &Key, skips: &Skips, params: &Params, diag: &mut Diag) {
    for (index, name) in &skips.params {
        if key.names_param(*index) {
            diag.at(name, format_args!("`{name}` is in the key and skipped: keep one of the two"));
        }
    }
    skips.refuse_receiver_in(key, diag);
    for (index, param) in params.names.iter().enumerate() {
        if !key.names_param(index) && !skips.has(index) {
            let name = param.name();
            diag.at(
                &param.ident,
                format_args!(
                    "`{name}` is not in the key, so two calls that differ only in it would share one entry: \
                     add `{{{name}}}` to `key`, or `skip({name})` if it does not change the result"
                ),
            );
        }
    }
}
