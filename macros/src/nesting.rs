//! Makes attributes nest as they are written, outermost first.
//!
//! The compiler expands the topmost attribute first, so its code would end up innermost. Therefore an attribute that has
//! others of this crate below it puts itself behind them, marked as deferred, and is expanded after them:
//! `[timed, cacheable, retry]` -> `[cacheable, retry, timed']` -> `[retry, cacheable', timed']`. From there on, each attribute
//! wraps the code of those before it.
//!
//! Invariants: a stack that makes no sense is expanded at once, which reports it; only the attribute that is being expanded is moved
//! and marked, because another one of the same name may belong to another crate.
//!
//! May use: diag, signature, stacking.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::quote;
use syn::{Attribute, Ident, parse::ParseStream, parse::Parser};

use crate::{
    diag::Diag,
    signature::{Function, Kind, Returns},
    stacking::{self, DEFERRED, deferred, is_deferred},
};

/// Expands the attribute `name`, or moves it behind the attributes that must be expanded first.
pub(crate) fn nest(
    name: &str,
    args: TokenStream,
    item: &TokenStream,
    expand: impl FnOnce(TokenStream, &TokenStream) -> TokenStream,
) -> TokenStream {
    if is_deferred(&args) {
        return expand(args.into_iter().skip(2).collect(), item);
    }
    let parser = |input: ParseStream<'_>| Ok((Attribute::parse_outer(input)?, input.parse::<TokenStream>()?));
    let Ok((mut attrs, rest)) = parser.parse2(item.clone()) else {
        return expand(args, item);
    };
    let Some(last) = attrs.iter().rposition(|attr| is_ours(attr) && !deferred(attr)) else {
        return match behind_instrument(name, &args, &attrs, &rest) {
            Some(nested) => nested,
            None => expand(args, item),
        };
    };
    let mut refused = Diag::default();
    stacking::check(name, &attrs, &mut refused);
    if refused.count() > 0 {
        return expand(args, item);
    }
    let deferred = defer(name, &args);
    let behind = attrs.split_off(last + 1);
    quote!(#(#attrs)* #deferred #(#behind)* #rest)
}

/// The attribute `name` with its arguments and the mark that it is deferred.
fn defer(name: &str, args: &TokenStream) -> TokenStream {
    let [name, mark] = [name, DEFERRED].map(|word| Ident::new(word, Span::call_site()));
    let krate = krate(args).unwrap_or_else(|| quote!(::fastness));
    quote!(#[#krate::#name(#mark, #args)])
}

/// Moves the attribute behind `#[instrument]` on a function whose return type may be a future: `instrument` looks for that future in
/// the body as the user wrote it.
fn behind_instrument(name: &str, args: &TokenStream, attrs: &[Attribute], rest: &TokenStream) -> Option<TokenStream> {
    let is_instrument = |attr: &Attribute| attr.path().segments.last().is_some_and(|last| last.ident == "instrument");
    let at = attrs.iter().position(is_instrument)?;
    let function = Function::parse(name, rest.clone(), &mut Diag::default())?;
    if Returns::new(&function.sig).kind != Kind::Asked {
        return None;
    }
    let (instrument, deferred) = (&attrs[at], defer(name, args));
    let others = attrs.iter().enumerate().filter(|(index, _)| *index != at).map(|(_, attr)| attr);
    Some(quote!(#instrument #deferred #(#others)* #rest))
}

fn is_ours(attr: &Attribute) -> bool {
    attr.path().segments.last().is_some_and(|last| stacking::is_ours(&last.ident))
}

/// The path in `crate = path`.
fn krate(args: &TokenStream) -> Option<TokenStream> {
    let is = |token: Option<&TokenTree>, wanted: char| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted);
    let tokens: Vec<_> = args.clone().into_iter().collect();
    let at = (0..tokens.len()).find(|at| {
        let starts = *at == 0 || is(tokens.get(at - 1), ',');
        starts && matches!(&tokens[*at], TokenTree::Ident(ident) if ident == "crate") && is(tokens.get(at + 1), '=')
    })?;
    Some(tokens[at + 2..].iter().take_while(|token| !is(Some(*token), ',')).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The item after one expansion: `done(..)` if the attribute was expanded, or the item with the attribute moved.
    fn step(name: &str, args: &str, item: &str) -> String {
        let parse = |text: &str| text.parse::<TokenStream>().expect("tokens");
        nest(name, parse(args), &parse(item), |args, _| quote!(done(#args))).to_string().replace(' ', "")
    }

    #[test]
    fn an_attribute_alone_is_expanded() {
        assert_eq!(step("timed", "slow = 1", "#[inline] fn f() {}"), "done(slow=1)");
        assert_eq!(step("timed", "", "struct S;"), "done()");
    }

    #[test]
    fn the_topmost_is_expanded_last() {
        let first = step("timed", "slow=1", "#[cacheable(ttl=2)] #[x] #[retry(\"a\")] #[y] fn f() {}");
        let behind = "#[::fastness::timed(__deferred,slow=1)]";
        assert_eq!(first, format!("#[cacheable(ttl=2)]#[x]#[retry(\"a\")]{behind}#[y]fnf(){{}}"));
        let second = step("cacheable", "ttl=2", &format!("#[x] #[retry(\"a\")] {behind} #[y] fn f() {{}}"));
        let both = format!("#[::fastness::cacheable(__deferred,ttl=2)]{behind}");
        assert_eq!(second, format!("#[x]#[retry(\"a\")]{both}#[y]fnf(){{}}"));
        assert_eq!(step("retry", "\"a\"", &format!("{both} #[y] fn f() {{}}")), "done(\"a\")");
        assert_eq!(step("cacheable", "__deferred, ttl=2", &format!("{behind} fn f() {{}}")), "done(ttl=2)");
    }

    #[test]
    fn the_crate_is_found_under_its_name() {
        let renamed = step("timed", "name = \"crate = x\", crate = ::my::fast, slow = 1", "#[cacheable] fn f() {}");
        assert!(renamed.contains("#[::my::fast::timed(__deferred,"), "{renamed}");
        let dense = step("timed", "crate=::my::fast,slow=1", "#[cacheable] fn f() {}");
        assert!(dense.contains("#[::my::fast::timed(__deferred,"), "{dense}");
    }
}
