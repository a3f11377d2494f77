//! The names that a function's parameters bind, and its receiver.
//!
//! Invariant: every name that the parameters bind is listed, those inside patterns too, because a name that is missing here could
//! be missing from a key. A name in a pattern may also be a constant or a unit struct, which a macro cannot know; it is listed too, so
//! the key must name it or skip it.
//!
//! May use: signature/spelled.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Attribute, Expr, FnArg, Lit, Pat, PatIdent, PatType, ReceiverKind, Signature, Token, Type,
    ext::IdentExt,
    visit::{self, Visit},
};

use super::spelled::{is_cfg, ungrouped};

/// The names that the parameters bind, in order.
pub(crate) struct Params {
    pub(crate) names: Vec<Param>,
    pub(crate) receiver: Option<Receiver>,
    /// The expressions that `with(..)` gives names to.
    pub(crate) named: Vec<Named>,
}

/// An expression over the parameters, and its name in keys.
pub(crate) struct Named {
    pub(crate) ident: Ident,
    pub(crate) expr: Expr,
}

impl Named {
    /// Returns whether the expression mentions this name, given without `r#`: as a word, or in the braces of a string.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        mentions(self.expr.to_token_stream(), name)
    }
}

/// Returns whether the tokens mention this name, given without `r#`: as a word, or in the braces of a string.
pub(crate) fn mentions(tokens: TokenStream, name: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident.unraw() == name,
        TokenTree::Group(group) => mentions(group.stream(), name),
        TokenTree::Literal(literal) => {
            let Lit::Str(text) = Lit::new(literal) else { return false };
            let after = |hole: &str| hole.trim_start().strip_prefix(name).map(|rest| rest.trim_start().to_owned());
            text.value().split('{').skip(1).filter_map(after).any(|rest| rest.starts_with([':', '}']))
        }
        TokenTree::Punct(_) => false,
    })
}

/// A name that a parameter binds.
pub(crate) struct Param {
    pub(crate) ident: Ident,
    /// The type, where the parameter is `name: Type` and not a pattern.
    pub(crate) ty: Option<Type>,
    /// The `mut` of `mut name: Type`.
    pub(crate) mutability: Option<Token![mut]>,
    /// The `#[cfg(..)]`s on the parameter.
    pub(crate) cfgs: Vec<Attribute>,
}

/// The `self` parameter.
pub(crate) struct Receiver {
    pub(crate) token: Token![self],
    /// `&self` or `&mut self`.
    pub(crate) by_reference: bool,
    /// `&mut self` or `self: &mut Self`.
    pub(crate) mutable: bool,
}

impl Param {
    /// The name without `r#`.
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// Returns whether the type is a reference.
    pub(crate) fn is_reference(&self) -> bool {
        self.ty.as_ref().is_some_and(|ty| matches!(ungrouped(ty), Type::Reference(_)))
    }

    /// Returns whether the type is written as a `&mut` reference.
    pub(crate) fn is_lent_mutably(&self) -> bool {
        let lent = |ty| matches!(ungrouped(ty), Type::Reference(reference) if reference.mutability.is_some());
        self.ty.as_ref().is_some_and(lent)
    }

    /// The type behind the reference, if the parameter is a shared reference with another lifetime than `'static`.
    pub(crate) fn referent(&self) -> Option<&Type> {
        match ungrouped(self.ty.as_ref()?) {
            Type::Reference(reference) if reference.mutability.is_none() => {
                let lives_on = reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static");
                (!lives_on).then_some(&reference.elem)
            }
            _ => None,
        }
    }
}

impl Params {
    pub(crate) fn new(sig: &Signature) -> Self {
        let mut params = Self { names: Vec::new(), receiver: None, named: Vec::new() };
        for input in &sig.inputs {
            match input {
                FnArg::Receiver(receiver) => params.receiver = Some(Receiver::new(receiver)),
                FnArg::Typed(typed) => params.add(typed),
            }
        }
        params
    }

    /// The index of the parameter of this name, given without `r#`.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|param| param.name() == name)
    }

    /// The index of the named expression of this name, given without `r#`.
    pub(crate) fn find_named(&self, name: &str) -> Option<usize> {
        self.named.iter().position(|named| named.ident.unraw() == name)
    }

    /// All names, and `self` if there is a receiver; for suggestions in errors.
    pub(crate) fn known(&self) -> Vec<String> {
        let receiver = self.receiver.iter().map(|_| "self".to_owned());
        let named = self.named.iter().map(|named| named.ident.unraw().to_string());
        self.names.iter().map(Param::name).chain(named).chain(receiver).collect()
    }

    fn add(&mut self, PatType { attrs, pat, ty, .. }: &PatType) {
        let first = self.names.len();
        match &**pat {
            Pat::Ident(PatIdent { ident, mutability, subpat: None, .. }) => {
                self.names.push(Param {
                    ident: ident.clone(),
                    ty: Some((**ty).clone()),
                    mutability: *mutability,
                    cfgs: Vec::new(),
                });
            }
            _ => Bound(&mut self.names).visit_pat(pat),
        }
        let cfgs: Vec<_> = attrs.iter().filter(|attr| is_cfg(attr)).cloned().collect();
        self.names[first..].iter_mut().for_each(|param| param.cfgs.clone_from(&cfgs));
    }
}

impl Receiver {
    fn new(receiver: &syn::Receiver) -> Self {
        let (by_reference, mutable) = match &receiver.kind {
            ReceiverKind::Reference(_, _, mutability) => (true, mutability.is_some()),
            ReceiverKind::Typed(_, ty) => match ungrouped(ty) {
                Type::Reference(reference) => (true, reference.mutability.is_some()),
                _ => (false, false),
            },
            _ => (false, false),
        };
        Self { token: receiver.self_token, by_reference, mutable }
    }
}

/// Collects the names that a pattern binds.
struct Bound<'a>(&'a mut Vec<Param>);

impl<'ast> Visit<'ast> for Bound<'_> {
    fn visit_pat_ident(&mut self, pat: &'ast PatIdent) {
        // Each side of an or-pattern binds the same names.
        if !self.0.iter().any(|param| param.ident == pat.ident) {
            self.0.push(Param { ident: pat.ident.clone(), ty: None, mutability: pat.mutability, cfgs: Vec::new() });
        }
        visit::visit_pat_ident(self, pat);
    }
}
