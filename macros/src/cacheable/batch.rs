//! A batch: one lookup for each element, then one run of the body for the elements that are missing.
//!
//! May use: emit, key, options, signature, stored, subject, cacheable/owned.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::Type;

use super::{model::Model, owned::owned_for};
use crate::{
    emit::{self, Owned, Run, Site, View, code},
    signature::without_lifetimes,
    subject::Subject,
};

/// The number of elements of a merged run beyond which no call joins it, if none is given.
const MERGE_MAX: usize = 100;

/// The expansion for a batch over the parameter of this index.
pub(crate) fn expand(model: &Model, index: usize) -> TokenStream {
    let subject = &model.subject;
    let Some((name, ty)) = subject.params.names.get(index).and_then(|param| Some((&param.ident, param.ty.as_ref()?)))
    else {
        return TokenStream::new();
    };
    let (door, ty) = (&subject.door, without_lifetimes(ty));
    let prologue = prologue(model, index);
    let lend = code!(let #name: #ty = #door::BatchIds::lend(&__missing););
    let run = if owned_for(&model.stored.options).is_some() {
        spawned(subject, index, &lend)
    } else {
        let mut run = Run::new(subject, "load_batch", code!(__batch));
        run.first = lend;
        let run = run.tokens();
        code!(let __missing = __batch.missing(); #run)
    };
    // A list that the function owns is not needed any more, because the body gets a list of the missing elements.
    let done = (!matches!(ty, Type::Reference(_))).then(|| code!(::core::mem::drop(#name);));
    emit::whole(subject, &quote!(#prologue #done #run))
}

/// A body that may run in a task, which owns everything that the body uses.
fn spawned(subject: &Subject, index: usize, lend: &TokenStream) -> TokenStream {
    let Owned { before, first, body } = Owned::beside(subject, index);
    let (door, body) = (&subject.door, emit::body(subject, &code!(#first #lend), &body));
    code!(#before #door::load_batch_spawned(__batch, move |__missing| #body).await)
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
    // The user's condition must not see the imports of the prologue.
    let condition = stored.options.expr("condition").map(|condition| code!(let __condition: bool = #condition;));
    let when = condition.is_some().then(|| code!(.when(__condition)));
    let merge = merge(model, index);
    let fetch = if subject.returns.blocks() { code!(__batch.block();) } else { code!(__batch.fetch().await;) };
    code! {
        #condition
        let __batch = {
            #imports
            #statics
            #instance
            #borrow
            #named
            let __shape = #shape;
            let mut __batch = __SITE.batch(#on, __instance, __shape, #policy) #when #merge;
            #lookups
            #fetch
            if let ::core::option::Option::Some(__hit) = __batch.complete() {
                return __hit;
            }
            __batch
        };
    }
}

/// `.merge(&(NAMESPACE, PARTS), wait, max)`, with the parts that all elements have in common.
fn merge(model: &Model, index: usize) -> Option<TokenStream> {
    let Model { subject, stored, .. } = model;
    let wait = emit::argument("merge", &stored.options, &subject.door)?;
    let max = emit::argument("merge_max", &stored.options, &subject.door).unwrap_or_else(|| code!(#MERGE_MAX));
    let namespace = emit::required_namespace(subject, stored, View::Here);
    let common = emit::key_beside(subject, &stored.key, &namespace, index);
    Some(code!(.merge(&#common, #wait, #max)))
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
