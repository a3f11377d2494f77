//! The static of a call site that stores values, its registration, and the handle that it works on.
//!
//! May use: signature, stored, subject, emit/keys.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Expr, FnArg, GenericParam, ext::IdentExt, spanned::Spanned};

use super::{code, pieces};
use crate::{options::Builder, signature::has_impl, stored::Stored, subject::Subject};

/// A static to emit.
pub(crate) struct Site<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) stored: &'a Stored,
    /// The variant of `SiteKind`.
    pub(crate) kind: &'static str,
    /// The handle in which the static is, where it is not in the function.
    pub(crate) handle: Option<&'a Ident>,
}

impl Site<'_> {
    /// `static __SITE: Site = ..;` and its registration.
    pub(crate) fn statics(&self) -> TokenStream {
        let Self { subject, stored, kind, handle } = self;
        let Subject { door, function, .. } = subject;
        let (name, kind, text) = (function.name(), format_ident!("__fastness_{kind}"), &stored.key.text);
        let pieces = pieces(&stored.key);
        let handle = handle.map(|handle| {
            let handle = handle.unraw().to_string();
            code!(.handle(#handle))
        });
        let tags = (!stored.tags.is_empty()).then(|| {
            let tags = stored.tags.iter().map(|tag| &tag.text);
            code!(.tags(&[#(#tags),*]))
        });
        let receiver = subject.params.receiver.is_some().then(|| {
            // A key that the user wrote has a namespace, if it names no field.
            let in_key = stored.key.names_receiver() || !(stored.key.is_default() || stored.skips.receiver.is_some());
            let receiver = receiver(subject, in_key, stored.skips.receiver.is_some());
            code!(.receiver(#receiver))
        });
        let options = super::calls(Builder::Site, &stored.options, door);
        code! {
            static __SITE: __fastness_Site = __fastness_Site::new(
                #kind,
                #name,
                ::core::module_path!(),
                #text,
                #pieces,
            )
            #handle #tags #receiver #options;
            #door::register!(site __SITE);
        }
    }
}

/// The part of the receiver in the key; `audit()` reports what may have been forgotten.
pub(crate) fn receiver(subject: &Subject, in_key: bool, skipped: bool) -> TokenStream {
    let door = &subject.door;
    let variant = match &subject.params.receiver {
        None => "None",
        Some(_) if in_key => "InKey",
        Some(_) if skipped => "Skipped",
        Some(_) => "ByType",
    };
    let variant = format_ident!("{variant}");
    quote!(#door::Receiver::#variant)
}

/// The statement that borrows the explicit handle, if any, and the argument that passes it on.
pub(crate) fn on(on: Option<&Expr>) -> (Option<TokenStream>, TokenStream) {
    let borrow = on.map(operand).map(|expr| code!(let __on = &#expr;));
    let argument = on.map(|expr| {
        // A handle of another type is reported where the user names it.
        let span = Span::mixed_site().located_at(expr.span());
        quote_spanned!(span=> __on)
    });
    (borrow, option(argument))
}

fn option(value: Option<TokenStream>) -> TokenStream {
    let none = || code!(__fastness_None);
    value.map_or_else(none, |value| code!(::core::option::Option::Some(#value)))
}

/// An argument by reference, unless it is written as one.
pub(crate) fn borrowed(expr: &Expr) -> TokenStream {
    if let Expr::Reference(_) = expr {
        return quote!(#expr);
    }
    let expr = operand(expr);
    code!(&#expr)
}

/// The statement that gives the function's own, unnameable type to the runtime, and those that it is generic over.
pub(crate) fn instance(subject: &Subject) -> TokenStream {
    let instance = match parameters(subject) {
        Some(parameters) if subject.params.receiver.is_some() => {
            code!(__fastness_instance_of_method::<_, fn(*const Self, #parameters)>)
        }
        Some(parameters) if !parameters.is_empty() => code!(__fastness_instance_of_function::<_, fn(#parameters)>),
        _ => code!(__fastness_instance),
    };
    code!(let __instance = #instance(|| ());)
}

/// The type parameters of the function, as pointers to them; `None` where some have no name or are values.
fn parameters(subject: &Subject) -> Option<TokenStream> {
    let sig = &subject.function.sig;
    let named = sig.generics.params.iter().map(|param| match param {
        GenericParam::Type(ty) => {
            let name = &ty.ident;
            Some(quote!(*const #name,))
        }
        GenericParam::Lifetime(_) => Some(TokenStream::new()),
        GenericParam::Const(_) => None,
    });
    let is_named = |input: &FnArg| !matches!(input, FnArg::Typed(typed) if has_impl(&typed.ty));
    named.collect::<Option<TokenStream>>().filter(|_| sig.inputs.iter().all(is_named))
}

/// An expression to stand behind `&`, in parentheses where it needs them.
pub(crate) fn operand(expr: &Expr) -> TokenStream {
    match expr {
        Expr::Path(_) | Expr::Field(_) | Expr::MethodCall(_) | Expr::Call(_) | Expr::Lit(_) | Expr::Paren(_) => {
            quote!(#expr)
        }
        _ => code!((#expr)),
    }
}

/// A name of the runtime, at which the compiler says what it has against the function's value: at its return type.
pub(crate) fn at_value(subject: &Subject, name: &str) -> Ident {
    Ident::new(name, subject.returns.value.span().resolved_at(Span::mixed_site()))
}
