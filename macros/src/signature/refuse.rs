//! Rules that refuse signatures, each with a message about what to write instead. Every attribute uses the rules that it needs.
//!
//! Invariant: each function checks one rule, and reports its errors at the token that breaks it.
//!
//! May use: diag, signature/{function, params, returns}.

use syn::{
    FnArg, Ident, Lifetime, Pat, PatType, Receiver, Safety, Signature, TraitBound, Type, TypeFnPtr, TypeImplTrait,
    TypeReference,
    ext::IdentExt,
    spanned::Spanned,
    visit::{self, Visit},
};

use super::{Answer, Kind, Params, Returns, is_cfg, ungrouped};
use crate::diag::Diag;

/// Reports `const`, `unsafe` and variadic functions.
pub(crate) fn unusual(attribute: &str, sig: &Signature, diag: &mut Diag) {
    if let Some(token) = &sig.constness {
        let what = match attribute {
            "cacheable" | "cache_put" | "cache_invalidate" | "cache_refresh" => "use a cache",
            "timed" => "read a clock",
            _ => "remember its calls",
        };
        diag.at(token, format_args!("a `const fn` cannot {what} at run time: remove `const` or `#[{attribute}]`"));
    }
    if let Safety::Unsafe(token) = &sig.safety {
        diag.at(
            token,
            format_args!(
                "`#[{attribute}]` cannot uphold the safety rules of an `unsafe fn`: \
            put it on a safe function that calls this one"
            ),
        );
    }
    if let Some(variadic) = &sig.variadic {
        diag.at(variadic, format_args!("`#[{attribute}]` needs a fixed list of parameters: write each one"));
    }
}

/// Reports parameters under `#[cfg]`, because an attribute cannot know whether they are compiled.
pub(crate) fn conditional<'a>(attribute: &str, inputs: impl IntoIterator<Item = &'a FnArg>, diag: &mut Diag) {
    for input in inputs {
        let (FnArg::Receiver(Receiver { attrs, .. }) | FnArg::Typed(PatType { attrs, .. })) = input;
        for attr in attrs.iter().filter(|attr| is_cfg(attr)) {
            diag.at(attr, unknown(attribute));
        }
    }
}

/// Reports the parameters under `#[cfg]` that a key or a pattern names.
pub(crate) fn conditional_in(attribute: &str, params: &Params, named: impl Fn(usize) -> bool, diag: &mut Diag) {
    let named = params.names.iter().enumerate().filter(|(index, _)| named(*index)).map(|(_, param)| param);
    for param in named.filter(|param| !param.cfgs.is_empty()) {
        diag.at(&param.ident, unknown(attribute));
    }
}

fn unknown(attribute: &str) -> String {
    format!(
        "`#[{attribute}]` cannot know whether this parameter is compiled: \
        write the function twice, each with its own `#[cfg(..)]` above `#[{attribute}]`"
    )
}

/// Reports `&mut self` and `&mut T` parameters, because a hit would skip changes to them. A `&mut T` in `skip(..)` is allowed.
pub(crate) fn mutable(sig: &Signature, params: &Params, skipped: &[Ident], diag: &mut Diag) {
    if let Some(receiver) = params.receiver.as_ref().filter(|receiver| receiver.mutable) {
        diag.at(&receiver.token, "`&mut self` may change the value, and a hit would skip the change: take `&self`");
    }
    for typed in sig.inputs.iter().filter_map(borrowed_mutably) {
        let name = match &*typed.pat {
            Pat::Ident(name) => Some(name.ident.unraw()),
            _ => None,
        };
        let is_skipped = name.as_ref().is_some_and(|name| skipped.iter().any(|skip| skip.unraw() == *name));
        if !is_skipped {
            let name = name.map_or_else(|| "name".to_owned(), |name| name.to_string());
            let message = format_args!(
                "a hit would skip the changes to a `&mut` argument: take it by value or by `&`, \
                or write `skip({name})` if the value does not depend on it, as on a connection"
            );
            diag.at(&typed.ty, message);
        }
    }
}

/// Reports a macro in the pattern of a parameter, because an attribute cannot see the names that it binds.
pub(crate) fn hidden_names(sig: &Signature, diag: &mut Diag) {
    struct MacroPatterns<'a>(&'a mut Diag);
    impl<'ast> Visit<'ast> for MacroPatterns<'_> {
        fn visit_pat(&mut self, pat: &'ast Pat) {
            if let Pat::Macro(_) = pat {
                self.0.at(
                    pat,
                    "the attribute cannot see the names that this macro binds, so they would be missing from the key: \
                    write the pattern out, or give the parameter a name and destructure it in the body",
                );
            }
            visit::visit_pat(self, pat);
        }
    }
    for input in &sig.inputs {
        if let FnArg::Typed(typed) = input {
            MacroPatterns(diag).visit_pat(&typed.pat);
        }
    }
}

/// The parameter, if its type is written as a `&mut` reference.
pub(crate) fn borrowed_mutably(input: &FnArg) -> Option<&PatType> {
    match input {
        FnArg::Typed(typed) => {
            let lends = matches!(ungrouped(&typed.ty), Type::Reference(lent) if lent.mutability.is_some());
            lends.then_some(typed)
        }
        FnArg::Receiver(_) => None,
    }
}

/// Reports a function that returns nothing.
pub(crate) fn nothing(sig: &Signature, returns: &Returns, diag: &mut Diag) {
    if returns.is_unit() || returns.never {
        let span = match &sig.output {
            syn::ReturnType::Default => sig.ident.span(),
            syn::ReturnType::Type(_, ty) => ty.span(),
        };
        diag.error(span, "there is no value to cache: return one, or remove the attribute");
    }
}

/// Reports a function that returns `()` or an error.
pub(crate) fn nothing_in_result(returns: &Returns, diag: &mut Diag) {
    if let Some(unit) = returns.unit_in_result() {
        diag.at(
            unit,
            "there is no value to store: return the new one, or write `#[cache_invalidate(..)]` with this key",
        );
    }
}

/// Reports a value whose type has no name.
pub(crate) fn unnamed(returns: &Returns, diag: &mut Diag) {
    struct UnnamedTypes<'a>(&'a mut Diag);
    impl<'ast> Visit<'ast> for UnnamedTypes<'_> {
        fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
            self.0.at(
                ty,
                "the value's type must have a name: \
                write the concrete type, or `Box<dyn ..>`, instead of `impl ..`",
            );
        }
    }
    UnnamedTypes(diag).visit_type(&returns.value);
}

/// Reports a return type with `impl ..` that may be a future: its type depends on the body, so the compiler cannot be asked about it.
pub(crate) fn opaque(returns: &Returns, diag: &mut Diag) {
    if returns.is_opaque() {
        unnamed(returns, diag);
    }
}

/// Reports a value that borrows. If the return type may be a future, the compiler is asked instead, because a future may borrow.
pub(crate) fn borrowed(returns: &mut Returns, diag: &mut Diag) {
    if returns.kind != Kind::Asked {
        Borrowed(diag).visit_type(&returns.value);
        return;
    }
    let mut found = Diag::default();
    Borrowed(&mut found).visit_type(&returns.value);
    if returns.answer == Answer::Any && found.count() > 0 {
        returns.answer = Answer::Owned;
    }
}

const OUTLIVES: &str = "cached values outlive the call: return an owned value such as `String` or `Arc<str>`";

struct Borrowed<'a>(&'a mut Diag);

impl<'ast> Visit<'ast> for Borrowed<'_> {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        match &reference.lifetime {
            Some(lifetime) if lifetime.ident == "static" => {
                visit::visit_type(self, &reference.elem);
            }
            _ => self.0.at(reference, OUTLIVES),
        }
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            self.0.at(lifetime, OUTLIVES);
        }
    }

    // Lifetimes in the types of functions do not borrow from this call.
    fn visit_type_fn_ptr(&mut self, _: &'ast TypeFnPtr) {}
    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast syn::ParenthesizedGenericArguments) {}
    fn visit_trait_bound(&mut self, bound: &'ast TraitBound) {
        if bound.lifetimes.is_none() {
            visit::visit_trait_bound(self, bound);
        }
    }
}
