//! The function that `handle = users` declares beside a cached one: `users(&id)` is the entry of one key, a type of the runtime.
//!
//! Invariants: it takes by reference the arguments that the key, the tags, `on` and durations name; the static of the call site
//! stands in it, and the cached function calls it like any other caller.
//!
//! May use: duration, emit, key, options, signature, stored, subject.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Expr, GenericParam};

use super::{form::Handle, model::Model, owned::owned_for};
use crate::{
    duration::Time,
    emit::{self, Site, View, code},
    key::Key,
    options::Value,
    signature::{Param, Params, is_cfg, mentions},
};

/// The declaration of the handle.
pub(crate) fn declare(model: &Model, Handle { name, .. }: &Handle) -> TokenStream {
    let Model { subject, stored, .. } = model;
    let (door, function, returns) = (&subject.door, &subject.function, &subject.returns);
    let doc = format!(
        "The entry of `{}` under these arguments, to be read and written without a call of it.",
        function.name()
    );
    let (vis, generics) = (&function.vis, &function.sig.generics);
    let (generics, _, bounds) = generics.split_for_impl();
    let (receiver, params) = (receiver(model).map(|this| code!(&#this,)), params(model));
    // A body that may run in a task needs an error type that is `Send`.
    let sends = owned_for(&stored.options).map(
        |_| code!(, Shape: #door::Shape<Error: ::core::marker::Send> + ::core::marker::Send + ::core::marker::Sync),
    );
    let (imports, instance) = (emit::imports(door), emit::instance(subject));
    let statics = Site { subject, stored, kind: "Cacheable", handle: Some(name) }.statics();
    let shape = emit::shape(subject, stored.options.is_given("share_error"));
    let key = emit::key(subject, &stored.key, &emit::required_namespace(subject, stored, View::ByRef), View::ByRef);
    let (tags, policy) =
        (emit::tag_list(subject, &stored.tags, View::ByRef), emit::policy(subject, "policy", &stored.options));
    let values = values(model);
    let named = named(model);
    let policy = if values.is_empty() { policy } else { code!({ #values #policy }) };
    let (borrow, on) = emit::on(subject.on.as_ref());
    let on = subject.on.as_ref().map(|_| code!(.__on(#on)));
    let make = emit::at_value(subject, "handle");
    // The types of a function under `#[cfg]` may not exist where it is not compiled.
    let cfgs = function.attrs.iter().filter(|attr| is_cfg(attr));
    // The parameters have the user's types, and the user's function has raised the same lints already.
    code! {
        #(#cfgs)*
        #[doc = #doc]
        #[allow(clippy::ptr_arg, clippy::pedantic)]
        #[inline]
        #vis fn #name #generics (#receiver #params) -> #door::Handle<impl #door::Handled<Out = #returns #sends>> #bounds {
            #imports
            #statics
            #instance
            #borrow
            #named
            let __shape = #shape;
            #door::#make(&__SITE, __instance, __shape, #key, move || {(#tags, #policy)}) #on
        }
    }
}

/// The handle of the call under way, as the cached function makes it.
pub(crate) fn call(model: &Model, Handle { name, is_associated }: &Handle) -> TokenStream {
    let subject = &model.subject;
    let self_type = is_associated.then(|| quote!(Self::));
    let types: Vec<_> = subject.function.sig.generics.params.iter().filter_map(argument).collect();
    let types = (!types.is_empty()).then(|| code!(::<#(#types),*>));
    let receiver = receiver(model).map(|this| {
        let by_reference = subject.params.receiver.as_ref().is_some_and(|receiver| receiver.by_reference);
        if by_reference { code!(#this,) } else { code!(&#this,) }
    });
    let arguments = taken(model).map(|param| {
        let name = &param.ident;
        if param.is_reference() { quote!(#name,) } else { quote!(&#name,) }
    });
    code!(#self_type #name #types (#receiver #(#arguments)*))
}

/// The argument for a generic parameter of the function, unless it is a lifetime.
fn argument(param: &GenericParam) -> Option<&Ident> {
    match param {
        GenericParam::Type(ty) => Some(&ty.ident),
        GenericParam::Const(value) => Some(&value.ident),
        GenericParam::Lifetime(_) => None,
    }
}

/// The receiver, if the handle needs it: for a field in the key, for its namespace, or for an option that names it.
fn receiver(model: &Model) -> Option<TokenStream> {
    let Model { subject, stored, .. } = model;
    let this = subject.params.receiver.as_ref()?.token;
    let is_in = stored.skips.receiver.is_none() || keys(model).any(Key::names_receiver) || names(model, "self");
    is_in.then(|| quote!(#this))
}

/// The parameters of the handle, each with its comma.
fn params(model: &Model) -> TokenStream {
    taken(model)
        .filter_map(|param| {
            let (name, ty) = (&param.ident, param.ty.as_ref()?);
            Some(if param.is_reference() { quote!(#name: #ty,) } else { quote!(#name: &#ty,) })
        })
        .collect()
}

/// The locals by which durations see parameters as the function has them.
fn values(model: &Model) -> TokenStream {
    as_declared(&model.subject.params, |name| durations(model).any(|expr| mentions(expr.to_token_stream(), name)))
}

/// The values of named expressions, which see parameters as the function has them.
fn named(model: &Model) -> TokenStream {
    let params = &model.subject.params;
    let named = params.named.iter().map(|named| {
        let (name, expr) = (emit::local(&named.ident), &named.expr);
        let declared = as_declared(params, |name| named.mentions(name));
        code!(let #name = &{ #declared #expr };)
    });
    named.collect()
}

/// The locals that are as the function declares its parameters: `let ttl = ..` with the value of a `ttl: &Duration`.
fn as_declared(params: &Params, is_needed: impl Fn(&str) -> bool) -> TokenStream {
    let params = params.names.iter();
    params
        .filter(|param| param.ty.is_some() && !param.is_reference())
        .filter(|param| is_needed(&param.name()))
        .map(|param| {
            let name = &param.ident;
            code!(let #name = (&__fastness_Arg(#name)).__copied();)
        })
        .collect()
}

/// The parameters of the function that the handle takes as well.
fn taken(model: &Model) -> impl Iterator<Item = &Param> {
    let named = |index| keys(model).any(|key| key.names_param(index));
    let params = model.subject.params.names.iter().enumerate();
    params.filter(move |(index, param)| named(*index) || names(model, &param.name())).map(|(_, param)| param)
}

fn keys(model: &Model) -> impl Iterator<Item = &Key> {
    std::iter::once(&model.stored.key).chain(&model.stored.tags)
}

/// Returns true if `on` or a duration names this parameter.
fn names(model: &Model, name: &str) -> bool {
    durations(model).chain(&model.subject.on).any(|expr| mentions(expr.to_token_stream(), name))
}

/// The durations that are expressions.
fn durations(model: &Model) -> impl Iterator<Item = &Expr> {
    model.stored.options.values().filter_map(|given| match given.value {
        Value::Time(Time::Expr(expr)) => Some(&**expr),
        _ => None,
    })
}
