//! Paths in a document as expressions whose types the compiler checks, with its errors at the user's tokens.
//!
//! May use: indexed/record, indexed/syntax.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, ext::IdentExt};

use crate::indexed::{
    record::Record,
    syntax::{Path, Step},
};

/// The paths that the indexes or scopes of a model name, and a statement for each, by which the compiler checks it.
pub(super) struct Places<'a> {
    record: &'a Record,
    pub(super) door: &'a TokenStream,
    pub(super) lines: Vec<TokenStream>,
    entries: usize,
    steps: usize,
}

impl<'a> Places<'a> {
    pub(super) fn new(record: &'a Record, door: &'a TokenStream) -> Self {
        Self { record, door, lines: Vec::new(), entries: 0, steps: 0 }
    }

    /// The expression of a reference to the typed path.
    pub(super) fn path(&mut self, path: &Path) -> TokenStream {
        let door = self.door;
        let root = Ident::new("__root", Span::call_site().located_at(path.span()));
        let mut found = quote!(#root);
        for (at, step) in path.0.iter().enumerate() {
            match step {
                Step::Field(name) => {
                    let name = if at == 0 { self.spelled_in_struct(name) } else { name.clone() };
                    let span = name.span();
                    let parent = if at == 0 { found } else { below(door, &path.0[at - 1], &found) };
                    found = quote_spanned!(span=> &#parent.#name);
                }
                Step::Entry(key) | Step::Element(key) => {
                    let marker = format_ident!("__Key{}", self.entries);
                    self.entries += 1;
                    self.lines.push(quote! {
                        struct #marker;
                        impl #door::MapKey for #marker { const KEY: &'static str = #key; }
                    });
                    let (span, door) = (key.span(), located(door, key.span()));
                    let call = if matches!(step, Step::Entry(_)) { "map_entry" } else { "list_element" };
                    let call = Ident::new(call, span);
                    found = quote_spanned!(span=> #door::#call::<#marker, _, _, _>(#found));
                }
            }
        }
        found
    }

    /// The identifier of the field in the struct, with the span of the name in the attribute.
    fn spelled_in_struct(&self, name: &Ident) -> Ident {
        let found = self.record.fields.iter().find(|field| name.unraw() == field.name());
        let mut ident = found.map_or_else(|| name.clone(), |field| field.ident.clone());
        ident.set_span(name.span());
        ident
    }

    /// A new variable that holds the steps of the path.
    pub(super) fn steps(&mut self, path: &Path) -> Ident {
        let (door, typed) = (self.door, self.path(path));
        let variable = format_ident!("__at{}", self.steps);
        self.steps += 1;
        let door = located(door, path.span());
        let line = quote_spanned!(path.span()=> let #variable = #door::path_steps(#typed););
        self.lines.push(line);
        variable
    }
}

fn below(door: &TokenStream, step: &Step, path: &TokenStream) -> TokenStream {
    let span = match step {
        Step::Field(name) => name.span(),
        Step::Entry(key) | Step::Element(key) => key.span(),
    };
    let door = located(door, span);
    quote_spanned!(span=> #door::nested_fields(#path))
}

/// The path to the runtime with another span, so that errors about a call through it appear at the user's tokens.
pub(super) fn located(door: &TokenStream, span: Span) -> TokenStream {
    let place = |mut token: TokenTree| {
        token.set_span(token.span().located_at(span));
        token
    };
    door.clone().into_iter().map(place).collect()
}
