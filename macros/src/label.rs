//! `#[derive(Label)]`: an enum as a label, by the names of its variants.
//!
//! May use: diag, options, subject.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Ident, ext::IdentExt};

use crate::{diag::Diag, options::Options, subject::Door};

const NO_ENUM: &str =
    "a label has a few known values, so only an enum can be one: derive `Label` on an enum, or use a `bool`";

/// Expands `#[derive(Label)] item`.
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let mut diag = Diag::default();
    let expansion = syn::parse2(item).map(|input| implementation(&input, &mut diag));
    let expansion = expansion.map_err(|error| diag.add(error)).ok().flatten();
    diag.into_errors().unwrap_or_else(|| expansion.unwrap_or_default())
}

fn implementation(input: &DeriveInput, diag: &mut Diag) -> Option<TokenStream> {
    let door = door(&input.attrs, diag);
    let Data::Enum(data) = &input.data else {
        diag.at(&input.ident, NO_ENUM);
        return None;
    };
    if data.variants.is_empty() {
        diag.at(&input.ident, "an enum without variants has no value: add a variant");
    }
    let arms = data.variants.iter().map(|variant| {
        let (ident, text) = (&variant.ident, snake(&variant.ident));
        quote!(Self::#ident { .. } => #text,)
    });
    let (ident, (generics, arguments, clause)) = (&input.ident, input.generics.split_for_impl());
    Some(quote! {
        #[automatically_derived]
        impl #generics #door::Label for #ident #arguments #clause {
            fn label(&self) -> &'static str {
                match self { #(#arms)* }
            }
        }
    })
}

fn door(attrs: &[Attribute], diag: &mut Diag) -> Door {
    let mut options = Options::new("label");
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("label")) {
        match attr.meta.require_list() {
            Ok(list) => options.add(list.tokens.clone(), diag),
            Err(error) => diag.add(error),
        }
    }
    Door::new(&options)
}

/// The name in snake case: `EarlyBird` becomes `early_bird`, `HTTPError` becomes `http_error`.
fn snake(ident: &Ident) -> String {
    let name: Vec<char> = ident.unraw().to_string().chars().collect();
    let mut snake = String::new();
    for (at, letter) in name.iter().enumerate() {
        let after_small = at > 0 && !name[at - 1].is_uppercase() && name[at - 1] != '_';
        let before_small =
            at > 0 && name[at - 1].is_uppercase() && name.get(at + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (after_small || before_small) {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_named_in_snake_case() {
        for (variant, expected) in [
            ("Free", "free"),
            ("EarlyBird", "early_bird"),
            ("HTTPError", "http_error"),
            ("V2", "v2"),
            ("Http2Only", "http2_only"),
            ("Snake_Case", "snake_case"),
            ("r#Self_", "self_"),
        ] {
            assert_eq!(snake(&syn::parse_str(variant).expect("a name")), expected);
        }
    }

    #[test]
    fn enums_derive_it_and_other_items_are_errors() {
        let expanded = |item: &str| derive(item.parse().expect("tokens")).to_string();
        let whole = expanded("#[label(crate = my::fast)] enum Tier<'a> { Free, Paid { by: &'a str }, Team(u8) }");
        assert!(whole.contains("impl < 'a > my :: fast :: __private :: Label for Tier < 'a >"), "{whole}");
        assert!(whole.contains("Self :: Paid { .. } => \"paid\" ,"), "{whole}");
        assert!(expanded("struct Tier;").contains(NO_ENUM));
        assert!(expanded("enum Never {}").contains("has no value"));
        assert!(expanded("#[label(crat = x)] enum A { B }").contains("did you mean `crate`?"));
        assert!(expanded("#[label] enum A { B }").contains("compile_error"));
        assert!(expanded("fn f() {}").contains("compile_error"));
    }
}
