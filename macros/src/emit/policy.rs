//! May use: policy, signature, subject.
//!
//! Policies as tokens: a call with the ttl, then a builder call for each option that was given.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::code;
use crate::{
    policy::{Loading, Storing},
    subject::Subject,
};

/// The shape of the function's value: what its type can do, found by the compiler, not by its spelling.
pub(crate) fn shape(subject: &Subject, shares_errors: bool) -> TokenStream {
    let (door, returns) = (&subject.door, &subject.returns);
    let sharing = shares_errors.then(|| code!(.sharing()));
    code!((&&&&&&#door::Probe::<#returns>::NEW).shape() #sharing)
}

/// `policy(shape, ttl).jitter(0.05_f64)`
pub(crate) fn policy(
    subject: &Subject,
    shape: &TokenStream,
    storing: &Storing,
    loading: Option<&Loading>,
) -> TokenStream {
    let door = &subject.door;
    let Storing {
        ttl,
        jitter,
        negative_ttl,
        unless,
    } = storing;
    let jitter = jitter.map(Literal::f64_suffixed);
    let options = [
        jitter.map(|share| quote!(.jitter(#share))),
        negative_ttl
            .as_ref()
            .map(|time| quote!(.negative_ttl(#time))),
        unless.as_ref().map(|function| quote!(.unless(#function))),
    ];
    let options = options.into_iter().flatten();
    let loading = loading.map(load_options);
    code!(#door::policy(#shape, #ttl) #(#options)* #loading)
}

fn load_options(loading: &Loading) -> TokenStream {
    let Loading {
        cache_err,
        stale,
        stale_if_error,
        early,
        single_flight,
        share_error,
        load_timeout,
        background: _,
    } = loading;
    let options = [
        cache_err
            .as_ref()
            .map(|(function, time)| quote!(.cache_err(#function, #time))),
        stale.as_ref().map(|time| quote!(.stale(#time))),
        stale_if_error
            .as_ref()
            .map(|time| quote!(.stale_if_error(#time))),
        (!early).then(|| quote!(.no_early())),
        (!single_flight).then(|| quote!(.no_single_flight())),
        share_error
            .as_ref()
            .map(|function| quote!(.share_error(#function))),
        load_timeout
            .as_ref()
            .map(|time| quote!(.load_timeout(#time))),
    ];
    options.into_iter().flatten().collect()
}
