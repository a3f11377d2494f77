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

/// The body as a future or, where the function blocks or makes its future itself, a closure; with statements at its start.
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

/// The body of a function that blocks, between two calls of ours: the statement that runs it or has it ready, and the
/// expression of its value. A closure, where the body may leave the function before its end.
pub(crate) fn blocking_body(subject: &Subject) -> (TokenStream, TokenStream) {
    let (returns, body) = (&subject.returns, &subject.function.body);
    if may_leave(&body.stream()) {
        let closure = self::body(subject, &TokenStream::new(), body);
        return (code!(let __body = #closure;), code!(__body()));
    }
    let body = inner(body);
    (code!(let __out: #returns = #body;), code!(__out))
}

/// Returns whether there may be a way out of this code but its end: a `return`, a `?`, or a macro, which may be either.
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

/// Macros that leave no function, if their arguments do not.
const HARMLESS: [&str; 4] = ["format", "matches", "println", "vec"];

/// The body where the function's own was.
pub(crate) fn in_place(subject: &Subject) -> TokenStream {
    let body = inner(&subject.function.body);
    match subject.returns.kind {
        Kind::Sync | Kind::Async | Kind::Asked => code!(#body),
        Kind::Boxed | Kind::ImplFuture => code!((#body).await),
    }
}

/// The body as a block inside another; its braces become ours, or the compiler would call them unnecessary.
pub(crate) fn inner(body: &Group) -> Group {
    let mut inner = body.clone();
    inner.set_span(body.span().resolved_at(Span::mixed_site()));
    inner
}

/// Tells an `async` block the type of its `return`s and `?`s, which it has no syntax for.
pub(crate) fn return_type(returns: &Returns) -> Option<TokenStream> {
    (!returns.is_unit()).then(|| {
        code! {
            if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<#returns> {
                return __value;
            }
        }
    })
}

/// Statements that end in a value of a type without values, where the function never returns.
fn never(statements: &TokenStream) -> TokenStream {
    code! {
        #[allow(unreachable_code)]
        {
            match { #statements } {}
        }
    }
}

/// The whole function, with `statements` as what it does before it gives its result.
pub(crate) fn whole(subject: &Subject, statements: &TokenStream) -> TokenStream {
    let statements = if subject.returns.never { never(statements) } else { statements.clone() };
    // Where an attribute looks for the function's future, as `#[instrument]` does, it must find one, and names that it
    // puts inside must be those that it has outside: so these tokens stand where the attribute was written.
    let body = match subject.returns.kind {
        Kind::Sync | Kind::Async | Kind::Asked => {
            let kind = super::kind(subject);
            code!(#kind #statements)
        }
        Kind::Boxed => quote!(::std::boxed::Box::pin(async move { #statements })),
        // Not the block alone, or clippy would tell the user to write an `async fn`.
        Kind::ImplFuture => quote!(const _: () = (); async move { #statements }),
    };
    subject.function.with_body(&body)
}
