//! The function with a lookup before its body.
//!
//! Invariant: the prologue is a block of its own, so that the body does not see its imports and declarations.
//!
//! May use: emit, key, options, signature, stored, subject.

use proc_macro2::{Group, Ident, Span, TokenStream};
use quote::quote;

use super::{
    batch,
    form::{Form, Handle},
    handle,
    model::Model,
    owned::owned_for,
};
use crate::{
    emit::{self, Owned, Run, Site, View, code},
    options::Value,
    signature::{Kind, without_lifetimes},
    subject::Subject,
};

/// The expansion.
pub(crate) fn expand(model: &Model) -> TokenStream {
    match &model.form {
        Form::Plain => plain(model),
        Form::Batch(index) => batch::expand(model, *index),
        Form::Handle(declared) => {
            let (function, handle) = (plain(model), handle::declare(model, declared));
            quote!(#function #handle)
        }
    }
}

fn plain(model: &Model) -> TokenStream {
    let subject = &model.subject;
    let asked = subject.returns.kind == Kind::Asked;
    let owned = owned_for(&model.stored.options).is_some();
    if subject.returns.blocks() || (asked && !owned) {
        return emit::whole(
            subject,
            &between(model, if asked { &MissFunctions::ASKED } else { &MissFunctions::BLOCKING }),
        );
    }
    let Prologue { condition, lookup } = Prologue::new(model, &MissFunctions::AWAITED);
    let replaced = replaced(model);
    let opened = replaced.is_some().then(|| code!(let (__miss, __previous) = __miss.with_previous();));
    let (prologue, arguments) = (code!(#condition let __miss = #lookup; #opened), code!(__miss));
    if !owned {
        let first = code!(#replaced);
        let run = Run { first, ..Run::new(subject, "load", arguments) }.tokens();
        return emit::whole(subject, &quote!(#prologue #run));
    }
    let Owned { before, first, body } = Owned::new(subject);
    let first = code!(#first #replaced);
    let call = if model.stored.options.is("load", "task") { "load_task" } else { "load_spawned" };
    let run = if asked {
        spawned(subject, call, &first, &body)
    } else {
        Run { subject, call, arguments, first, body }.tokens()
    };
    emit::whole(subject, &quote!(#prologue #before #run))
}

/// A body that makes its future itself, in a task that owns everything that the body uses.
fn spawned(subject: &Subject, call: &str, first: &TokenStream, body: &Group) -> TokenStream {
    let call = Ident::new(call, Span::mixed_site());
    let (door, returns, body) = (&subject.door, without_lifetimes(&subject.returns.value), emit::inner(body));
    code! {
        __kind.finish(#door::#call(__miss, async move {
            #first
            (move || -> #returns { #body })().await
        }))
    }
}

/// A function that blocks, or makes its future itself. Its body stands between two calls instead of in a closure, which compiles
/// faster.
fn between(model: &Model, names: &MissFunctions) -> TokenStream {
    let subject = &model.subject;
    let (door, Prologue { condition, lookup }) = (&subject.door, Prologue::new(model, names));
    let (body, out) = emit::blocking_body(subject);
    let asked = subject.returns.kind == Kind::Asked;
    let end = if asked { code!(__kind.end) } else { code!(#door::end_sync) };
    let replaced = replaced(model);
    let opened = replaced.is_some().then(|| code!(let (__load, __previous) = __load.with_previous();));
    code! {
        #condition
        let __load = match #lookup {
            ::core::result::Result::Ok(__out) => return __out,
            ::core::result::Result::Err(__load) => __load,
        };
        #opened
        #replaced
        #body
        // Silences the warning about unreachable code after a body that never ends.
        #[allow(unreachable_code)]
        return #end(__load, #out);
    }
}

/// The statement that gives the body the value that it replaces, if it asks for it: `let old = previous.take(shape);`.
fn replaced(model: &Model) -> Option<TokenStream> {
    let Model { subject, stored, .. } = model;
    let Some(Value::Ident(name)) = stored.options.value("previous") else { return None };
    let (imports, shape) = (emit::imports(&subject.door), emit::shape(subject, stored.options.is_given("share_error")));
    Some(code! {
        let #name = {
            #imports
            __previous.take(#shape)
        };
    })
}

/// The names of the runtime's functions for a call that is not a hit.
struct MissFunctions {
    miss: &'static str,
    bypass: &'static str,
    /// True where the result of both goes through the kind's `begin`.
    begins: bool,
}

impl MissFunctions {
    const AWAITED: Self = Self { miss: "miss", bypass: "bypass", begins: false };
    const BLOCKING: Self = Self { miss: "begin_sync", bypass: "bypass_sync", begins: false };
    const ASKED: Self = Self { begins: true, ..Self::AWAITED };

    /// The tokens that begin a load after a miss.
    fn begun(&self, miss: TokenStream) -> TokenStream {
        if self.begins { code!(__kind.begin(#miss)) } else { miss }
    }
}

/// The tokens that stand before the body.
struct Prologue {
    condition: Option<TokenStream>,
    /// A block that returns from the function on a hit, and otherwise has the miss as its value.
    lookup: TokenStream,
}

impl Prologue {
    fn new(model: &Model, names: &MissFunctions) -> Self {
        let Model { subject, stored, form } = model;
        let (lookup, bypass) = match form {
            Form::Handle(declared) => handled(model, declared),
            _ => (lookup(model, names), bypass(model, names)),
        };
        // The user's condition must not see the imports of the prologue.
        let condition = stored.options.expr("condition").map(|condition| code!(let __condition: bool = #condition;));
        let lookup = if condition.is_some() { code!(if __condition { #lookup } else { #bypass }) } else { lookup };
        if let Form::Handle(_) = form {
            return Self { condition, lookup: code!({ #lookup }) };
        }
        let (imports, instance) = (emit::imports(&subject.door), emit::instance(subject));
        let statics = Site { subject, stored, kind: "Cacheable", handle: None }.statics();
        let shape = emit::shape(subject, stored.options.is_given("share_error"));
        let lookup = code! {
            {
                #imports
                #statics
                #instance
                let __shape = #shape;
                #lookup
            }
        };
        Self { condition, lookup }
    }
}

/// The lookup: returns from the function on a hit, and otherwise has the miss as its value.
fn lookup(model: &Model, names: &MissFunctions) -> TokenStream {
    let Model { subject, stored, .. } = model;
    let (borrow, on) = emit::on(subject.on.as_ref());
    let key = emit::key(subject, &stored.key, &emit::required_namespace(subject, stored, View::Here), View::Here);
    let out = emit::finished(subject, &code!(__hit));
    let [hit, miss, serve, shape] =
        ["hit", names.miss, "serve_sync", "__shape"].map(|name| emit::at_value(subject, name));
    let values = emit::named(&subject.params);
    let before =
        code!(#borrow #values let __key = #key; let __call = __fastness_Call::new(__instance, #shape, &__key););
    // A policy that is only a ttl needs one call for hit and miss together, which is less code to compile.
    let ttl = emit::plain_ttl(subject, &stored.options).filter(|_| stored.tags.is_empty());
    match (subject.returns.kind, ttl) {
        (Kind::Sync, Some(ttl)) => return code!(#before __SITE.#serve(#on, __call, #ttl)),
        (Kind::Asked, Some(ttl)) if owned_for(&stored.options).is_none() => {
            let (wire, serve) = (emit::wire(subject, false, false), emit::at_value(subject, "serve"));
            return code!(#before __kind.#serve(&__SITE, #on, __call, (#ttl, #wire)));
        }
        _ => {}
    }
    let tags = emit::tags(subject, &stored.tags, View::Here);
    let policy = emit::policy(subject, "policy", &stored.options);
    let miss = names.begun(code!(__SITE.#miss(#on, __call, #tags, #policy)));
    code! {
        #before
        if let ::core::option::Option::Some(__hit) = __SITE.#hit(#on, __call) {
            return #out;
        }
        #miss
    }
}

/// A call that bypasses the cache.
fn bypass(model: &Model, names: &MissFunctions) -> TokenStream {
    let Model { subject, stored, .. } = model;
    let bypass = Ident::new(names.bypass, Span::mixed_site());
    let (borrow, on) = emit::on(subject.on.as_ref());
    // The key is in a closure that never runs: only its type matters, which is part of the call site's type.
    let key = emit::key(subject, &stored.key, &emit::required_namespace(subject, stored, View::Here), View::Here);
    let values = emit::named_never(&subject.params);
    let bypass = names.begun(code!(__SITE.#bypass(#on, __instance, __shape, || { #values #key })));
    code!(#borrow #bypass)
}

/// [`lookup`] and [`bypass`] of a function with a typed handle: both go through the handle.
fn handled(model: &Model, declared: &Handle) -> (TokenStream, TokenStream) {
    let call = handle::call(model, declared);
    let begin = model.subject.returns.blocks().then(|| code!(.begin_sync()));
    let lookup = code! {
        let __handle = #call;
        if let ::core::option::Option::Some(__hit) = __handle.__hit() {
            return __hit;
        }
        __handle.__miss() #begin
    };
    (lookup, code!(#call.__bypass() #begin))
}
