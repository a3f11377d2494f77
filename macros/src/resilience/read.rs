//! May use: args, diag, duration, value.
//!
//! Reads what these attributes are given, beyond what all attributes are.
//!
//! Invariant: a wrong value yields exactly one error, and it says what to write instead.

use proc_macro2::{Ident, Literal, TokenStream};
use syn::{Expr, ExprLit, Lit, Token, ext::IdentExt, parse::ParseStream, token};

use crate::{
    args::{Given, OptionSet, Slot, read_all},
    diag::Diag,
    duration::{self, Time},
    emit::code,
    subject::Door,
    value::{self, peel},
};

/// A value, and options.
pub(super) fn value_and_options(tokens: TokenStream, options: &mut impl OptionSet, diag: &mut Diag) -> Option<Expr> {
    let mut value = None;
    read_all(tokens, diag, |input, diag| {
        if is_option(input) {
            options.put(Given::parse(input)?, diag);
            return Ok(());
        }
        let given: Expr = input.parse()?;
        if value.is_some() {
            diag.at(&given, "there are two values here: keep one");
        }
        value.get_or_insert(given);
        Ok(())
    });
    value
}

/// `name = ..` or `name(..)`.
fn is_option(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    Ident::parse_any(&ahead).is_ok() && (ahead.peek(token::Paren) || (ahead.peek(Token![=]) && !ahead.peek(Token![==])))
}

/// The duration of an option.
pub(super) fn time(name: &str, slot: &Slot<Expr>, diag: &mut Diag) -> Option<Time> {
    slot.value().and_then(|expr| duration::read_once(name, expr, diag))
}

/// A duration that both of these options say, in order: the first must not be longer.
pub(super) fn ordered(small: (&str, Option<&Time>), large: (&str, Option<&Time>, &Expr), diag: &mut Diag) {
    if let (Some(Time::Fixed(first)), Some(Time::Fixed(last))) = (small.1, large.1)
        && first > last
    {
        let (small, large, at) = (small.0, large.0, large.2);
        diag.at(at, format_args!("`{large}` is shorter than `{small}`: write a longer one"));
    }
}

/// A number from 1 on, as a `NonZeroU32`.
pub(super) fn count(name: &str, slot: &Slot<Expr>, door: &Door, diag: &mut Diag) -> Option<(u32, TokenStream)> {
    let expr = slot.value()?;
    let count = value::count(name, expr, diag)?;
    let Ok(count) = u32::try_from(count) else {
        diag.at(expr, format_args!("`{name}` is too large: write at most {}", u32::MAX));
        return None;
    };
    let literal = Literal::u32_suffixed(count);
    Some((count, code!(#door::at_least_one(#literal))))
}

/// A share of 1 to 100 %, as `50` or `"50%"`.
pub(super) fn percent(name: &str, slot: &Slot<Expr>, door: &Door, diag: &mut Diag) -> Option<TokenStream> {
    let expr = slot.value()?;
    let percent = match peel(expr) {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
            text.value().trim().strip_suffix('%').map(str::to_owned).and_then(|text| text.trim().parse().ok())
        }
        _ => None,
    };
    match percent {
        Some(percent @ 1..=100_u8) => {
            let percent = Literal::u8_suffixed(percent);
            Some(code!(#door::resilience::Percent::new(#percent)))
        }
        _ => {
            diag.at(
                expr,
                format_args!("`{name}` is a share from 1 % to 100 %: write `{name} = 50` or `{name} = \"50%\"`"),
            );
            None
        }
    }
}

/// Whether an option is switched `off`.
pub(super) fn is_off(slot: &Slot<Expr>) -> bool {
    matches!(slot.value().map(peel), Some(Expr::Path(path)) if path.path.is_ident("off"))
}
