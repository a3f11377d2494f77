//! The model's fields as typed paths, its indexes as one constant, and its scopes as another.
//!
//! May use: indexed/{field, index, model, record}, indexed/expand/{indexes, places, scopes, storage}.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::{
    field::{Field, StoredAs},
    index::Index,
    model::{Declared, Model},
    record::Record,
};

mod indexes;
mod places;
mod scopes;
mod storage;

use places::Places;

/// The expansion.
pub(super) fn expand(model: &Model) -> TokenStream {
    let door = &model.door;
    let door = quote!(#door::index);
    let fields = fields(&model.record, &door);
    let declared = model.declared.as_ref().map(|declared| self::declared(declared, &model.record, &door));
    quote! {
        #[allow(clippy::all, clippy::pedantic, missing_debug_implementations, non_camel_case_types, private_interfaces)]
        #[allow(unreachable_pub, unused)]
        const _: () = {
            #fields
            #declared
        };
    }
}

/// The list of stored names, and a struct with a typed path for each field, by its Rust name.
fn fields(record: &Record, door: &TokenStream) -> TokenStream {
    let Record { ident, generics, .. } = record;
    let set = format_ident!("__{ident}Fields");
    let owned = owned(generics);
    let (_, of, bounds) = owned.split_for_impl();
    let mut wider = owned.clone();
    wider.params.push(syn::parse_quote!(__M: 'static));
    wider.params.push(syn::parse_quote!(__P: #door::FieldLocation));
    let (params, set_of, _) = wider.split_for_impl();
    let names: Vec<_> = record.stored().map(|field| &field.ident).collect();
    let types = record.stored().map(|field| field.path_type(door));
    let numbers = 0_usize..;
    let segments = record.stored().map(|field| segment(field, door));
    let (plain, _, _) = owned.split_for_impl();
    quote! {
        pub struct #set #params #bounds {
            #(pub #names: #door::FieldPath<__M, #types, #door::StructField<__P, #ident #of, #numbers>>,)*
        }

        impl #params #door::FieldSet for #set #set_of #bounds {
            const ALL: &'static Self = &#set { #(#names: #door::FieldPath::NEW,)* };
        }

        impl #plain #door::Nested for #ident #of #bounds {
            type Fields<__M: 'static, __P: #door::FieldLocation> = #set #set_of;
        }

        impl #plain #door::StoredFields for #ident #of #bounds {
            const SEGMENTS: &'static [#door::StoredField] = {
                use #door::DefaultFacts as _;
                &[#(#segments,)*]
            };
        }
    }
}

/// The generics without defaults, with the bound `'static` on every type parameter.
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
        StoredAs::Name(name) => quote!(::core::option::Option::Some(#name)),
        StoredAs::Flattened | StoredAs::Nowhere => quote!(::core::option::Option::None),
    };
    let ty = field.path_type(door);
    let null = if field.skip_if { quote!(false) } else { quote!(#door::TypeFacts::<#ty>::NULL) };
    quote! {
        #door::StoredField {
            name: #name,
            array: #door::TypeFacts::<#ty>::ARRAY,
            null: #null,
            nullable: #door::TypeFacts::<#ty>::NULL,
            holds: #door::TypeFacts::<#ty>::HOLDS,
            items: #door::TypeFacts::<#ty>::ITEMS,
        }
    }
}

/// The implementation for a model with a collection: its indexes and scopes.
fn declared(declared: &Declared, record: &Record, door: &TokenStream) -> TokenStream {
    let Record { ident, generics, .. } = record;
    let owned = owned(generics);
    let (params, of, bounds) = owned.split_for_impl();
    let collection = &declared.collection;
    let mut places = Places::new(record, door);
    let longer = |index: &Index| index.longer.map(|at| &declared.indexes[at]);
    let specs: Vec<_> = declared.indexes.iter().map(|index| indexes::spec(index, longer(index), &mut places)).collect();
    let lines = &places.lines;
    // Some rules are checked when the constant is evaluated. A second constant forces that, even if nothing uses the first.
    let made = generics
        .params
        .is_empty()
        .then(|| quote!(const _: &'static [#door::DeclaredIndex] = <#ident as #door::Indexed>::INDEXES;));
    let scopes = scopes::constant(&declared.scopes, record, door);
    let storage = storage::constant(&declared.storage, record, door);
    let made_too = (generics.params.is_empty() && scopes.is_some())
        .then(|| quote!(const _: &'static [#door::ChangeScope] = <#ident as #door::Indexed>::SCOPES;));
    let made_last = (generics.params.is_empty() && storage.is_some())
        .then(|| quote!(const _: #door::CollectionOptions = <#ident as #door::Indexed>::COLLECTION_OPTIONS;));
    quote! {
        impl #params #door::Indexed for #ident #of #bounds {
            const COLLECTION: &'static str = #collection;
            const INDEXES: &'static [#door::DeclaredIndex] = {
                let __root = #door::root::<Self>();
                #(#lines)*
                &[#(#specs,)*]
            };
            #scopes
            #storage
        }
        #made
        #made_too
        #made_last
    }
}
