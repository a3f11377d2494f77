//! May use: signature, subject.
//!
//! A function whose return type may be a future under another name: what the compiler is asked, and how its answer is used.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::spanned::Spanned;

use super::code;
use crate::{
    signature::{Answer, Kind},
    subject::Subject,
};

/// `let __kind = ..;`, where the compiler is asked.
pub(crate) fn kind(subject: &Subject) -> Option<TokenStream> {
    let (door, returns) = (&subject.door, subject.returns.inferred());
    if returns.kind != Kind::Asked && returns.answer != Answer::Value {
        return None;
    }
    let answer = format_ident!(
        "{}",
        match returns.answer {
            Answer::Any => "known",
            Answer::Future => "awaited",
            Answer::Value => "named",
        }
    );
    // A type that does not fit is reported where it is written.
    let span = Span::mixed_site().located_at(subject.returns.value.span());
    let probe = quote_spanned!(span=> #door::Probe::<#returns>::NEW);
    let ask = quote_spanned!(span=> #door::#answer(#probe, (&&&#probe).__kind()));
    let ask = if returns.fallible { quote_spanned!(span=> #door::fallible(#ask)) } else { ask };
    let unused = (returns.kind != Kind::Asked).then(|| code!(#[allow(unused_variables)]));
    Some(code! {
        #unused
        let __kind = {
            #[allow(unused_imports)]
            use #door::ladder::*;
            #ask
        };
    })
}

/// What is asked for the shape of the function's value.
pub(crate) fn probe(subject: &Subject) -> TokenStream {
    let (door, returns) = (&subject.door, &subject.returns);
    if returns.kind == Kind::Asked { code!(__kind.probe()) } else { code!(#door::Probe::<#returns>::NEW) }
}

/// What the function returns for a value that is there: the value, or a future of it.
pub(crate) fn finished(subject: &Subject, value: &TokenStream) -> TokenStream {
    if subject.returns.kind == Kind::Asked { code!(__kind.finish(__kind.ready(#value))) } else { value.clone() }
}
