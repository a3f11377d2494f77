//! Turns options into calls of the runtime's builders, as their rows say.
//!
//! May use: duration, options, subject.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;

use super::code;
use crate::{
    options::{Builder, Call, Method, Options, Readable, Row, Takes, Value},
    subject::Door,
};

/// The calls of `builder` for the options that were given, in the order of their rows.
pub(crate) fn calls(builder: Builder, options: &Options, door: &Door) -> TokenStream {
    let calls = options.values().filter_map(|given| match &given.row.call {
        Call::Of(to, method) if *to == builder => call(method, &given, options, door),
        _ => None,
    });
    calls.collect()
}

/// Returns whether one of these calls has an argument that is evaluated.
pub(crate) fn is_evaluated(builder: Builder, options: &Options) -> bool {
    let is_of = |given: &Readable<'_>| matches!(&given.row.call, Call::Of(to, _) if *to == builder);
    options.values().any(|given| is_of(&given) && given.is_evaluated())
}

fn call(method: &Method, given: &Readable<'_>, options: &Options, door: &Door) -> Option<TokenStream> {
    // The compiler reports a value of the wrong type at the user's expression.
    let span = Span::mixed_site().located_at(given.expr.map_or_else(Span::call_site, Spanned::span));
    let named = |name: &str| Ident::new(name, span);
    Some(match method {
        Method::Value(name) if matches!(given.value, Value::Off) => {
            let name = named(&format!("no_{name}"));
            quote_spanned!(span=> .#name())
        }
        // The number is asked for when the first state of the site is made, as a static has no expression that is not constant.
        Method::Value(name) if *name == "capacity" && matches!(given.value, Value::Computed(_)) => {
            let (name, value) = (named("capacity_from"), tokens(given.row, given.value, door));
            quote_spanned!(span=> .#name(|| #value))
        }
        Method::Value(name) => {
            let (name, value) = (named(name), tokens(given.row, given.value, door));
            quote_spanned!(span=> .#name(#value))
        }
        Method::With(name, other) => {
            let (name, value) = (named(name), tokens(given.row, given.value, door));
            let other = tokens(given.row, options.value(other)?, door);
            quote_spanned!(span=> .#name(#value, #other))
        }
        Method::Words(words) => {
            let Value::Word(word) = given.value else { return None };
            let (_, name) = words.iter().find(|(known, _)| known == word)?;
            let name = named(name);
            quote_spanned!(span=> .#name())
        }
        Method::Alone(name) => {
            let name = named(name);
            quote_spanned!(span=> .#name())
        }
    })
}

/// The value of an option as an argument, if it was given and could be read.
pub(crate) fn argument(name: &str, options: &Options, door: &Door) -> Option<TokenStream> {
    let given = options.values().find(|given| given.row.name == name)?;
    Some(tokens(given.row, given.value, door))
}

/// A value as an argument.
fn tokens(row: &Row, value: &Value, door: &Door) -> TokenStream {
    let kind = row.takes.kind();
    let window = matches!(kind, Takes::Window);
    match value {
        Value::Time(time) if window => code!(#door::resilience::breaker::Window::Time(#time)),
        Value::Count32(count) if window => {
            let count = at_least_one(*count, door);
            code!(#door::resilience::breaker::Window::Count(#count))
        }
        Value::Time(time) => time.to_token_stream(),
        Value::Count(count) => Literal::usize_suffixed(*count).to_token_stream(),
        Value::Count32(count) => at_least_one(*count, door),
        Value::Share(share) => Literal::f64_suffixed(*share).to_token_stream(),
        Value::Computed(expr) => match kind {
            Takes::Percent => code!(#door::percent_of(#expr)),
            Takes::Count32 => code!(#door::count_of(#expr)),
            _ => quote!(#expr),
        },
        Value::Percent(percent) => {
            let percent = Literal::u8_suffixed(*percent);
            code!(#door::resilience::Percent::new(#percent))
        }
        Value::Integer(number) => quote!(#number),
        Value::Bool(is) => quote!(#is),
        Value::Number(number) => quote!(#number),
        Value::Expr(expr) => quote!(#expr),
        Value::Text(text) => quote!(#text),
        Value::Texts(texts) => quote!(&[#(#texts),*]),
        Value::Tags(_) => TokenStream::new(),
        Value::Ident(ident) => quote!(#ident),
        Value::Path(path) => quote!(#path),
        Value::Nothing | Value::Off | Value::Word(_) | Value::Params(_) | Value::Labels(_) | Value::List(_) => {
            TokenStream::new()
        }
    }
}

/// A number as a `NonZeroU32`.
pub(crate) fn at_least_one(count: u32, door: &Door) -> TokenStream {
    let count = Literal::u32_suffixed(count);
    code!(#door::at_least_one(#count))
}
