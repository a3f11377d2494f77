//! The options of a model's collection as a constant.
//!
//! May use: indexed/{field, record, storage}, indexed/expand/places.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};

use super::places::{Places, located};
use crate::indexed::{
    field::{Field, StoredAs},
    record::Record,
    storage::{Series, Storage},
};

/// The constant, if an option is given.
pub(super) fn constant(storage: &Storage, record: &Record, door: &TokenStream) -> Option<TokenStream> {
    if !storage.is_given() {
        return None;
    }
    let mut places = Places::new(record, door);
    let series = storage.time_series.as_ref().map(|series| {
        let series = self::series(series, &mut places);
        quote!(time_series: ::core::option::Option::Some(#series),)
    });
    let capped = storage.capped.map(|(bytes, documents)| {
        let documents = option(documents);
        quote!(capped: ::core::option::Option::Some(#door::Capped { bytes: #bytes, documents: #documents }),)
    });
    let flags = storage.flags.iter().map(|name| match *name {
        "validator" => {
            let fields = checked(record, door);
            quote!(validator: ::core::option::Option::Some(#fields),)
        }
        name => {
            let name = format_ident!("{name}");
            quote!(#name: true,)
        }
    });
    let lines = &places.lines;
    Some(quote! {
        const COLLECTION_OPTIONS: #door::CollectionOptions = {
            let __root = #door::root::<Self>();
            #(#lines)*
            #door::CollectionOptions { #series #capped #(#flags)* ..#door::CollectionOptions::DEFAULT }
        };
    })
}

/// The fields whose types the server can check. In an enum, the content of a variant may store other types under the names of another
/// variant's fields, so that only the tag is certain.
fn checked(record: &Record, door: &TokenStream) -> TokenStream {
    let segments = quote!(<Self as #door::StoredFields>::SEGMENTS);
    let Some(tag) = &record.tag else { return segments };
    if !record.fields.iter().any(|field| matches!(field.stored, StoredAs::Flattened)) {
        return segments;
    }
    let is_tag = |field: &Field| matches!(&field.stored, StoredAs::Name(name) if name == tag);
    match record.stored().position(is_tag) {
        Some(tag) => quote!(#segments.split_at(#tag).1.split_at(1).0),
        None => quote!(&[]),
    }
}

fn series(series: &Series, places: &mut Places<'_>) -> TokenStream {
    let door = places.door;
    let (path, span) = (places.path(&series.time), series.time.span());
    let located = located(door, span);
    places.lines.push(quote_spanned!(span=> #located::require_date(#path);));
    let time = places.steps(&series.time);
    let meta = option(series.meta.as_ref().map(|meta| {
        let steps = places.steps(meta);
        quote!(#steps.names()[0])
    }));
    let (granularity, expire_after) = (option(series.granularity), option(series.expire_after));
    quote! {
        #door::TimeSeries {
            time: #time.names()[0],
            meta: #meta,
            granularity: #granularity,
            expire_after: #expire_after,
        }
    }
}

fn option(value: Option<impl ToTokens>) -> TokenStream {
    value.map_or_else(|| quote!(::core::option::Option::None), |value| quote!(::core::option::Option::Some(#value)))
}
