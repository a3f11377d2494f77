//! May use: diag, emit, signature, subject.
//!
//! The body as what a policy calls: once, or as often as it likes.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::{Expr, FnArg, Pat, Type};

use crate::{
    diag::Diag,
    emit::{self, code},
    signature::{Answer, Kind, Param, ungrouped},
    subject::Subject,
    value::peel,
};

/// Returns whether the compiler is asked how the function gives its value.
pub(super) fn is_asked(subject: &Subject) -> bool {
    subject.returns.kind == Kind::Asked
}

/// The body as a future or, where the function blocks or makes its future itself, a closure that is called once.
pub(super) fn once(subject: &Subject) -> TokenStream {
    emit::body(subject, &TokenStream::new(), &subject.function.body)
}

/// The body as a closure that can be called again.
pub(super) fn again(subject: &Subject) -> TokenStream {
    let clones = subject.params.names.iter().filter(|param| !param.is_reference()).map(|param| {
        let Param { ident, mutability, cfgs, .. } = param;
        let span = Span::mixed_site().located_at(ident.span());
        quote_spanned!(span=> #(#cfgs)* #[allow(unused_variables)] let #mutability #ident = ::core::clone::Clone::clone(&#ident);)
    });
    if subject.returns.blocks() {
        let (returns, body) = (&subject.returns, emit::inner(&subject.function.body));
        return code!(|| -> #returns { #(#clones)* #body });
    }
    if is_asked(subject) {
        let body = once(subject);
        // The future that repeats the body outlives the function, so it owns what the body is given.
        // Through the kind, a body that is no future is told so once, and not for the policy too.
        let run = if subject.returns.answer == Answer::Future { code!(__kind.body(#body)) } else { code!((#body)()) };
        return code!(move || { #(#clones)* #run });
    }
    let future = once(subject);
    code!(|| { #(#clones)* #future })
}

/// The end of a call: `.await` where the function is async.
pub(super) fn end(subject: &Subject) -> Option<TokenStream> {
    (!subject.returns.blocks()).then(|| code!(.await))
}

/// `call`, or `call_sync` where the function blocks.
pub(super) fn method(subject: &Subject, name: &str) -> Ident {
    match subject.returns.kind {
        Kind::Sync => format_ident!("{name}_sync"),
        _ => format_ident!("{name}"),
    }
}

/// The body within the time of a policy: what [`once`] gives, for a function that is awaited.
pub(super) fn bounded(policy: &TokenStream, subject: &Subject) -> TokenStream {
    let body = once(subject);
    if is_asked(subject) {
        let call = in_time(policy, &code!(__body), subject);
        return code!(move || { let __body = __kind.body(#body); async move { #call } });
    }
    let call = in_time(policy, &body, subject);
    code!(async move { #call })
}

/// A future within the time of a policy, awaited.
pub(super) fn in_time(policy: &TokenStream, body: &TokenStream, subject: &Subject) -> TokenStream {
    let door = &subject.door;
    code! {
        match #policy.run(#body).await {
            ::core::result::Result::Ok(__output) => __output,
            ::core::result::Result::Err(__timed_out) => ::core::result::Result::Err(#door::timed_out(__timed_out)),
        }
    }
}

/// Reports what cannot be given to a second run, and takes the `mut`s off the parameters: each run has its own.
pub(super) fn must_run_again(attribute: &str, subject: &mut Subject, diag: &mut Diag) {
    if let Some(receiver) = &subject.params.receiver
        && (receiver.mutable || !receiver.by_reference)
    {
        diag.at(
            &receiver.token,
            format_args!("`#[{attribute}]` may run the body again, which needs `self` again: take `&self`"),
        );
    }
    refuse_once("may run the body again", attribute, subject, diag);
    for input in &mut subject.function.sig.inputs {
        if let FnArg::Typed(typed) = input
            && let Pat::Ident(name) = &mut *typed.pat
        {
            name.mutability = None;
        }
    }
}

/// Arguments that exist once: those behind `&mut`, and those that have no name of their own.
fn refuse_once(why: &str, attribute: &str, subject: &Subject, diag: &mut Diag) {
    for input in &subject.function.sig.inputs {
        let FnArg::Typed(typed) = input else { continue };
        if matches!(ungrouped(&typed.ty), Type::Reference(reference) if reference.mutability.is_some()) {
            let message = format_args!(
                "`#[{attribute}]` {why}, and a `&mut` argument can be given once: take it by value or by `&`"
            );
            diag.at(&typed.ty, message);
        }
        if !matches!(&*typed.pat, Pat::Ident(_) | Pat::Wild(_)) {
            let message =
                format_args!("`#[{attribute}]` {why}: give the parameter a name, and take it apart in the body");
            diag.at(&typed.pat, message);
        }
    }
}

/// A call of another function with the same arguments and `last`.
pub(super) struct Other {
    /// What keeps copies of the arguments, before the body has them.
    pub(super) before: TokenStream,
    /// The call.
    pub(super) call: TokenStream,
}

impl Other {
    /// `path` takes `self` too if it begins with `Self::` and there is one.
    pub(super) fn new(attribute: &str, path: &Expr, last: &Ident, subject: &Subject, diag: &mut Diag) -> Option<Self> {
        let Expr::Path(found) = peel(path) else {
            let (one, method) = match attribute {
                "fallback" => ("#[fallback(other)]", "#[fallback(Self::other)]"),
                _ => ("fallback = other", "fallback = Self::other"),
            };
            diag.at(path, format_args!("a fallback is the path of a function: write `{one}` or `{method}`"));
            return None;
        };
        let of_self = found.path.segments.len() > 1 && found.path.segments[0].ident == "Self";
        let receiver = subject.params.receiver.as_ref().filter(|_| of_self);
        if let Some(receiver) = receiver.filter(|receiver| receiver.mutable || !receiver.by_reference) {
            let message = format_args!("`#[{attribute}]` gives `self` to the fallback too: take `&self`");
            diag.at(&receiver.token, message);
        }
        refuse_once("gives the arguments to the fallback too", attribute, subject, diag);
        for input in &subject.function.sig.inputs {
            if let FnArg::Typed(typed) = input
                && matches!(&*typed.pat, Pat::Wild(_))
            {
                let message = format_args!(
                    "`#[{attribute}]` gives the arguments to the fallback too: give this one a name, such as `_region`"
                );
                diag.at(&typed.pat, message);
            }
        }
        let receiver = receiver.map(|receiver| receiver.token);
        let (mut before, mut arguments) = (TokenStream::new(), Vec::new());
        for (index, param) in subject.params.names.iter().enumerate() {
            let name = &param.ident;
            if param.is_reference() {
                arguments.push(code!(#name));
                continue;
            }
            let kept = Ident::new(&format!("__kept_{index}"), Span::mixed_site());
            let span = Span::mixed_site().located_at(name.span());
            before.extend(quote_spanned!(span=> let #kept = ::core::clone::Clone::clone(&#name);));
            arguments.push(code!(#kept));
        }
        let all = receiver.map(|token| code!(#token)).into_iter().chain(arguments).chain([code!(#last)]);
        Some(Self { before, call: code!(#path(#(#all),*)) })
    }
}
