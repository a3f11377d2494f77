//! One declared index as a constant.
//!
//! May use: options, indexed/{collation, condition, index, rules, syntax}.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};

use super::places::{Places, located};
use crate::{
    indexed::{
        collation::CollationPart,
        condition::{Clause, Condition, Literal},
        index::Index,
        rules,
        syntax::IndexKind,
    },
    options::{Call, Value},
};

/// The expression of an index, of which `longer` may make it superfluous. Adds the lines that check its paths to `places`.
pub(super) fn spec(index: &Index, longer: Option<&Index>, places: &mut Places<'_>) -> TokenStream {
    let door = places.door;
    if let Some(longer) = longer {
        superfluous(index, longer, places);
    }
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
    let listed = listed(index, places);
    let options = options(index, door);
    let fields = keys.iter().map(|(field, _)| field);
    quote! {
        #door::DeclaredIndex { fields: &[#(#fields),*], #listed #options ..#door::DeclaredIndex::DEFAULT }
    }
}

/// The check that the longer index does not make this one superfluous.
fn superfluous(index: &Index, longer: &Index, places: &mut Places<'_>) {
    let names = rules::names(longer);
    let additional: Vec<_> = longer.keys[index.keys.len()..].iter().map(|key| places.steps(&key.path)).collect();
    let door = located(places.door, index.span);
    places.lines.push(quote_spanned!(index.span=> #door::check_prefix(#names, &[#(#additional),*]);));
}

/// The options that are lists, as fields.
fn listed(index: &Index, places: &mut Places<'_>) -> TokenStream {
    let door = places.door;
    let unique = index.options.is_given("unique");
    if let ([key], true, true) = (&index.keys[..], unique, index.options.is_given("sparse")) {
        let (steps, span) = (places.steps(&key.path), key.path.span());
        let door = located(door, span);
        places.lines.push(quote_spanned!(span=> #door::check_sparse(#steps);));
    }
    let partial: Vec<_> = index.partial.iter().map(|clause| clause_tokens(clause, unique, places)).collect();
    let partial = (!partial.is_empty()).then(|| quote!(partial: &[#(#partial),*],));
    let projected = index.projection.iter().map(|(path, included)| {
        let steps = places.steps(path);
        quote!(#door::Projection { path: #steps.names(), included: #included })
    });
    let projected: Vec<_> = projected.collect();
    let projected = (!projected.is_empty()).then(|| quote!(wildcard_projection: &[#(#projected),*],));
    let names = index.options.texts("as_is");
    let as_is = (!names.is_empty()).then(|| quote!(as_is: &[#(#names),*],));
    quote!(#partial #projected #as_is)
}

fn clause_tokens(clause: &Clause, unique: bool, places: &mut Places<'_>) -> TokenStream {
    let door = places.door;
    match clause {
        Clause::One(condition) => partial(condition, unique, places),
        Clause::AnyOf(groups) => {
            let mut all = Vec::new();
            for group in groups {
                let conditions: Vec<_> = group.iter().map(|condition| partial(condition, unique, places)).collect();
                all.push(quote!(&[#(#conditions),*]));
            }
            quote!(#door::Condition { path: &[], operator: #door::Operator::AnyOf(&[#(#all),*]) })
        }
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

fn partial(condition: &Condition, unique: bool, places: &mut Places<'_>) -> TokenStream {
    let door = places.door;
    let steps = places.steps(&condition.path);
    let literals: Vec<_> = condition.literals.iter().map(|value| literal(value, door)).collect();
    let stored: Vec<_> = literals.iter().map(|literal| quote!(#door::stored_literal(#steps, #literal))).collect();
    let (span, place) = (condition.path.span(), located(door, condition.path.span()));
    let (check, operand) = match condition.operator {
        "Exists" => (unique.then(|| quote_spanned!(span=> #place::check_presence(#steps);)), None),
        "Type" => {
            let names = condition.literals.iter().filter_map(Literal::text);
            let names = quote!(&[#(#names),*]);
            (Some(quote_spanned!(span=> #place::check_types(#steps, #names);)), Some(quote!((#names))))
        }
        operator => {
            let check = quote_spanned!(span=> #place::check_literals(#steps, &[#(#literals),*]););
            let operand = if operator == "OneOf" { quote!((&[#(#stored),*])) } else { quote!((#(#stored),*)) };
            (Some(check), Some(operand))
        }
    };
    places.lines.extend(check);
    let variant = format_ident!("{}", condition.operator);
    quote!(#door::Condition { path: #steps.names(), operator: #door::Operator::#variant #operand })
}

fn literal(literal: &Literal, door: &TokenStream) -> TokenStream {
    match literal {
        Literal::Null => quote!(#door::Literal::Null),
        Literal::Bool(value) => quote!(#door::Literal::Bool(#value)),
        Literal::Int(value) => quote!(#door::Literal::Int(#value)),
        Literal::Double(value) => quote!(#door::Literal::Double(#value)),
        Literal::Text(value) => quote!(#door::Literal::Text(#value)),
        Literal::Date(text) => {
            let (span, door) = (text.span(), located(door, text.span()));
            quote_spanned!(span=> #door::written_date(#text))
        }
        Literal::Id(bytes) => quote!(#door::Literal::Id([#(#bytes),*])),
    }
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
        let parts = collation.parts.iter().map(|(name, part)| {
            let name = format_ident!("{name}");
            match part {
                CollationPart::Strength(value) => quote!(#name: ::core::option::Option::Some(#value),),
                CollationPart::Flag(value) => quote!(#name: ::core::option::Option::Some(#value),),
                CollationPart::Word(value) => quote!(#name: ::core::option::Option::Some(#value),),
            }
        });
        quote!(#door::Collation { locale: #locale, #(#parts)* ..#door::Collation::DEFAULT })
    });
    let bounds = index.bounds.map(|(min, max)| quote!((#min, #max)));
    let checked = [some("expire_after", index.expire_after), some("collation", collation), some("bounds", bounds)];
    fields.chain(checked.into_iter().flatten()).collect()
}

fn some(name: &str, value: Option<impl ToTokens>) -> Option<TokenStream> {
    let name = format_ident!("{name}");
    value.map(|value| quote!(#name: ::core::option::Option::Some(#value),))
}
