//! Reads the durations of options: `300` (seconds), `"1h30m"`, or any `Duration` expression; for lifetimes a closure, too.
//!
//! Invariants: a [`Time::Fixed`] is at least one millisecond and fits in 64 bits of nanoseconds (584 years), so nothing
//! that computes with it can overflow; text without a unit is an error.
//!
//! May use: diag, value.

#[cfg(test)]
mod tests;

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};
use syn::{Expr, Lit, UnOp};

use crate::{diag::Diag, value::peel};

/// A checked duration.
#[derive(Clone)]
pub(crate) enum Time {
    /// Written as a literal, in milliseconds.
    Fixed(u64),
    /// Any expression of type `Duration`. For a lifetime it may also be the path of a function, which only the compiler can tell.
    Expr(Box<Expr>),
    /// A closure from what is stored to its lifetime.
    Function(Box<Expr>),
    /// `forever`
    Forever,
}

impl ToTokens for Time {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(match self {
            Self::Fixed(millis) => {
                let millis = Literal::u64_suffixed(*millis);
                quote!(::core::time::Duration::from_millis(#millis))
            }
            Self::Expr(expr) => quote!({ #expr }),
            Self::Function(closure) => quote!(#closure),
            Self::Forever => quote!(::core::time::Duration::MAX),
        });
    }
}

/// The units of a duration, each with its length in milliseconds.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// The longest duration, in milliseconds: the most that 64 bits of nanoseconds hold.
const LONGEST: u64 = u64::MAX / 1_000_000;

/// Reads the value of the option `name`.
pub(crate) fn read(name: &str, expr: &Expr, diag: &mut Diag) -> Option<Time> {
    let fixed = match peel(expr) {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) if number.suffix().is_empty() || number.suffix().starts_with('u') => {
                number.base10_parse().map_err(|_| too_long(name)).and_then(|seconds| seconds_of(name, seconds))
            }
            Lit::Int(number) => Err(with_suffix(name, &number.to_string())),
            Lit::Str(text) => parse(name, &text.value()),
            Lit::Float(number) => Err(fraction(name, number.base10_digits(), number.suffix())),
            _ => Err(format!("`{name}` is a duration: write `{name} = 300` (seconds) or `{name} = \"5m\"`")),
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
            Err(format!("`{name}` cannot be negative: write `{name} = 300` (seconds) or `{name} = \"5m\"`"))
        }
        Expr::Closure(_) => Err(of_value(name)),
        other => return Some(Time::Expr(Box::new(other.clone()))),
    };
    match fixed {
        Ok(millis) => Some(Time::Fixed(millis)),
        Err(message) => {
            diag.at(expr, message);
            None
        }
    }
}

/// Reads the value of the option `name` that is a lifetime, and may be a closure from what is stored.
pub(crate) fn read_lifetime(name: &str, expr: &Expr, diag: &mut Diag) -> Option<Time> {
    match peel(expr) {
        closure @ Expr::Closure(_) => Some(Time::Function(Box::new(closure.clone()))),
        _ => read(name, expr, diag),
    }
}

/// The message about a closure, where the option takes none.
fn of_value(name: &str) -> String {
    format!("`{name}` is a duration and takes no closure: write `{name} = \"5m\"`")
}

fn seconds_of(name: &str, seconds: u64) -> Result<u64, String> {
    check(name, seconds.checked_mul(1_000))
}

/// Reads `1h30m`: numbers, each with its unit.
fn parse(name: &str, text: &str) -> Result<u64, String> {
    let mut total = Some(0_u64);
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(malformed(name, text));
    }
    while !rest.is_empty() {
        let (number, after) = split(rest, |letter| letter.is_ascii_digit());
        let (unit, after) = split(after, char::is_alphabetic);
        if number.is_empty() {
            return Err(malformed(name, text));
        }
        if unit.is_empty() && after.is_empty() && rest.len() == text.len() {
            return Err(format!(
                "`\"{text}\"` has no unit: write `{name} = \"{text}s\"`, or `{name} = {text}` for seconds"
            ));
        }
        if unit.is_empty() {
            return Err(malformed(name, text));
        }
        let Some((_, millis)) = UNITS.iter().find(|(known, _)| *known == unit) else {
            return Err(format!("`{unit}` is not a unit of time: write one of `ms`, `s`, `m`, `h`, `d`"));
        };
        let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*millis));
        total = total.zip(part).and_then(|(total, part)| total.checked_add(part));
        rest = after;
    }
    check(name, total)
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|letter| !belongs(letter)).unwrap_or(text.len()))
}

fn check(name: &str, millis: Option<u64>) -> Result<u64, String> {
    match millis {
        Some(0) => Err(format!("`{name}` is zero: write a duration of at least `\"1ms\"`")),
        Some(millis) if millis <= LONGEST => Ok(millis),
        _ => Err(too_long(name)),
    }
}

fn too_long(name: &str) -> String {
    format!("`{name}` is too long: write at most `\"{}d\"`", LONGEST / 86_400_000)
}

fn malformed(name: &str, text: &str) -> String {
    format!("`\"{text}\"` is not a duration: write whole numbers with units, as `{name} = \"250ms\"` or `\"1h30m\"`")
}

fn with_suffix(name: &str, text: &str) -> String {
    format!("`{text}` needs quotes: write `{name} = \"{text}\"`")
}

/// The message about a fraction: `0.25` most likely means `"250ms"`.
fn fraction(name: &str, digits: &str, suffix: &str) -> String {
    let millis = digits.parse::<f64>().map_or(0.0, |seconds| (seconds * 1_000.0).round());
    let example =
        if suffix.is_empty() && (1.0..1e15).contains(&millis) { format!("{millis}ms") } else { "250ms".into() };
    format!("`{name}` takes whole numbers: write `{name} = \"{example}\"`")
}
