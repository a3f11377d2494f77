//! May use: policy, signature, subject.
//!
//! Policies as tokens: a call with the ttl, then a builder call for each option that was given.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;

use super::code;
use crate::{
    duration::Time,
    policy::{Loading, Sharing, Storing},
    signature::Kind,
    subject::Subject,
};

/// The shape of the function's value: what its type can do, found by the compiler, not by its spelling.
pub(crate) fn shape(subject: &Subject, shares_errors: bool) -> TokenStream {
    let probe = super::probe(subject);
    let sharing = shares_errors.then(|| code!(.sharing()));
    code!((&&&&&#probe).__shape() #sharing)
}

/// `policy(__shape, ttl).jitter(0.05_f64)`, of the runtime's function of this name; `__shape` is the local that holds the shape.
pub(crate) fn policy(subject: &Subject, function: &str, storing: &Storing, loading: Option<&Loading>) -> TokenStream {
    let (door, ttl) = (&subject.door, &storing.ttl);
    let name = Ident::new(function, Span::mixed_site());
    let options = options(subject, storing, loading, function == "batch_policy");
    code!(#door::#name(__shape, #ttl) #options)
}

/// The milliseconds of a ttl that is all there is to a policy.
pub(crate) fn plain_ttl(subject: &Subject, storing: &Storing, loading: &Loading) -> Option<Literal> {
    let Time::Fixed(millis) = storing.ttl else { return None };
    let Sharing { tier, local_ttl, codec } = &storing.sharing;
    // The compiler's answer tells how a value that may be a future goes to the shared tier, and no option does.
    let sharing = if subject.returns.kind == Kind::Asked && tier.is_none() && local_ttl.is_none() && codec.is_none() {
        TokenStream::new()
    } else {
        share_options(subject, &storing.sharing, false)
    };
    let plain = own_options(storing, Some(loading)).is_empty() && sharing.is_empty();
    plain.then(|| Literal::u64_suffixed(millis))
}

/// The builder calls.
fn options(subject: &Subject, storing: &Storing, loading: Option<&Loading>, each: bool) -> TokenStream {
    let (own, sharing) = (own_options(storing, loading), share_options(subject, &storing.sharing, each));
    code!(#own #sharing)
}

/// Those that concern no other tier.
fn own_options(storing: &Storing, loading: Option<&Loading>) -> TokenStream {
    let Storing { ttl: _, jitter, negative_ttl, unless, sharing: _ } = storing;
    let options = [
        with("jitter", jitter.map(Literal::f64_suffixed).as_ref()),
        with("negative_ttl", negative_ttl.as_ref()),
        with("unless", unless.as_ref()),
    ];
    let loading = loading.map(load_options);
    code!(#(#options)* #loading)
}

/// How the value goes to the shared tier, as its type can. A sync function and `tier = local` never ask.
fn share_options(subject: &Subject, sharing: &Sharing, each: bool) -> TokenStream {
    let door = &subject.door;
    if sharing.is_local() || subject.returns.kind == Kind::Sync {
        return TokenStream::new();
    }
    let wire = wire(subject, each);
    // What the compiler has against the value's type, it says at the option that asked for it.
    let tier = sharing.tier.as_ref().map(|(tier, expr)| {
        let span = Span::mixed_site().located_at(expr.span());
        let name = Ident::new(if *tier == "shared" { "only_shared" } else { "both_tiers" }, span);
        quote_spanned!(span=> .#name())
    });
    let codec = sharing.codec.as_ref().map(|(codec, expr)| {
        let span = Span::mixed_site().located_at(expr.span());
        match *codec {
            "json" => quote_spanned!(span=> .codec(#door::Codec::Json)),
            "bincode" => quote_spanned!(span=> .codec(#door::bincode(__shape))),
            _ => quote_spanned!(span=> .codec(#door::Codec::MessagePack)),
        }
    });
    let local_ttl = with("local_ttl", sharing.local_ttl.as_ref());
    code!(.wire(#wire) #tier #codec #local_ttl)
}

/// How the value goes over the wire: what its type can do.
pub(crate) fn wire(subject: &Subject, each: bool) -> TokenStream {
    let door = &subject.door;
    let wired = if subject.returns.kind == Kind::Asked {
        code!(__fastness_Wired(__shape, __kind))
    } else if each {
        code!(#door::wired_each(__shape))
    } else {
        code!(__fastness_Wired(__shape, ()))
    };
    code!((&&#wired).__wire())
}

fn load_options(loading: &Loading) -> TokenStream {
    let cache_err = loading.cache_err.as_ref().map(|(function, time)| quote!(#function, #time));
    let options = [
        with("cache_err", cache_err.as_ref()),
        with("stale", loading.stale.as_ref()),
        with("stale_if_error", loading.stale_if_error.as_ref()),
        (!loading.early).then(|| code!(.no_early())),
        (!loading.single_flight).then(|| code!(.no_single_flight())),
        loading.fleet.as_ref().map(|expr| quote_spanned!(Span::mixed_site().located_at(expr.span())=> .fleet())),
        with("share_error", loading.share_error.as_ref()),
        with("load_timeout", loading.load_timeout.as_ref()),
        loading.task.then(|| code!(.as_task())),
        (loading.task && loading.background).then(|| code!(.in_background())),
    ];
    options.into_iter().flatten().collect()
}

/// `.name(value)`, to be blamed on the value where its type does not fit.
fn with(name: &str, value: Option<&impl ToTokens>) -> Option<TokenStream> {
    let value = value?.to_token_stream();
    let span = Span::mixed_site().located_at(value.span());
    let name = Ident::new(name, span);
    Some(quote_spanned!(span=> .#name(#value)))
}
