//! The function with a timer around its body. A timer that is dropped before its end records a cancelled call or a panic.
//!
//! May use: emit, signature, subject.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
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
    if subject.returns.kind == Kind::Asked {
        return emit::whole(subject, &asked(model));
    }
    let returns = subject.returns.inferred();
    let (start, value, outcome) = (start(model), value(subject, &returns), outcome(model));
    let timer = timer(model, &start);
    let check = subject.returns.is_opaque().then(|| not_a_future(subject));
    emit::whole(
        subject,
        &code! {
            let __timer = #timer;
            let __value: #returns = #value;
            #check
            __timer.finish(#outcome);
            __value
        },
    )
}

/// The statement that gives an error if a value of type `impl ..` is a future.
fn not_a_future(subject: &Subject) -> TokenStream {
    let door = &subject.door;
    let span = Span::mixed_site().located_at(subject.returns.value.span());
    let probe = quote_spanned!(span=> #door::probe_of_value(&__value));
    let imports = emit::imports(door);
    quote_spanned! {span=>
        {
            #imports
            let _ = (&#probe).__kind().__named();
        }
    }
}

/// The expansion of a function that may return a future under another name. It reads the labels when the function is called, and
/// starts the timer when the future is first polled.
fn asked(model: &Model) -> TokenStream {
    let Model { subject, labels, slow, .. } = model;
    let (values, body) = (label_values(model), emit::body(subject, &TokenStream::new(), &subject.function.body));
    let bind_labels = (!labels.is_empty()).then(|| code!(let __labels = [#values];));
    let bind_slow = slow.as_ref().map(|slow| code!(let __slow: ::core::time::Duration = #slow;));
    let slow = slow.as_ref().map(|_| code!(.slow(__slow)));
    let start = if labels.is_empty() { code!(start()) } else { code!(start_with(&__labels)) };
    let (timer, outcome) = (timer(model, &code!(#start #slow)), outcome(model));
    code! {
        #bind_labels
        #bind_slow
        __kind.finish(__kind.timed(move || #timer, __kind.body(#body), |__value| #outcome))
    }
}

/// The call that starts the timer.
fn start(model: &Model) -> TokenStream {
    let values = label_values(model);
    let slow = model.slow.as_ref().map(|slow| {
        let span = Span::mixed_site().located_at(slow.span());
        quote_spanned!(span=> .slow(#slow))
    });
    let start = if model.labels.is_empty() { code!(start()) } else { code!(start_with(&[#values])) };
    code!(#start #slow)
}

/// The labels' values, with commas between them.
fn label_values(model: &Model) -> TokenStream {
    let door = &model.subject.door;
    let values = model.labels.iter().map(|(_, value)| {
        // The compiler reports a value that cannot be a label at the user's expression.
        let span = Span::mixed_site().located_at(value.span());
        let value = emit::operand(value);
        quote_spanned!(span=> #door::Label::label(&#value))
    });
    quote!(#(#values),*)
}

/// The block that declares and registers the static, and starts a timer with the call `start`.
fn timer(model: &Model, start: &TokenStream) -> TokenStream {
    let Model { subject, labels, .. } = model;
    let Subject { door, function, .. } = subject;
    let function = function.name();
    let path = || code!(::core::concat!(::core::module_path!(), "::", #function));
    let name = model.name.as_ref().map_or_else(path, ToTokens::to_token_stream);
    let names = labels.iter().map(|(name, _)| name.unraw().to_string());
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
            __SITE.#start
        }
    }
}

/// The expression that runs the body. A `return` or a `?` in it ends the body and not the function, so that the timer is finished.
fn value(subject: &Subject, returns: &Returns) -> TokenStream {
    let door = &subject.door;
    let body = emit::inner(&subject.function.body);
    let typed = emit::return_type(returns);
    match returns.kind {
        Kind::Sync | Kind::Asked => code!(#door::call(move || -> #returns { #body })),
        Kind::Async => code!((async move { #typed #body }).await),
        Kind::Boxed | Kind::ImplFuture => code!((async move { #typed (#body).await }).await),
    }
}

fn outcome(model: &Model) -> TokenStream {
    let door = &model.subject.door;
    let value = if model.subject.returns.kind == Kind::Asked { code!(__value) } else { code!(&__value) };
    let given = |name: &str, function: &syn::Expr| {
        let span = Span::mixed_site().located_at(function.span());
        let name = syn::Ident::new(name, span);
        quote_spanned!(span=> #door::#name(#value, #function))
    };
    match &model.verdict {
        Verdict::OkIf(function) => given("ok_if", function),
        Verdict::ErrorIf(function) => given("error_if", function),
        Verdict::Type => {
            let imports = emit::imports(door);
            code! {
                {
                    #imports
                    (&&#door::Returned(#value)).__outcome()
                }
            }
        }
    }
}
