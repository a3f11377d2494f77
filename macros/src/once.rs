//! Refuses names that differ from call to call in values that are evaluated once for all calls.
//!
//! May use: diag, options, signature, subject.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::{
    ExprPath, GenericParam, Macro,
    ext::IdentExt,
    visit::{self, Visit},
};

use crate::{diag::Diag, options::Options, subject::Subject};

/// Reports `self`, parameters and types of the function in values that are evaluated once.
pub(crate) fn check(options: &Options, subject: &Subject, diag: &mut Diag) {
    for given in options.values().filter(|given| given.row.takes.is_once()) {
        let Some(expr) = given.expr else { continue };
        let mut names = Names { subject, found: None };
        names.visit_expr(expr);
        let (name, write) = (given.row.name, given.row.written[0]);
        match names.found {
            Some(Found::OfCall(ident)) => diag.at(
                &ident,
                format_args!(
                    "`{name}` is evaluated once for all calls, so it cannot name `{ident}`: \
                    write `{write}`, a constant, or an expression over statics"
                ),
            ),
            Some(Found::Type(ident)) => diag.at(
                &ident,
                format_args!(
                    "`{name}` is evaluated in a static, which cannot name `{ident}`: \
                    write the name of a type, `{write}`, or a constant of the module"
                ),
            ),
            None => {}
        }
    }
}

/// A name that a static cannot see.
enum Found {
    /// `self` or a parameter.
    OfCall(Ident),
    /// `Self` or a generic parameter.
    Type(Ident),
}

/// Finds the first such name.
struct Names<'a> {
    subject: &'a Subject,
    found: Option<Found>,
}

impl Names<'_> {
    fn is_of_call(&self, ident: &Ident) -> bool {
        ident == "self" || self.subject.params.find(&ident.unraw().to_string()).is_some()
    }

    fn is_generic(&self, ident: &Ident) -> bool {
        let mut generics = self.subject.function.sig.generics.params.iter();
        ident == "Self"
            || generics.any(|param| match param {
                GenericParam::Type(ty) => ty.ident == *ident,
                GenericParam::Const(constant) => constant.ident == *ident,
                GenericParam::Lifetime(_) => false,
            })
    }

    fn find_in_macro(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) if self.found.is_none() && self.is_of_call(&ident) => {
                    self.found = Some(Found::OfCall(ident));
                }
                TokenTree::Group(group) => self.find_in_macro(group.stream()),
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        if let Some(first) = path.path.segments.first().map(|segment| &segment.ident)
            && self.found.is_none()
        {
            let is_alone = path.path.segments.len() == 1;
            if is_alone && self.is_of_call(first) {
                self.found = Some(Found::OfCall(first.clone()));
            } else if self.is_generic(first) {
                self.found = Some(Found::Type(first.clone()));
            }
        }
        visit::visit_expr_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        self.find_in_macro(called.tokens.clone());
    }
}
