//! A batch: one lookup for each element, then one run of the body for the elements that are missing.
//!
//! May use: emit, key, options, signature, stored, subject.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::Type;

use super::model::Model;
use crate::{
    emit::{self, Run, Site, View, code},
    signature::without_lifetimes,
};

/// The expansion for a batch over the parameter of this index.
pub(crate) fn expand(model: &Model, index: usize) -> TokenStream {
    let subject = &model.subject;
    let Some((name, ty)) = subject.params.names.get(index).and_then(|param| Some((&param.ident, param.ty.as_ref()?)))
    else {
        return TokenStream::new();
    };
    let (door, ty) = (&subject.door, without_lifetimes(ty));
    let prologue = prologue(model, index);
    let mut run = Run::new(subject, "load_batch", code!(__batch));
    run.first = code!(let #name: #ty = #door::BatchIds::lend(&__missing););
    let run = run.tokens();
    // A list that the function owns is not needed any more, because the body gets a list of the missing elements.
    let done = (!matches!(ty, Type::Reference(_))).then(|| code!(::core::mem::drop(#name);));
    emit::whole(subject, &quote!(#prologue #done #run))
}

fn prologue(model: &Model, index: usize) -> TokenStream {
    let Model { subject, stored, .. } = model;
    let imports = emit::imports(&subject.door);
    let statics = Site { subject, stored, kind: "Batch", handle: None }.statics();
    let instance = emit::instance(subject);
    let shape = emit::shape(subject, stored.options.is_given("share_error"));
    let (borrow, on) = emit::on(subject.on.as_ref());
    let policy = emit::policy(subject, "batch_policy", &stored.options);
    let (named, lookups) = (emit::named(&subject.params), lookups(model, index));
    let fetch = if subject.returns.blocks() { code!(__batch.block();) } else { code!(__batch.fetch().await;) };
    code! {
        let (__batch, __missing) = {
            #imports
            #statics
            #instance
            #borrow
            #named
            let __shape = #shape;
            let mut __batch = __SITE.batch(#on, __instance, __shape, #policy);
            #lookups
            #fetch
            if let ::core::option::Option::Some(__hit) = __batch.complete() {
                return __hit;
            }
            let __missing = __batch.missing();
            (__batch, __missing)
        };
    }
}

/// Looks each element up under its own key.
fn lookups(model: &Model, index: usize) -> TokenStream {
    let Model { subject, stored, .. } = model;
    let door = &subject.door;
    let name = subject.params.names.get(index).map(|param| &param.ident);
    let element = Ident::new("__id", Span::mixed_site());
    let view = View::Element(index, &element);
    let namespace = emit::required_namespace(subject, stored, view);
    let key = emit::key(subject, &stored.key, &namespace, view);
    let tags = emit::tags(subject, &stored.tags, view);
    code! {
        for #element in #door::BatchIds::iter(&#name) {
            __batch.add(#element, &#key, #tags);
        }
    }
}
