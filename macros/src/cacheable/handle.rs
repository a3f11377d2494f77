//! May use: emit, key, policy, signature, stored, subject.
//!
//! The typed handle beside a cached function: `USERS.get(&id)`, `.put(..)`, `.invalidate(..)`, `.refresh(..)`, `.key(..)`.
//!
//! Invariant: its methods take the arguments that are in the key, by reference, and share the function's static.

use proc_macro2::TokenStream;
use syn::{Ident, Type};

use super::model::Model;
use crate::{
    emit::{self, Site, View, code},
    signature::without_lifetimes,
};

/// The handle's type and its methods.
pub(crate) fn expand(model: &Model, name: &Ident) -> TokenStream {
    let Model {
        subject, stored, ..
    } = model;
    let (door, vis) = (&subject.door, &subject.function.vis);
    let function = subject.function.name();
    let doc =
        format!("The cache of [`{function}`]: reads and writes its entries without calling it.");
    let statics = Site {
        subject,
        stored,
        kind: "Cacheable",
    }
    .statics();
    let methods = methods(model);
    // The types of the parameters are the user's, and so are the lints that they would raise here again.
    code! {
        #[doc = #doc]
        #[allow(non_camel_case_types)]
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
        #vis struct #name;

        #[allow(dead_code, clippy::ptr_arg, clippy::pedantic)]
        impl #name {
            fn __site() -> &'static #door::Site {
                #statics
                &__SITE
            }
            fn __here() -> #door::Here {
                #door::Here::named::<Self>(::core::concat!(::core::module_path!(), "::", #function))
            }
            #methods
        }
    }
}

fn methods(model: &Model) -> TokenStream {
    let Model {
        subject,
        stored,
        loading,
        ..
    } = model;
    let (door, vis, returns) = (&subject.door, &subject.function.vis, &subject.returns);
    let params = params(model);
    let (borrow, on) = emit::on(subject.on.as_ref());
    let shape = emit::shape(subject, loading.shares_errors());
    let parts = emit::key(subject, &stored.key, &code!(#door::NoScope), View::ByRef);
    let tags = emit::tags(subject, &stored.tags, View::ByRef);
    let policy = emit::policy(subject, &code!(__shape), &stored.storing, Some(loading));
    let import = code!(#[allow(unused_imports)] use #door::ladder::*;);
    let site = code!(Self::__site(), Self::__here());
    code! {
        /// The stored value, if there is one that may be served; never runs the function.
        #vis async fn get(&self, #params) -> ::core::option::Option<#returns> {
            #import #borrow
            #door::handle_get(#on, #site, #shape, &#parts).await
        }
        /// Stores a value as if the function had returned it.
        #vis async fn put(&self, #params __value: #returns) {
            #import #borrow
            let __shape = #shape;
            #door::handle_put(#on, #site, __shape, &#parts, #tags, #policy, __value).await
        }
        /// Makes sure that the stored value is not served again.
        #vis async fn invalidate(&self, #params) {
            #import #borrow
            #door::handle_invalidate(#on, #site, &#parts).await
        }
        /// Makes the next call run the function, while others are still served the stored value.
        #vis async fn refresh(&self, #params) {
            #import #borrow
            #door::handle_refresh(#on, #site, #shape, &#parts).await
        }
        /// The key under which the value is stored.
        #[must_use]
        #vis fn key(&self, #params) -> ::std::string::String {
            #import
            #door::handle_key(#site, &#parts)
        }
        #[doc(hidden)]
        #vis fn __scope(&self, __scopes: &mut #door::Scopes, #params) {
            #import
            let (__site, __here) = (#site);
            __scopes.add_site(__site, __here, &#parts);
        }
    }
}

/// The parameters that are in the key, by reference, each with its comma.
fn params(model: &Model) -> TokenStream {
    let Model {
        subject, stored, ..
    } = model;
    let in_key = subject
        .params
        .names
        .iter()
        .enumerate()
        .filter(|(index, _)| stored.key.names_param(*index));
    in_key
        .filter_map(|(_, param)| {
            let (name, ty) = (&param.ident, without_lifetimes(param.ty.as_ref()?));
            Some(match ty {
                Type::Reference(_) => code!(#name: #ty,),
                ty => code!(#name: &#ty,),
            })
        })
        .collect()
}
