//! May use: emit, signature, subject.
//!
//! The function with a timer around its body. A future that is dropped, or a body that panics, drops the timer.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{ext::IdentExt, spanned::Spanned};

use super::model::{Model, Verdict};
use crate::{
    emit::{self, code},
    signature::{Kind, Returns},
    subject::Subject,
};

/// The expansion.
pub(crate) fn expand(model: &Model) -> TokenStream {
    let subject = &model.subject;
    let returns = subject.returns.inferred();
    let (timer, value, outcome) = (timer(model), value(subject, &returns), outcome(model));
    emit::whole(
        subject,
        &code! {
            let __timer = #timer;
            let __value: #returns = #value;
            __timer.finish(#outcome);
            __value
        },
    )
}

/// The static, its registration, and the start of the clock.
fn timer(model: &Model) -> TokenStream {
    let Model { subject, labels, .. } = model;
    let Subject { door, function, .. } = subject;
    let function = function.name();
    let path = || code!(::core::concat!(::core::module_path!(), "::", #function));
    let name = model.name.as_ref().map_or_else(path, ToTokens::to_token_stream);
    let names = labels.iter().map(|(name, _)| name.unraw().to_string());
    let values: Vec<_> = labels
        .iter()
        .map(|(_, value)| {
            // What cannot be a label is reported where the user wrote it.
            let span = Span::mixed_site().located_at(value.span());
            let value = emit::operand(value);
            quote_spanned!(span=> #door::Label::label(&#value))
        })
        .collect();
    let start = if values.is_empty() { code!(start()) } else { code!(start_with(&[#(#values),*])) };
    let slow = model.slow.as_ref().map(|slow| {
        let span = Span::mixed_site().located_at(slow.span());
        quote_spanned!(span=> .slow(#slow))
    });
    code! {
        {
            static __SITE: #door::TimedSite = #door::TimedSite::new(#door::TimedMeta {
                name: #name,
                function: #function,
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
                labels: &[#(#names),*],
            });
            #door::inventory::submit! { #door::TimedEntry(&__SITE) }
            __SITE.#start #slow
        }
    }
}

/// What the body gives. Its `return`s and `?`s end the body, not the function.
fn value(subject: &Subject, returns: &Returns) -> TokenStream {
    let door = &subject.door;
    let body = emit::inner(&subject.function.body);
    let typed = emit::return_type(returns);
    match returns.kind {
        Kind::Sync => code!(#door::call(move || -> #returns { #body })),
        Kind::Async => code!((async move { #typed #body }).await),
        Kind::Boxed | Kind::ImplFuture => code!((async move { #typed (#body).await }).await),
    }
}

fn outcome(model: &Model) -> TokenStream {
    let door = &model.subject.door;
    let given = |name: &str, function: &syn::Expr| {
        let span = Span::mixed_site().located_at(function.span());
        let name = syn::Ident::new(name, span);
        quote_spanned!(span=> #door::#name(&__value, #function))
    };
    match &model.verdict {
        Verdict::OkIf(function) => given("ok_if", function),
        Verdict::ErrorIf(function) => given("error_if", function),
        Verdict::Type => code! {
            {
                #[allow(unused_imports)]
                use #door::ladder::*;
                (&&#door::Returned(&__value)).__outcome()
            }
        },
    }
}
