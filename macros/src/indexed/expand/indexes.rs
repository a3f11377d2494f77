//! One declared index as a constant.
//!
//! May use: options, indexed/{condition, index, syntax}.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};

use super::places::{Places, located};
use crate::{
    indexed::{condition::Condition, index::Index, syntax::IndexKind},
    options::{Call, Value},
};

/// The expression of an index. Adds the lines that check its paths to `places`.
pub(super) fn spec(index: &Index, places: &mut Places<'_>) -> TokenStream {
    let door = places.door;
    if index.expire_after.is_some() {
        let (path, span) = (places.path(&index.keys[0].path), index.keys[0].path.span());
        let door = located(door, span);
        places.lines.push(quote_spanned!(span=> #door::require_date(#path);));
    }
    let mut keys = Vec::new();
    for key in &index.keys {
        let kind = kind(key.kind, door);
        keys.push(if key.path.0.is_empty() {
            (quote!(#door::IndexField { path: &[], kind: #kind }), None)
        } else {
            let steps = places.steps(&key.path);
            (quote!(#door::index_field(#steps, #kind)), Some(quote!((#kind, #steps))))
        });
    }
    let checked: Vec<_> = keys.iter().filter_map(|(_, checked)| checked.as_ref()).collect();
    if checked.len() > 1 || index.keys[0].kind == IndexKind::Hashed {
        let door = located(door, index.span);
        places.lines.push(quote_spanned!(index.span=> #door::check_arrays(&[#(#checked),*]);));
    }
    let partial: Vec<_> = index.partial.iter().map(|condition| partial(condition, places)).collect();
    let partial = (!partial.is_empty()).then(|| quote!(partial: &[#(#partial),*],));
    let options = options(index, door);
    let fields = keys.iter().map(|(field, _)| field);
    quote! {
        #door::DeclaredIndex { fields: &[#(#fields),*], #partial #options ..#door::DeclaredIndex::DEFAULT }
    }
}

fn kind(kind: IndexKind, door: &TokenStream) -> TokenStream {
    let name = match kind {
        IndexKind::Ascending => "Ascending",
        IndexKind::Descending => "Descending",
        IndexKind::Text { weight } => return quote!(#door::IndexKind::Text { weight: #weight }),
        IndexKind::Sphere => "Sphere",
        IndexKind::Plane => "Plane",
        IndexKind::Hashed => "Hashed",
        IndexKind::Wildcard => "Wildcard",
    };
    let name = format_ident!("{name}");
    quote!(#door::IndexKind::#name)
}

fn partial(condition: &Condition, places: &mut Places<'_>) -> TokenStream {
    let door = places.door;
    let steps = places.steps(&condition.path);
    let literals: Vec<_> = condition.literals.iter().map(|literal| literal.tokens(door)).collect();
    if !literals.is_empty() {
        let (span, door) = (condition.path.span(), located(door, condition.path.span()));
        places.lines.push(quote_spanned!(span=> #door::check_literals(#steps, &[#(#literals),*]);));
    }
    let variant = format_ident!("{}", condition.operator);
    let operand = match condition.operator {
        "Exists" => None,
        "OneOf" => Some(quote!((&[#(#literals),*]))),
        _ => Some(quote!((#(#literals),*))),
    };
    quote!(#door::Condition { path: #steps.names(), operator: #door::Operator::#variant #operand })
}

/// The options that were given, as fields; the other fields come from `DeclaredIndex::DEFAULT`.
fn options(index: &Index, door: &TokenStream) -> TokenStream {
    let fields = index.options.values().filter(|given| matches!(given.row.call, Call::Field)).map(|given| {
        let name = format_ident!("{}", given.row.name);
        match given.value {
            Value::Text(text) => quote!(#name: ::core::option::Option::Some(#text),),
            Value::Integer(number) => quote!(#name: ::core::option::Option::Some(#number),),
            _ => quote!(#name: true,),
        }
    });
    let collation = index.collation.as_ref().map(|collation| {
        let locale = &collation.locale;
        let strength = option(collation.strength);
        let numeric_ordering = option(collation.numeric_ordering);
        quote!(#door::Collation { locale: #locale, strength: #strength, numeric_ordering: #numeric_ordering })
    });
    let bounds = index.bounds.map(|(min, max)| quote!((#min, #max)));
    let checked = [some("expire_after", index.expire_after), some("collation", collation), some("bounds", bounds)];
    fields.chain(checked.into_iter().flatten()).collect()
}

fn some(name: &str, value: Option<impl ToTokens>) -> Option<TokenStream> {
    let name = format_ident!("{name}");
    value.map(|value| quote!(#name: ::core::option::Option::Some(#value),))
}

fn option(value: Option<impl ToTokens>) -> TokenStream {
    value.map_or_else(|| quote!(::core::option::Option::None), |value| quote!(::core::option::Option::Some(#value)))
}
