//! Keys as tokens: the static template, and the tuple of borrowed arguments by which a call is looked up.
//!
//! May use: key, signature, stored, subject, template.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Expr, ext::IdentExt, spanned::Spanned};

use super::{code, operand};
use crate::{
    key::{Key, KeyPiece, Part, Root, Skips},
    signature::{Named, Param, Params},
    stored::Stored,
    subject::{Door, Subject},
    template::Format,
};

/// The form in which the arguments are at hand where the key is made.
#[derive(Clone, Copy)]
pub(crate) enum View<'a> {
    /// The parameters of the annotated function.
    Here,
    /// The parameters of a handle, which are references.
    ByRef,
    /// The parameter of this index is one element of its list, under this name.
    Element(usize, &'a Ident),
}

/// `&[__fastness_Lit("user:"), __fastness_Placeholder(0)]`
pub(crate) fn pieces(key: &Key) -> TokenStream {
    let pieces = key.pieces.iter().map(|piece| match piece {
        KeyPiece::Text(text) => code!(__fastness_Lit(#text)),
        KeyPiece::Path => code!(__fastness_Path),
        KeyPiece::Arg(index) => {
            let index = proc_macro2::Literal::usize_unsuffixed(*index);
            code!(__fastness_Placeholder(#index))
        }
    });
    code!(&[#(#pieces),*])
}

/// The statements that evaluate the named expressions of a key: `let __user = &claims.sub();`
pub(crate) fn named(params: &Params) -> TokenStream {
    let named = params.named.iter().map(|Named { ident, expr }| {
        let (name, expr) = (local(ident), operand(expr));
        code!(let #name = &#expr;)
    });
    named.collect()
}

/// [`named`] inside a closure that never runs and returns references to the values.
pub(crate) fn named_never(params: &Params) -> TokenStream {
    let named = params.named.iter().map(|Named { ident, expr }| {
        let name = local(ident);
        match expr {
            Expr::Path(_) | Expr::Field(_) => code!(let #name = &#expr;),
            _ => code!(let #name = &*::std::boxed::Box::leak(::std::boxed::Box::new(#expr));),
        }
    });
    named.collect()
}

/// The local that holds a reference to the value of a named expression.
pub(crate) fn local(name: &Ident) -> Ident {
    format_ident!("__{}", name.unraw(), span = name.span().resolved_at(Span::mixed_site()))
}

/// `(NAMESPACE, PART, PART,)`
pub(crate) fn key(subject: &Subject, key: &Key, namespace: &TokenStream, view: View<'_>) -> TokenStream {
    let parts = part_list(subject, key, view);
    code!((#namespace, #parts))
}

/// [`key`] without the parts of the parameter of this index: what all elements of a batch have in common.
pub(crate) fn key_beside(subject: &Subject, key: &Key, namespace: &TokenStream, index: usize) -> TokenStream {
    let parts = key.parts.iter().filter(|part| part.root != Root::Param(index));
    let parts: TokenStream = parts.map(|part| part_tokens(&subject.door, part, &subject.params, View::Here)).collect();
    code!((#namespace, #parts))
}

/// `PART, PART,`
fn part_list(subject: &Subject, key: &Key, view: View<'_>) -> TokenStream {
    key.parts.iter().map(|part| part_tokens(&subject.door, part, &subject.params, view)).collect()
}

/// The namespace of the receiver's type, unless the template names a field of it or the user skips it.
pub(crate) fn namespace(subject: &Subject, key: &Key, skips: &Skips) -> TokenStream {
    asked_namespace(subject, (key, skips), "__namespace", View::Here)
}

/// The namespace for a key under which values are stored. A key that the user wrote requires one, because every parameter must be in
/// it.
pub(crate) fn required_namespace(subject: &Subject, stored: &Stored, view: View<'_>) -> TokenStream {
    let question = if stored.key.is_default() { "__namespace" } else { "__required_namespace" };
    asked_namespace(subject, (&stored.key, &stored.skips), question, view)
}

fn asked_namespace(subject: &Subject, (key, skips): (&Key, &Skips), question: &str, view: View<'_>) -> TokenStream {
    match &subject.params.receiver {
        Some(receiver) if skips.receiver.is_none() && !key.names_receiver() => {
            // The reference is dereferenced, so that `&mut self` has the namespace of `Self` too.
            let through = (receiver.by_reference || matches!(view, View::ByRef)).then(|| code!(*));
            let this = receiver.token;
            // The compiler reports a type without a namespace at the parameter.
            let span = Span::mixed_site().located_at(this.span);
            let question = Ident::new(question, span);
            quote_spanned!(span=> (&__fastness_Arg(&#through #this)).#question())
        }
        _ => code!(__fastness_NoNamespace),
    }
}

/// `&[tag(&[..], &(NoNamespace, ..)), ..]`
pub(crate) fn tags(subject: &Subject, tags: &[Key], view: View<'_>) -> TokenStream {
    let tags = rendered(subject, tags, view);
    code!(&[#(#tags),*])
}

/// `tag_list([tag(..), ..])`
pub(crate) fn tag_list(subject: &Subject, tags: &[Key], view: View<'_>) -> TokenStream {
    let (door, tags) = (&subject.door, rendered(subject, tags, view));
    code!(#door::tag_list([#(#tags),*]))
}

fn rendered(subject: &Subject, tags: &[Key], view: View<'_>) -> Vec<TokenStream> {
    let door = &subject.door;
    let tag = |tag| {
        let (pieces, key) = (pieces(tag), key(subject, tag, &code!(__fastness_NoNamespace), view));
        code!(#door::tag(#pieces, &#key))
    };
    tags.iter().map(tag).collect()
}

fn part_tokens(door: &Door, part: &Part, params: &Params, view: View<'_>) -> TokenStream {
    let value = reference(part, params, view);
    // The compiler reports a type that cannot be in a key at the parameter.
    let place = match part.root {
        Root::Param(index) => params.names.get(index).map_or_else(Span::call_site, |param| param.ident.span()),
        Root::Named(index) => params.named.get(index).map_or_else(Span::call_site, |named| named.expr.span()),
        Root::Receiver => Span::call_site(),
    };
    let span = Span::mixed_site().located_at(place);
    let tokens = formatted(door, part.format, &value, span);
    // A handle outlives the value of a named expression, so it has the owned form, of which other views make the same key.
    match (part.root, view) {
        (Root::Named(_), View::ByRef) => quote_spanned!(span=> #door::KeyPart::to_owned_part(&#tokens),),
        _ => quote!(#tokens,),
    }
}

fn formatted(door: &Door, format: Format, value: &TokenStream, span: Span) -> TokenStream {
    match format {
        Format::Plain => quote_spanned!(span=> (&__fastness_Arg(#value)).__part()),
        Format::Hash => quote_spanned!(span=> #door::digest(#value)),
        Format::Lower => quote_spanned!(span=> #door::lower(#value)),
        Format::Display => quote_spanned!(span=> #door::by_display(#value)),
        Format::Debug => quote_spanned!(span=> #door::by_debug(#value)),
    }
}

/// A reference to the value of a part. Its type is the same in every view, so that all views make the same key.
fn reference(part: &Part, params: &Params, view: View<'_>) -> TokenStream {
    let (root, is_borrowed) = match (part.root, view) {
        (Root::Receiver, _) => {
            let this = params.receiver.as_ref().map(|receiver| receiver.token);
            (quote!(#this), false)
        }
        (Root::Named(index), _) => {
            let name = params.named.get(index).map(|named| local(&named.ident));
            (quote!(#name), true)
        }
        (Root::Param(index), View::Element(element, name)) if index == element => (quote!(#name), true),
        (Root::Param(index), view) => {
            let param = params.names.get(index);
            let ident = param.map(|param| &param.ident);
            let is_reference = param.is_some_and(Param::is_reference);
            (quote!(#ident), is_reference || matches!(view, View::ByRef))
        }
    };
    let fields = &part.fields;
    if is_borrowed && fields.is_empty() { root } else { code!(&#root #(.#fields)*) }
}
