//! The user's body inside the call that runs it, and the function around that call.
//!
//! May use: signature, subject.

use proc_macro2::{Group, Spacing, Span, TokenStream, TokenTree};
use quote::{format_ident, quote};

use super::code;
use crate::{
    signature::{Kind, Returns},
    subject::Subject,
};

/// The call that runs the body: `load(__miss, async move { .. }).await`.
pub(crate) struct Run<'a> {
    pub(crate) subject: &'a Subject,
    /// The function of the runtime; its synchronous twin ends in `_sync`.
    pub(crate) call: &'static str,
    /// The arguments before the body.
    pub(crate) arguments: TokenStream,
    /// Statements at the start of the block that holds the body.
    pub(crate) first: TokenStream,
    /// The body, braces included.
    pub(crate) body: Group,
}

impl<'a> Run<'a> {
    pub(crate) fn new(subject: &'a Subject, call: &'static str, arguments: TokenStream) -> Self {
        let body = subject.function.body.clone();
        Self { subject, call, arguments, first: TokenStream::new(), body }
    }

    /// The tokens of the call.
    pub(crate) fn tokens(&self) -> TokenStream {
        let Self { subject, call, arguments, first, body } = self;
        let door = &subject.door;
        let body = self::body(subject, first, body);
        if subject.returns.kind == Kind::Asked {
            let call = format_ident!("{call}");
            return code!(__kind.finish(__kind.#call(#arguments, __kind.body(#body))));
        }
        if subject.returns.kind == Kind::Sync {
            let call = format_ident!("{call}_sync");
            return code!(#door::#call(#arguments, #body));
        }
        let call = format_ident!("{call}");
        code!(#door::#call(#arguments, #body).await)
    }
}

/// The body with statements before it: a future, or a closure if the function blocks or makes its future itself.
pub(crate) fn body(subject: &Subject, first: &TokenStream, body: &Group) -> TokenStream {
    let returns = &subject.returns;
    let body = inner(body);
    if matches!(returns.kind, Kind::Sync | Kind::Asked) {
        return code!(move || -> #returns { #first #body });
    }
    let typed = return_type(returns);
    let value = if returns.kind == Kind::Async { code!(#body) } else { code!((#body).await) };
    code!(async move { #first #typed #value })
}

/// The body of a function that blocks, to stand between two calls of the runtime: a statement, and the expression of the value. A
/// body that may leave the function early becomes a closure, so that the second call is not skipped.
pub(crate) fn blocking_body(subject: &Subject) -> (TokenStream, TokenStream) {
    let (returns, body) = (&subject.returns, &subject.function.body);
    if may_leave(&body.stream()) {
        let closure = self::body(subject, &TokenStream::new(), body);
        return (code!(let __body = #closure;), code!(__body()));
    }
    let body = inner(body);
    (code!(let __out: #returns = #body;), code!(__out))
}

/// Returns whether the code may leave the function before its end: by a `return`, a `?`, or a macro that may contain either.
fn may_leave(code: &TokenStream) -> bool {
    let mut before = None;
    for token in code.clone() {
        let leaves = match &token {
            TokenTree::Ident(ident) => ident == "return",
            TokenTree::Punct(punct) if punct.as_char() == '?' => true,
            TokenTree::Punct(punct) if punct.as_char() == '!' && punct.spacing() == Spacing::Alone => {
                matches!(&before, Some(TokenTree::Ident(name)) if !HARMLESS.iter().any(|harmless| name == harmless))
            }
            TokenTree::Group(group) => may_leave(&group.stream()),
            _ => false,
        };
        if leaves {
            return true;
        }
        before = Some(token);
    }
    false
}

/// Macros that leave the function only if their arguments do.
const HARMLESS: [&str; 4] = ["format", "matches", "println", "vec"];

/// The body in the place that it had in the function.
pub(crate) fn in_place(subject: &Subject) -> TokenStream {
    let body = inner(&subject.function.body);
    match subject.returns.kind {
        Kind::Sync | Kind::Async | Kind::Asked => code!(#body),
        Kind::Boxed | Kind::ImplFuture => code!((#body).await),
    }
}

/// The body as a block inside another one. Its braces get the span of the expansion, or the compiler would warn that they are
/// unnecessary.
pub(crate) fn inner(body: &Group) -> Group {
    let mut inner = body.clone();
    inner.set_span(body.span().resolved_at(Span::mixed_site()));
    inner
}

/// A statement that fixes the return type of an `async` block, which has no syntax for it.
pub(crate) fn return_type(returns: &Returns) -> Option<TokenStream> {
    (!returns.is_unit()).then(|| {
        code! {
            if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<#returns> {
                return __value;
            }
        }
    })
}

/// Statements for a function that never returns: their value has a type without values.
fn never(statements: &TokenStream) -> TokenStream {
    code! {
        #[allow(unreachable_code)]
        {
            match { #statements } {}
        }
    }
}

/// The whole function with `statements` as its body, in the form of its return type.
pub(crate) fn whole(subject: &Subject, statements: &TokenStream) -> TokenStream {
    let statements = if subject.returns.never { never(statements) } else { statements.clone() };
    // `#[instrument]` looks for the future in the function, and adds names that the block must see. So these tokens have the span of
    // the attribute.
    let body = match subject.returns.kind {
        Kind::Sync | Kind::Async | Kind::Asked => {
            let kind = super::kind(subject);
            code!(#kind #statements)
        }
        Kind::Boxed => quote!(::std::boxed::Box::pin(async move { #statements })),
        // Clippy tells users of a lone `async move` block to write an `async fn`.
        Kind::ImplFuture => quote!(const _: () = (); async move { #statements }),
    };
    subject.function.with_body(&body)
}
