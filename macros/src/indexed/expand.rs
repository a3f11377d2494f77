//! May use: indexed/condition, indexed/model, indexed/options, indexed/record, indexed/scopes, indexed/syntax, template.
//!
//! The model's fields as typed paths, its indexes as one constant, and its scopes as another.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Ident, ext::IdentExt};

use super::{
    condition::Condition,
    model::{Declared, Index, Model},
    options::Options,
    record::{Field, Record, Stored},
    scopes::{self, Scope},
    syntax::{Kind, Path, Step},
};
use crate::template::Format;

/// The expansion.
pub(super) fn expand(model: &Model) -> TokenStream {
    let door = &model.door;
    let door = quote!(#door::index);
    let fields = fields(&model.record, &door);
    let indexes = model.declared.as_ref().map(|declared| indexes(declared, &model.record, &door));
    quote! {
        #[allow(clippy::all, clippy::pedantic, missing_debug_implementations, non_camel_case_types, private_interfaces)]
        #[allow(unreachable_pub, unused)]
        const _: () = {
            #fields
            #indexes
        };
    }
}

fn stored(record: &Record) -> impl Iterator<Item = &Field> {
    record.fields.iter().filter(|field| !matches!(field.stored, Stored::Nowhere))
}

/// The list of stored names, and a struct of paths with the fields' Rust names.
fn fields(record: &Record, door: &TokenStream) -> TokenStream {
    let Record { ident, generics, .. } = record;
    let set = format_ident!("__{ident}Fields");
    let owned = owned(generics);
    let (_, of, bounds) = owned.split_for_impl();
    let mut wider = owned.clone();
    wider.params.push(syn::parse_quote!(__M: 'static));
    wider.params.push(syn::parse_quote!(__P: #door::At));
    let (params, set_of, _) = wider.split_for_impl();
    let names: Vec<_> = stored(record).map(|field| &field.ident).collect();
    let types = stored(record).map(|field| field.path_type(door));
    let numbers = 0_usize..;
    let segments = stored(record).map(|field| segment(field, door));
    let (plain, _, _) = owned.split_for_impl();
    quote! {
        pub struct #set #params #bounds {
            #(pub #names: #door::Path<__M, #types, #door::In<__P, #ident #of, #numbers>>,)*
        }

        impl #params #door::FieldSet for #set #set_of #bounds {
            const ALL: &'static Self = &#set { #(#names: #door::Path::NEW,)* };
        }

        impl #plain #door::Nested for #ident #of #bounds {
            type Fields<__M: 'static, __P: #door::At> = #set #set_of;
        }

        impl #plain #door::Segments for #ident #of #bounds {
            const SEGMENTS: &'static [#door::Segment] = {
                use #door::Unknown as _;
                &[#(#segments,)*]
            };
        }
    }
}

/// The generics, with every type parameter owning its data.
fn owned(generics: &syn::Generics) -> syn::Generics {
    let mut generics = generics.clone();
    for param in generics.type_params_mut() {
        param.default = None;
        param.bounds.push(syn::parse_quote!('static));
    }
    for param in &mut generics.params {
        if let syn::GenericParam::Const(param) = param {
            param.default = None;
        }
    }
    generics
}

fn segment(field: &Field, door: &TokenStream) -> TokenStream {
    let name = match &field.stored {
        Stored::As(name) => quote!(::core::option::Option::Some(#name)),
        Stored::Flattened | Stored::Nowhere => quote!(::core::option::Option::None),
    };
    let ty = field.path_type(door);
    quote!(#door::Segment { name: #name, array: #door::Ask::<#ty>::ARRAY, holds: #door::Ask::<#ty>::HOLDS })
}

fn indexes(declared: &Declared, record: &Record, door: &TokenStream) -> TokenStream {
    let Record { ident, generics, .. } = record;
    let owned = owned(generics);
    let (params, of, bounds) = owned.split_for_impl();
    let collection = &declared.collection;
    let mut places = Places { record, door, lines: Vec::new(), entries: 0, steps: 0 };
    let specs: Vec<_> = declared.indexes.iter().map(|index| spec(index, &mut places)).collect();
    let lines = &places.lines;
    // What the types together tell is checked when the constant is made, so it is made even if nothing uses it.
    let made = generics
        .params
        .is_empty()
        .then(|| quote!(const _: &'static [#door::IndexSpec] = <#ident as #door::Indexed>::INDEXES;));
    let scopes = scopes(&declared.scopes, record, door);
    let made_too = (generics.params.is_empty() && scopes.is_some())
        .then(|| quote!(const _: &'static [#door::Scope] = <#ident as #door::Indexed>::SCOPES;));
    quote! {
        impl #params #door::Indexed for #ident #of #bounds {
            const COLLECTION: &'static str = #collection;
            const INDEXES: &'static [#door::IndexSpec] = {
                let __root = #door::root::<Self>();
                #(#lines)*
                &[#(#specs,)*]
            };
            #scopes
        }
        #made
        #made_too
    }
}

/// The constant of the scopes, if there are any.
fn scopes(scopes: &[Scope], record: &Record, door: &TokenStream) -> Option<TokenStream> {
    let mut places = Places { record, door, lines: Vec::new(), entries: 0, steps: 0 };
    let specs: Vec<_> = scopes.iter().map(|scope| scope_spec(scope, &mut places)).collect();
    let lines = &places.lines;
    (!specs.is_empty()).then(|| {
        quote! {
            const SCOPES: &'static [#door::Scope] = {
                let __root = #door::root::<Self>();
                #(#lines)*
                &[#(#specs,)*]
            };
        }
    })
}

fn scope_spec(scope: &Scope, places: &mut Places<'_>) -> TokenStream {
    let door = places.door;
    let pieces: Vec<_> = scope
        .pieces
        .iter()
        .map(|piece| match piece {
            scopes::Piece::Text(text) => quote!(#door::ScopePiece::Text(#text)),
            scopes::Piece::Field(path, format) => scope_field(path, *format, places),
        })
        .collect();
    let (text, prefix) = (&scope.text, scope.prefix);
    quote!(#door::Scope { text: #text, pieces: &[#(#pieces),*], prefix: #prefix })
}

/// A field by its stored names, and how its value is written: as a key of a parameter of the field's type has it.
fn scope_field(path: &Path, format: Format, places: &mut Places<'_>) -> TokenStream {
    let (span, typed) = (path.span(), places.path(path));
    let steps = places.steps(path);
    let door = located(places.door, span);
    places.lines.push(quote_spanned!(span=> #door::single(#steps);));
    let root = Ident::new("__root", Span::call_site().located_at(span));
    let part = match format {
        Format::Plain => quote_spanned!(span=> (&#door::Arg(&__value)).__part()),
        Format::Lower => quote_spanned!(span=> #door::lower(&__value)),
        Format::Hash => quote_spanned!(span=> #door::digest(&__value)),
    };
    quote_spanned! {span=>
        #door::ScopePiece::Field {
            path: #steps.names(),
            write: |__value, __out| {
                use #door::ladder::*;
                let #root = #door::root::<Self>();
                let ::core::option::Option::Some(__value) = #door::read(__value, #typed) else {
                    return false;
                };
                #door::write(&#part, __out)
            },
        }
    }
}

/// The places that the indexes name, each found by a line of its own, on which the compiler checks it.
struct Places<'a> {
    record: &'a Record,
    door: &'a TokenStream,
    lines: Vec<TokenStream>,
    entries: usize,
    steps: usize,
}

impl Places<'_> {
    /// An expression for the typed path, as a reference.
    fn path(&mut self, path: &Path) -> TokenStream {
        let door = self.door;
        let root = Ident::new("__root", Span::call_site().located_at(path.span()));
        let mut found = quote!(#root);
        for (at, step) in path.0.iter().enumerate() {
            match step {
                Step::Field(name) => {
                    let name = if at == 0 { self.own(name) } else { name.clone() };
                    let span = name.span();
                    let parent = if at == 0 { found } else { below(door, &path.0[at - 1], &found) };
                    found = quote_spanned!(span=> &#parent.#name);
                }
                Step::Entry(key) => {
                    let marker = format_ident!("__Key{}", self.entries);
                    self.entries += 1;
                    self.lines.push(quote! {
                        struct #marker;
                        impl #door::Key for #marker { const KEY: &'static str = #key; }
                    });
                    let (span, door) = (key.span(), located(door, key.span()));
                    found = quote_spanned!(span=> #door::entry::<#marker, _, _, _>(#found));
                }
            }
        }
        found
    }

    /// The name as the struct spells it, where the attribute does.
    fn own(&self, name: &Ident) -> Ident {
        let found = self.record.fields.iter().find(|field| name.unraw() == field.name());
        let mut ident = found.map_or_else(|| name.clone(), |field| field.ident.clone());
        ident.set_span(name.span());
        ident
    }

    /// A new variable that holds the way to the place.
    fn steps(&mut self, path: &Path) -> Ident {
        let (door, typed) = (self.door, self.path(path));
        let variable = format_ident!("__at{}", self.steps);
        self.steps += 1;
        let door = located(door, path.span());
        let line = quote_spanned!(path.span()=> let #variable = #door::steps(#typed););
        self.lines.push(line);
        variable
    }
}

fn below(door: &TokenStream, step: &Step, path: &TokenStream) -> TokenStream {
    let span = match step {
        Step::Field(name) => name.span(),
        Step::Entry(key) => key.span(),
    };
    let door = located(door, span);
    quote_spanned!(span=> #door::below(#path))
}

/// The path to the runtime, with errors of what is called there on the user's tokens.
fn located(door: &TokenStream, span: Span) -> TokenStream {
    let place = |mut token: TokenTree| {
        token.set_span(token.span().located_at(span));
        token
    };
    door.clone().into_iter().map(place).collect()
}

fn spec(index: &Index, places: &mut Places<'_>) -> TokenStream {
    let door = places.door;
    if index.options.expire_after.is_some() {
        let (path, span) = (places.path(&index.keys[0].path), index.keys[0].path.span());
        let door = located(door, span);
        places.lines.push(quote_spanned!(span=> #door::date(#path);));
    }
    let mut keys = Vec::new();
    for key in &index.keys {
        let kind = kind(key.kind, door);
        keys.push(if key.path.0.is_empty() {
            (quote!(#door::Field { path: &[], kind: #kind }), None)
        } else {
            let steps = places.steps(&key.path);
            (quote!(#door::field(#steps, #kind)), Some(quote!((#kind, #steps))))
        });
    }
    let told: Vec<_> = keys.iter().filter_map(|(_, told)| told.as_ref()).collect();
    if told.len() > 1 || index.keys[0].kind == Kind::Hashed {
        let door = located(door, index.span);
        places.lines.push(quote_spanned!(index.span=> #door::arrays(&[#(#told),*]);));
    }
    let partial: Vec<_> = index.options.partial.iter().map(|condition| partial(condition, places)).collect();
    let partial = (!partial.is_empty()).then(|| quote!(partial: &[#(#partial),*],));
    let options = options(&index.options, door);
    let fields = keys.iter().map(|(field, _)| field);
    quote! {
        #door::IndexSpec { fields: &[#(#fields),*], #partial #options ..#door::IndexSpec::PLAIN }
    }
}

fn kind(kind: Kind, door: &TokenStream) -> TokenStream {
    let name = match kind {
        Kind::Ascending => "Ascending",
        Kind::Descending => "Descending",
        Kind::Text { weight } => return quote!(#door::Kind::Text { weight: #weight }),
        Kind::Sphere => "Sphere",
        Kind::Plane => "Plane",
        Kind::Hashed => "Hashed",
        Kind::Wildcard => "Wildcard",
    };
    let name = format_ident!("{name}");
    quote!(#door::Kind::#name)
}

fn partial(condition: &Condition, places: &mut Places<'_>) -> TokenStream {
    let door = places.door;
    let steps = places.steps(&condition.path);
    let literals: Vec<_> = condition.literals.iter().map(|literal| literal.tokens(door)).collect();
    if !literals.is_empty() {
        let (span, door) = (condition.path.span(), located(door, condition.path.span()));
        places.lines.push(quote_spanned!(span=> #door::compares(#steps, &[#(#literals),*]);));
    }
    let variant = format_ident!("{}", condition.operator);
    let operand = match condition.operator {
        "Exists" => None,
        "OneOf" => Some(quote!((&[#(#literals),*]))),
        _ => Some(quote!((#(#literals),*))),
    };
    quote!(#door::Condition { path: #steps.names(), operator: #door::Operator::#variant #operand })
}

/// The options that were given; the others are those of `IndexSpec::PLAIN`.
fn options(options: &Options, door: &TokenStream) -> TokenStream {
    let flag = |name: &str, given: bool| {
        let name = format_ident!("{name}");
        given.then(|| quote!(#name: true,))
    };
    let collation = options.collation.as_ref().map(|collation| {
        let locale = &collation.locale;
        let strength = option(collation.strength);
        let numeric_ordering = option(collation.numeric_ordering);
        quote!(#door::Collation { locale: #locale, strength: #strength, numeric_ordering: #numeric_ordering })
    });
    let bounds = options.bounds.map(|(min, max)| quote!((#min, #max)));
    let given = [
        flag("unique", options.unique),
        flag("sparse", options.sparse),
        flag("hidden", options.hidden),
        some("name", options.name.as_ref()),
        some("expire_after", options.expire_after),
        some("collation", collation),
        some("default_language", options.default_language.as_ref()),
        some("language_override", options.language_override.as_ref()),
        some("bits", options.bits),
        some("bounds", bounds),
    ];
    given.into_iter().flatten().collect()
}

fn some(name: &str, value: Option<impl ToTokens>) -> Option<TokenStream> {
    let name = format_ident!("{name}");
    value.map(|value| quote!(#name: ::core::option::Option::Some(#value),))
}

fn option(value: Option<impl ToTokens>) -> TokenStream {
    value.map_or_else(|| quote!(::core::option::Option::None), |value| quote!(::core::option::Option::Some(#value)))
}
