//! The function with a put after its body. Key and tags are made before the body, which may consume the arguments.
//!
//! May use: emit, key, options, signature, stored, subject.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::Model;
use crate::emit::{self, Run, Site, View, code};

/// The expansion.
pub(crate) fn expand(model: &Model) -> TokenStream {
    let Model { subject, stored } = model;
    let prologue = prologue(model);
    let condition = stored.options.expr("condition").map(|condition| code!(let __put = __put.when(#condition);));
    let run = Run::new(subject, "store", code!(__put)).tokens();
    emit::whole(subject, &quote!(#prologue #condition #run))
}

fn prologue(model: &Model) -> TokenStream {
    let Model { subject, stored } = model;
    let imports = emit::imports(&subject.door);
    let statics = Site { subject, stored, kind: "Put", handle: None }.statics();
    let instance = emit::instance(subject);
    let shape = emit::shape(subject, false);
    let (borrow, on) = emit::on(subject.on.as_ref());
    let named = emit::named(&subject.params);
    let key = emit::key(subject, &stored.key, &emit::required_namespace(subject, stored, View::Here), View::Here);
    let tags = emit::tags(subject, &stored.tags, View::Here);
    let policy = emit::policy(subject, "policy", &stored.options);
    code! {
        let __put = {
            #imports
            #statics
            #instance
            #borrow
            #named
            let __shape = #shape;
            let __key = #key;
            __SITE.put(#on, __fastness_Call::new(__instance, __shape, &__key), #tags, #policy)
        };
    }
}
