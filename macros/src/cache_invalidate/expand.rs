//! The function with an invalidation, or a refresh, after its body. The scopes are rendered before the body, which may consume the arguments.
//!
//! May use: emit, key, signature, subject.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Expr, ExprCall, ExprMethodCall, spanned::Spanned};

use super::model::Model;
use crate::{
    emit::{self, Run, View, code},
    key::Key,
    signature::Kind,
    subject::{Door, Subject},
};

/// The expansion.
pub(crate) fn expand(model: &Model) -> TokenStream {
    let subject = &model.subject;
    let prologue = prologue(model);
    let always = model.always.then(|| code!(.always()));
    let before = model.before.then(|| code!(.before()));
    let scopes = code!(__scopes #always #before);
    let scopes = if subject.returns.kind == Kind::Asked { code!(__kind.guard(#scopes)) } else { scopes };
    let arguments = code!(__shape, #scopes);
    if subject.returns.has_impl() {
        let run = hidden(subject, &arguments);
        return emit::whole(subject, &quote!(#prologue #run));
    }
    let run = Run::new(subject, "invalidate", arguments).tokens();
    emit::whole(subject, &quote!(#prologue #run))
}

/// Runs a body whose type has no name; its shape comes from the body instead of the return type.
fn hidden(subject: &Subject, arguments: &TokenStream) -> TokenStream {
    let door = &subject.door;
    let body = emit::body(subject, &TokenStream::new(), &subject.function.body);
    let blocks = subject.returns.blocks();
    let probe = if blocks { code!(#door::probe_of(&__body)) } else { code!(#door::probe_of_future(&__body)) };
    let run = if blocks {
        code!(#door::invalidate_sync(#arguments, __body))
    } else {
        code!(#door::invalidate(#arguments, __body).await)
    };
    let imports = emit::imports(door);
    code! {
        let __body = #body;
        let __shape = {
            #imports
            (&&&&&#probe).__shape()
        };
        #run
    }
}

fn prologue(model: &Model) -> TokenStream {
    let subject = &model.subject;
    let statics = statics(model);
    let (name, shape) = if subject.returns.has_impl() {
        (code!(__scopes), code!(__scopes))
    } else {
        let shape = emit::shape(subject, false);
        (code!((__shape, __scopes)), code!((#shape, __scopes)))
    };
    let (borrow, on) = emit::on(subject.on.as_ref());
    let (scopes, imports) = (scopes(model), emit::imports(&subject.door));
    let named = emit::named(&subject.params);
    code! {
        let #name = {
            #imports
            #statics
            #borrow
            #named
            let mut __scopes = __SITE.scopes(#on);
            #scopes
            #shape
        };
    }
}

fn statics(model: &Model) -> TokenStream {
    let Subject { door, function, .. } = &model.subject;
    let name = function.name();
    let (receiver, expires) = (receiver(model), model.expires);
    let patterns = model.patterns.iter().map(|key| pattern(door, key, if key.prefix { "Prefix" } else { "Exact" }));
    let tags = model.tags.iter().map(|key| pattern(door, key, "Tag"));
    let all = patterns.chain(tags);
    code! {
        static __SITE: #door::InvalidateSite = #door::InvalidateSite::new(#door::InvalidateMeta {
            name: #name,
            module: ::core::module_path!(),
            file: ::core::file!(),
            line: ::core::line!(),
            receiver: #receiver,
            expires: #expires,
            patterns: &[#(#all),*],
        });
        #door::register!(invalidate __SITE);
    }
}

/// The role of the receiver in the patterns; tags and handles do not use it.
fn receiver(model: &Model) -> TokenStream {
    let Model { subject, patterns, skips, .. } = model;
    if patterns.is_empty() {
        let door = &subject.door;
        return code!(#door::Receiver::None);
    }
    let in_key = patterns.iter().all(Key::names_receiver);
    emit::receiver(subject, in_key, skips.receiver.is_some())
}

fn pattern(door: &Door, key: &Key, kind: &str) -> TokenStream {
    let (text, pieces, kind) = (&key.text, emit::pieces(key), format_ident!("{kind}"));
    code! {
        #door::Pattern {
            kind: #door::PatternKind::#kind,
            template: #door::Template { text: #text, pieces: #pieces },
        }
    }
}

/// A statement for each target.
fn scopes(model: &Model) -> TokenStream {
    let Model { subject, patterns, tags, handles, skips, .. } = model;
    let patterns = patterns.iter().map(|pattern| (pattern, emit::namespace(subject, pattern, skips)));
    let tags = tags.iter().map(|tag| (tag, code!(__fastness_NoNamespace)));
    let templates = patterns.chain(tags).enumerate().map(|(index, (key, namespace))| {
        let index = proc_macro2::Literal::usize_unsuffixed(index);
        let key = emit::key(subject, key, &namespace, View::Here);
        code!(__scopes.add(#index, &#key);)
    });
    templates.chain(handles.iter().map(|handle| add_handle(&subject.door, handle))).collect()
}

/// `add_handle(&mut __scopes, &users(&id));`: the arguments of a handle may be written without their `&`.
fn add_handle(door: &Door, handle: &Expr) -> TokenStream {
    let mut handle = handle.clone();
    if let Expr::Call(ExprCall { args, .. }) | Expr::MethodCall(ExprMethodCall { args, .. }) = &mut handle {
        for argument in args {
            *argument = Expr::Verbatim(emit::borrowed(argument));
        }
    }
    // The compiler reports a value that is no handle at the user's tokens.
    let span = Span::mixed_site().located_at(handle.span());
    quote_spanned!(span=> #door::add_handle(&mut __scopes, &#handle);)
}
