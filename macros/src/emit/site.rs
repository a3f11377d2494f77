//! The static of a call site that stores values, its registration, and the handle that it works on.
//!
//! May use: duration, signature, stored, subject, emit/keys.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Expr, FnArg, GenericParam, ext::IdentExt, spanned::Spanned};

use super::{code, operand, pieces};
use crate::{
    duration::Time,
    options::Builder,
    signature::has_impl,
    stored::{self, Stored},
    subject::Subject,
};

/// The default retention of the shared log, in milliseconds: a longer ttl may be more than it keeps.
const RETENTION: u64 = 3_600_000;

/// The options of the policy that settings may change at run time where an attribute has them, beside `ttl`.
const SETTABLE: [&str; 7] = ["negative_ttl", "err_ttl", "stale", "stale_if_error", "load_timeout", "local_ttl", "idle"];

/// A static to emit.
pub(crate) struct Site<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) stored: &'a Stored,
    /// The variant of `SiteKind`.
    pub(crate) kind: &'static str,
    /// The typed handle that the static stands in, if it does not stand in the function.
    pub(crate) handle: Option<&'a Ident>,
}

impl Site<'_> {
    /// `static __SITE: Site = ..;` and its registration.
    pub(crate) fn statics(&self) -> TokenStream {
        let Self { subject, stored, kind, handle } = self;
        let Subject { door, function, .. } = subject;
        let (name, kind, text) = (function.name(), format_ident!("__fastness_{kind}"), &stored.key.text);
        let pieces = pieces(&stored.key);
        let handle = handle.map(|handle| {
            let handle = handle.unraw().to_string();
            code!(.handle(#handle))
        });
        let tags: Vec<_> = stored.tags.iter().map(|tag| &tag.text).chain(&stored.tag_patterns).collect();
        let tags = (!tags.is_empty()).then(|| code!(.tags(&[#(#tags),*])));
        let receiver = subject.params.receiver.is_some().then(|| {
            // A key that the user wrote has the receiver's namespace unless it names a field or skips `self`.
            let in_key = stored.key.names_receiver() || !(stored.key.is_default() || stored.skips.receiver.is_some());
            let receiver = receiver(subject, in_key, stored.skips.receiver.is_some());
            code!(.receiver(#receiver))
        });
        let options = super::calls(Builder::Site, &stored.options, door);
        let settable = settable(stored);
        let long_ttl = long_ttl(subject, stored).map(|millis| code!(.long_ttl(#millis)));
        // For `audit()`, which compares a put with the functions of its key. A function whose type may be a future may share.
        let never_shared = self.kind == "Put" && !stored::may_share(&stored.options, subject.returns.blocks());
        let leaves = if stored.options.is_given("erase") {
            Some(code!(.erases()))
        } else {
            never_shared.then(|| code!(.never_shared()))
        };
        code! {
            static __SITE: __fastness_Site = __fastness_Site::new(
                #kind,
                #name,
                ::core::module_path!(),
                #text,
                #pieces,
            )
            #handle #tags #receiver #options #settable #long_ttl #leaves;
            #door::register!(site __SITE);
        }
    }
}

/// The call with the options that settings may change, unless `ttl` is the only one.
fn settable(stored: &Stored) -> Option<TokenStream> {
    let given: Vec<_> =
        stored.options.values().map(|given| given.row.name).filter(|name| SETTABLE.contains(name)).collect();
    (!given.is_empty()).then(|| code!(.settable(&["ttl" #(, #given)*])))
}

/// The milliseconds of a ttl that may be longer than the shared log reaches back, if the entries may go to the shared tier; for `audit()`.
fn long_ttl(subject: &Subject, stored: &Stored) -> Option<Literal> {
    let millis = match stored.options.time("ttl")? {
        Time::Forever => u64::MAX,
        Time::Fixed(millis) if *millis > RETENTION => *millis,
        _ => return None,
    };
    stored::may_share(&stored.options, subject.returns.blocks()).then(|| Literal::u64_suffixed(millis))
}

/// The role of the receiver in the key. `audit()` reports receivers that may have been forgotten.
pub(crate) fn receiver(subject: &Subject, in_key: bool, skipped: bool) -> TokenStream {
    let door = &subject.door;
    let variant = match &subject.params.receiver {
        None => "None",
        Some(_) if in_key => "InKey",
        Some(_) if skipped => "Skipped",
        Some(_) => "ByType",
    };
    let variant = format_ident!("{variant}");
    quote!(#door::Receiver::#variant)
}

/// The statement that borrows the value of `on`, if it is given, and the argument that passes it on.
pub(crate) fn on(on: Option<&Expr>) -> (Option<TokenStream>, TokenStream) {
    let borrow = on.map(operand).map(|expr| code!(let __on = &#expr;));
    let argument = on.map(|expr| {
        // The compiler reports a value of another type at the user's expression.
        let span = Span::mixed_site().located_at(expr.span());
        quote_spanned!(span=> __on)
    });
    (borrow, option(argument))
}

fn option(value: Option<TokenStream>) -> TokenStream {
    let none = || code!(__fastness_None);
    value.map_or_else(none, |value| code!(::core::option::Option::Some(#value)))
}

/// The statement that makes the type by which the runtime tells instantiations of the function apart: that of a closure in it, with
/// the function's type parameters.
pub(crate) fn instance(subject: &Subject) -> TokenStream {
    let instance = match parameters(subject) {
        Some(parameters) if subject.params.receiver.is_some() => {
            code!(__fastness_instance_of_method::<_, fn(*const Self, #parameters)>)
        }
        Some(parameters) if !parameters.is_empty() => code!(__fastness_instance_of_function::<_, fn(#parameters)>),
        _ => code!(__fastness_instance),
    };
    code!(let __instance = #instance(|| ());)
}

/// The type parameters of the function, each as a pointer to it; `None` if one has no name, or is a constant.
fn parameters(subject: &Subject) -> Option<TokenStream> {
    let sig = &subject.function.sig;
    let named = sig.generics.params.iter().map(|param| match param {
        GenericParam::Type(ty) => {
            let name = &ty.ident;
            Some(quote!(*const #name,))
        }
        GenericParam::Lifetime(_) => Some(TokenStream::new()),
        GenericParam::Const(_) => None,
    });
    let is_named = |input: &FnArg| !matches!(input, FnArg::Typed(typed) if has_impl(&typed.ty));
    named.collect::<Option<TokenStream>>().filter(|_| sig.inputs.iter().all(is_named))
}

/// The name of a function of the runtime with the span of the return type, where the compiler then reports errors about the value.
pub(crate) fn at_value(subject: &Subject, name: &str) -> Ident {
    Ident::new(name, subject.returns.value.span().resolved_at(Span::mixed_site()))
}
