//! Functions whose return type may be a future under another name: the question to the compiler, and the use of its answer.
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

/// `let __kind = ..;`, if the compiler is asked.
pub(crate) fn kind(subject: &Subject) -> Option<TokenStream> {
    let (door, returns) = (&subject.door, subject.returns.inferred());
    if returns.kind != Kind::Asked && returns.answer != Answer::Value {
        return None;
    }
    // The compiler reports a type that does not fit at the return type.
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
        // One question about a future under another name gives one error, instead of one for each trait that futures lack.
        (_, Answer::Value) => {
            let span = Span::mixed_site().located_at(returns.value.span());
            let probe = quote_spanned!(span=> __fastness_returns::<#returns>());
            quote_spanned!(span=> (&#probe).__kind().__named())
        }
        _ => code!(__fastness_returns::<#returns>()),
    }
}

/// The result of the function for a value that is at hand: the value, or a future that is ready with it.
pub(crate) fn finished(subject: &Subject, value: &TokenStream) -> TokenStream {
    if subject.returns.kind == Kind::Asked { code!(__kind.early(#value)) } else { value.clone() }
}
