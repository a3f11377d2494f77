//! A function whose return type may be a future under another name: what the compiler is asked, and how its answer is used.
//!
//! May use: signature, subject.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::spanned::Spanned;

use super::{code, imports};
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
    // A type that does not fit is reported where it is written.
    let span = Span::mixed_site().located_at(returns.value.span());
    let probe = quote_spanned!(span=> __fastness_returns::<#returns>());
    let answer = match returns.answer {
        Answer::Any => None,
        Answer::Owned => Some(quote_spanned!(span=> .__owned())),
        Answer::Future => Some(quote_spanned!(span=> .__awaited())),
        Answer::Value => Some(quote_spanned!(span=> .__named())),
    };
    let fallible = returns.fallible.then(|| quote_spanned!(span=> .__fallible()));
    let ask = quote_spanned!(span=> (&#probe).__kind() #answer #fallible);
    let imports = imports(door);
    let unused = (returns.kind != Kind::Asked).then(|| code!(#[allow(unused_variables)]));
    Some(code! {
        #unused
        let __kind = {
            #imports
            #ask
        };
    })
}

/// The expression that yields the shape of the function's value.
pub(crate) fn probe(subject: &Subject) -> TokenStream {
    let returns = &subject.returns;
    match (returns.kind, returns.answer) {
        (Kind::Asked, _) => code!(__kind),
        // A future under another name is told once, and not again for each thing that a future lacks.
        (_, Answer::Value) => {
            let span = Span::mixed_site().located_at(returns.value.span());
            let probe = quote_spanned!(span=> __fastness_returns::<#returns>());
            quote_spanned!(span=> (&#probe).__kind().__named())
        }
        _ => code!(__fastness_returns::<#returns>()),
    }
}

/// The function's result for a value that is there: the value, or a future of it.
pub(crate) fn finished(subject: &Subject, value: &TokenStream) -> TokenStream {
    if subject.returns.kind == Kind::Asked { code!(__kind.early(#value)) } else { value.clone() }
}
