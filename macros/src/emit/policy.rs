//! Policies as tokens: a call with the ttl, then a builder call for each option that was given.
//!
//! May use: duration, options, signature, stored, subject, value, emit/{calls, kind}.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote_spanned;
use syn::{Expr, ext::IdentExt, spanned::Spanned};

use super::{calls, code};
use crate::{
    duration::Time,
    options::{Builder, Options, Value},
    signature::Kind,
    stored,
    subject::{Door, Subject},
    value,
};

/// The shape of the function's value: what its type can do. The compiler finds it, not the spelling of the type.
pub(crate) fn shape(subject: &Subject, shares_errors: bool) -> TokenStream {
    let probe = super::probe(subject);
    let sharing = shares_errors.then(|| code!(.sharing()));
    code!((&&&&&#probe).__shape() #sharing)
}

/// `policy(__shape, ttl).jitter(0.05_f64)`, of the runtime's function of this name; `__shape` is the local that holds the shape.
pub(crate) fn policy(subject: &Subject, function: &str, options: &Options) -> TokenStream {
    let (door, ttl) = (&subject.door, options.time("ttl"));
    let name = Ident::new(function, Span::mixed_site());
    let each = function == "batch_policy";
    let (calls, sharing) = (builder_calls(subject, options, each), sharing(subject, options, each));
    match ttl.and_then(|ttl| lifetime(subject, "ttl", ttl)) {
        Some(stated) => code!(#door::#name(__shape, ::core::time::Duration::MAX) #stated #calls #sharing),
        None => code!(#door::#name(__shape, #ttl) #calls #sharing),
    }
}

/// The builder call for a lifetime that is a function of what is stored, or may be one: `.ttl_by(|value| ..)`, or
/// `.ttl_from(&MINUTE, |value| ttl_of(&MINUTE, value))`.
fn lifetime(subject: &Subject, name: &str, time: &Time) -> Option<TokenStream> {
    let door = &subject.door;
    match time {
        Time::Function(closure) => {
            let span = located(closure);
            let name = Ident::new(&format!("{name}_by"), span);
            Some(quote_spanned!(span=> .#name(#closure)))
        }
        Time::Expr(path) if is_item(subject, path) => {
            let span = located(path);
            let name = Ident::new(&format!("{name}_from"), span);
            Some(quote_spanned!(span=> .#name(&#path, |__stored| #door::ttl_of(&#path, __stored))))
        }
        Time::Fixed(_) | Time::Expr(_) | Time::Forever => None,
    }
}

/// `.tags_by(|value, site| stated_tags(value, site, |value| ..))`
fn tags_by(of: &Expr, door: &Door) -> TokenStream {
    let span = located(of);
    quote_spanned!(span=> .tags_by(|__stored, __site| #door::stated_tags(__stored, __site, #of)))
}

fn located(expr: &Expr) -> Span {
    Span::mixed_site().located_at(expr.span())
}

/// Returns whether an expression is the path of an item and not a parameter: of a constant or a function, which only the compiler tells
/// apart.
fn is_item(subject: &Subject, expr: &Expr) -> bool {
    let Expr::Path(path) = value::peel(expr) else { return false };
    let is_param = |name: &Ident| name == "self" || subject.params.find(&name.unraw().to_string()).is_some();
    !path.path.get_ident().is_some_and(is_param)
}

/// The milliseconds of the ttl, if the policy has nothing else.
pub(crate) fn plain_ttl(subject: &Subject, options: &Options) -> Option<Literal> {
    let Some(Time::Fixed(millis)) = options.time("ttl") else { return None };
    // For a value that may be a future, the compiler's answer already has its form in the shared tier.
    let asked = subject.returns.kind == Kind::Asked;
    let is_given = !calls(Builder::Sharing, options, &subject.door).is_empty();
    let shared = if asked && !is_given { TokenStream::new() } else { sharing(subject, options, false) };
    let plain = builder_calls(subject, options, false).is_empty() && shared.is_empty();
    plain.then(|| Literal::u64_suffixed(*millis))
}

/// The builder calls that do not depend on the shared tier.
fn builder_calls(subject: &Subject, options: &Options, each: bool) -> TokenStream {
    let calls = calls(Builder::Policy, options, &subject.door);
    let is_task = options.has("load") && options.is("load", "task");
    let background = (each || is_task) && options.has("refresh") && options.is("refresh", "background");
    let background = background.then(|| code!(.in_background()));
    let err_ttl = if options.has("err_ttl") { options.time("err_ttl") } else { None };
    let err_ttl = err_ttl.map(|ttl| lifetime(subject, "err_ttl", ttl).unwrap_or_else(|| code!(.err_ttl(#ttl))));
    let tags = options.tags_of("tags").map(|of| tags_by(of, &subject.door));
    code!(#calls #err_ttl #tags #background)
}

/// The builder calls for the shared tier, if the function may use it: the form of the value there, which its type decides, and the
/// codec.
fn sharing(subject: &Subject, options: &Options, each: bool) -> TokenStream {
    if !stored::may_share(options, subject.returns.kind == Kind::Sync) {
        return TokenStream::new();
    }
    let door = &subject.door;
    let (wire, calls) = (wire(subject, each, stored::names_shared(options)), calls(Builder::Sharing, options, door));
    // The compiler reports a value that the codec cannot encode at the option.
    let codec = options.value("codec").zip(options.written("codec")).map(|(codec, expr)| {
        let span = Span::mixed_site().located_at(expr.span());
        match codec {
            Value::Word("json") => quote_spanned!(span=> .codec(#door::Codec::Json)),
            Value::Word("bincode") => quote_spanned!(span=> .codec(#door::bincode(__shape))),
            _ => quote_spanned!(span=> .codec(#door::Codec::MessagePack)),
        }
    });
    code!(.wire(#wire) #calls #codec)
}

/// The expression that finds the form of the value in the shared tier by its type. `named` says whether the function names the shared tier, so
/// that its values go there even if it blocks.
pub(crate) fn wire(subject: &Subject, each: bool, named: bool) -> TokenStream {
    let door = &subject.door;
    let wired = if subject.returns.kind == Kind::Asked && !named {
        code!(__fastness_Wired(__shape, __kind))
    } else if each {
        code!(#door::wired_each(__shape))
    } else {
        code!(__fastness_Wired(__shape, ()))
    };
    code!((&&#wired).__wire())
}
