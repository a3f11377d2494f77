//! The typed handle beside a cached function: `USERS.get(&id)`, `.put(..)`, `.invalidate(..)`, `.refresh(..)`, `.key(..)`.
//!
//! Invariant: its methods take the arguments that are in the key, by reference, and share the function's static.
//!
//! May use: emit, key, options, signature, stored, subject.

use proc_macro2::TokenStream;
use syn::Ident;

use super::model::Model;
use crate::{
    emit::{self, Site, View, code},
    signature::{is_cfg, without_lifetimes},
    subject::Subject,
};

/// The handle's type and its methods.
pub(crate) fn expand(model: &Model, name: &Ident) -> TokenStream {
    let Model { subject, stored, .. } = model;
    let (door, vis) = (&subject.door, &subject.function.vis);
    let function = subject.function.name();
    let doc = format!("The cache of `{function}`: reads and writes its entries without calling it.");
    let statics = Site { subject, stored, kind: "Cacheable" }.statics();
    let (methods, imports) = (methods(model), emit::imports(door));
    // Where the function is not compiled, neither are its types, perhaps.
    let cfgs: Vec<_> = subject.function.attrs.iter().filter(|attr| is_cfg(attr)).collect();
    // The types of the parameters are the user's, and so are the lints that they would raise here again.
    code! {
        #(#cfgs)*
        #[doc = #doc]
        #[allow(non_camel_case_types)]
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
        #vis struct #name;

        #(#cfgs)*
        #[allow(dead_code, clippy::ptr_arg, clippy::pedantic)]
        impl #name {
            fn __site() -> &'static #door::Site {
                #imports
                #statics
                &__SITE
            }
            fn __here() -> #door::Here {
                static __PLACE: #door::Instantiation =
                    #door::Instantiation::named::<#name>(::core::concat!(::core::module_path!(), "::", #function));
                #door::Here::new(&__PLACE)
            }
            #methods
        }
    }
}

fn methods(model: &Model) -> TokenStream {
    let Model { subject, stored, .. } = model;
    let door = &subject.door;
    let (borrow, on) = emit::on(subject.on.as_ref());
    let imports = emit::imports(door);
    let shared = Shared {
        params: params(model),
        import: code!(#imports #borrow),
        on,
        shape: emit::shape(subject, stored.options.is_given("share_error")),
        key: emit::key(subject, &stored.key, &code!(__fastness_NoScope), View::ByRef),
    };
    [reading(model, &shared), writing(model, &shared), naming(model, &shared)].into_iter().collect()
}

/// What the methods have in common.
struct Shared {
    params: TokenStream,
    import: TokenStream,
    on: TokenStream,
    shape: TokenStream,
    key: TokenStream,
}

fn reading(model: &Model, shared: &Shared) -> TokenStream {
    let Model { subject, stored, .. } = model;
    let Subject { door, function, returns, .. } = subject;
    let (vis, Shared { params, import, on, shape, key }) = (&function.vis, shared);
    let tags = emit::tags(subject, &stored.tags, View::ByRef);
    let policy = emit::policy(subject, "policy", &stored.options);
    code! {
        /// The stored value, if there is one that may be served; never runs the function.
        #vis async fn get(&self, #params) -> ::core::option::Option<#returns> {
            #import
            let (__here, __shape) = (Self::__here(), #shape);
            #door::handle_get(#on, Self::__site(), __here, __shape, &#key, #tags, #policy).await
        }
    }
}

fn writing(model: &Model, shared: &Shared) -> TokenStream {
    let Model { subject, stored, .. } = model;
    let Subject { door, function, returns, .. } = subject;
    let (vis, Shared { params, import, on, shape, key }) = (&function.vis, shared);
    let tags = emit::tags(subject, &stored.tags, View::ByRef);
    let policy = emit::policy(subject, "policy", &stored.options);
    code! {
        /// Stores a value as if the function had returned it.
        #vis async fn put(&self, #params __value: #returns) {
            #import
            let (__here, __shape) = (Self::__here(), #shape);
            #door::handle_put(#on, Self::__site(), __here, __shape, &#key, #tags, #policy, __value).await
        }
        /// Makes sure that the stored value is not served again, and says how far that got.
        #vis async fn invalidate(&self, #params) -> #door::Reach {
            #import
            #door::handle_invalidate(#on, Self::__site(), Self::__here(), &#key).await
        }
        /// Expires what is stored, and says how far that got: the next call runs the function, and until it has, `stale` decides
        /// what others are served.
        #vis async fn refresh(&self, #params) -> #door::Reach {
            #import
            #door::handle_refresh(#on, Self::__site(), Self::__here(), &#key).await
        }
    }
}

fn naming(model: &Model, shared: &Shared) -> TokenStream {
    let Subject { door, function, .. } = &model.subject;
    let (vis, Shared { params, key, .. }) = (&function.vis, shared);
    let import = emit::imports(door);
    code! {
        /// The key's text, in full.
        #[must_use]
        #vis fn key(&self, #params) -> ::std::string::String {
            #import
            #door::handle_key(Self::__site(), Self::__here(), &#key)
        }
        #[doc(hidden)]
        #vis fn __scope(&self, __scopes: &mut #door::Scopes, #params) {
            #import
            __scopes.add_site(Self::__site(), Self::__here(), &#key);
        }
    }
}

/// The parameters that are in the key, by reference, each with its comma.
fn params(model: &Model) -> TokenStream {
    let Model { subject, stored, .. } = model;
    let in_key = subject.params.names.iter().enumerate().filter(|(index, _)| stored.key.names_param(*index));
    in_key
        .filter_map(|(_, param)| {
            let (name, ty) = (&param.ident, without_lifetimes(param.ty.as_ref()?));
            Some(if param.is_reference() { code!(#name: #ty,) } else { code!(#name: &#ty,) })
        })
        .collect()
}
