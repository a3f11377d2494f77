//! The scopes of a model as a constant.
//!
//! May use: indexed/record, indexed/scopes, indexed/syntax, template.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Ident;

use super::places::{Places, located};
use crate::{
    indexed::{
        record::Record,
        scopes::{Scope, ScopePiece},
        syntax::Path,
    },
    template::Format,
};

/// The constant of the scopes, if there are any.
pub(super) fn constant(scopes: &[Scope], record: &Record, door: &TokenStream) -> Option<TokenStream> {
    let mut places = Places::new(record, door);
    let specs: Vec<_> = scopes.iter().map(|scope| spec(scope, &mut places)).collect();
    let lines = &places.lines;
    (!specs.is_empty()).then(|| {
        quote! {
            const SCOPES: &'static [#door::ChangeScope] = {
                let __root = #door::root::<Self>();
                #(#lines)*
                &[#(#specs,)*]
            };
        }
    })
}

fn spec(scope: &Scope, places: &mut Places<'_>) -> TokenStream {
    let door = places.door;
    let pieces: Vec<_> = scope
        .pieces
        .iter()
        .map(|piece| match piece {
            ScopePiece::Text(text) => quote!(#door::ScopePiece::Text(#text)),
            ScopePiece::Field(path, format) => field(path, *format, places),
        })
        .collect();
    let (text, prefix) = (&scope.text, scope.prefix);
    quote!(#door::ChangeScope { text: #text, pieces: &[#(#pieces),*], prefix: #prefix })
}

/// A field in a scope: its stored names, and a closure that writes its value as a key with a parameter of this type would.
fn field(path: &Path, format: Format, places: &mut Places<'_>) -> TokenStream {
    // One hygiene with the path to the runtime: if they differ, the compiler reports errors at the whole derive.
    let span = Span::call_site().located_at(path.span());
    let typed = places.path(path);
    let steps = places.steps(path);
    let door = located(places.door, span);
    places.lines.push(quote_spanned!(span=> #door::require_single_value(#steps);));
    let root = Ident::new("__root", span);
    let part = match format {
        Format::Plain => quote_spanned!(span=> (&#door::Arg(&__value)).__part()),
        Format::Lower => quote_spanned!(span=> #door::lower(&__value)),
        Format::Hash => quote_spanned!(span=> #door::digest(&__value)),
        Format::Display => quote_spanned!(span=> #door::by_display(&__value)),
        Format::Debug => quote_spanned!(span=> #door::by_debug(&__value)),
    };
    quote_spanned! {span=>
        #door::ScopePiece::Field {
            path: #steps.names(),
            write: |__value, __out| {
                use #door::ladder::*;
                let #root = #door::root::<Self>();
                let ::core::option::Option::Some(__value) = #door::read_field(__value, #typed) else {
                    return false;
                };
                #door::write_part(&#part, __out)
            },
        }
    }
}
