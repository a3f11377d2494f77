//! May use: diag, nearest, value.
//!
//! Reads what stands between the parentheses of an attribute, without judging it: each option goes into its [`Slot`].
//!
//! Flow: tokens -> [`Given`]s (a name and a value) -> the slots of the attribute's own `Args`, which [`options!`] makes.
//!
//! Invariants: an option that cannot be read costs one error and only itself, as reading goes on behind the next comma;
//! an option given twice is reported here and nowhere else.

mod given;
mod slot;
#[cfg(test)]
mod tests;

pub(crate) use given::{Given, Value, read_all};
pub(crate) use slot::{FromGiven, Names, Slot};

use proc_macro2::TokenStream;

use crate::{diag::Diag, nearest, value};

/// The options of one attribute, as [`options!`] declares them.
pub(crate) trait OptionSet: Default {
    /// Puts one option into its slot.
    fn put(&mut self, given: Given, diag: &mut Diag);

    /// Reads what stands between the parentheses, where that is options alone.
    fn parse(tokens: TokenStream, diag: &mut Diag) -> Self {
        let mut options = Self::default();
        options.add(tokens, diag);
        options
    }

    /// The same, of one more attribute of this name.
    fn add(&mut self, tokens: TokenStream, diag: &mut Diag) {
        read_all(tokens, diag, |input, diag| {
            self.put(Given::parse(input)?, diag);
            Ok(())
        });
    }
}

/// Makes the `Args` of one attribute: a slot per option, in one line each.
macro_rules! options {
    ($(#[$meta:meta])* struct $name:ident for $attribute:literal { $($option:literal => $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Default)]
        pub(crate) struct $name {
            $(pub(crate) $field: $crate::args::Slot<$type>,)*
        }

        impl $name {
            /// The names of all options.
            pub(crate) const NAMES: &'static [&'static str] = &[$($option),*];
        }

        impl $crate::args::OptionSet for $name {
            fn put(&mut self, given: $crate::args::Given, diag: &mut $crate::diag::Diag) {
                match given.name.to_string().as_str() {
                    $($option => self.$field.set(given, diag),)*
                    _ => $crate::args::unknown($attribute, &given, Self::NAMES, diag),
                }
            }
        }
    };
}
pub(crate) use options;

/// What our options are called elsewhere, in Rust's other caches and in Resilience4j.
const ELSEWHERE: &[(&str, &str)] = &[
    ("backoff", "wait"),
    ("delay", "wait"),
    ("expire_after_seconds", "expire_after"),
    ("failure_rate_threshold", "failure_rate"),
    ("limit", "calls"),
    ("limit", "max"),
    ("max_attempts", "attempts"),
    ("max_concurrent", "max"),
    ("max_size", "capacity"),
    ("minimum_calls", "min_calls"),
    ("period", "per"),
    ("reset_timeout", "open_for"),
    ("retry_if", "when"),
    ("size", "capacity"),
    ("slow_call_rate_threshold", "slow_rate"),
    ("time", "ttl"),
    ("ttl", "expire_after"),
    ("ttl_secs", "ttl"),
    ("wait_duration", "wait"),
];

/// The option that a value without a name was meant for: the attribute's first one, or the key if it looks like one.
fn meant<'a>(given: &Given, options: &[&'a str]) -> &'a str {
    let text = match &given.value {
        Value::Expr(expr) => value::text(expr),
        _ => None,
    };
    let key = text.filter(|text| text.contains([':', '{'])).and_then(|_| options.iter().find(|name| **name == "key"));
    key.or(options.first()).copied().unwrap_or_default()
}

/// Reports an option that `attribute` does not have.
pub(crate) fn unknown(attribute: &str, given: &Given, options: &[&str], diag: &mut Diag) {
    let name = given.name.to_string();
    if name == "max_stale" {
        let why = "`max_stale` is of the whole cache: give it to `Fastness::builder()`; for one function, \
            write `local_ttl = \"1s\"`";
        diag.at(&given.name, why);
        return;
    }
    if name == Given::UNNAMED {
        let why = format_args!("`{attribute}` takes its options by name: write `{} = ..`", meant(given, options));
        diag.at(&given.name, why);
        return;
    }
    let elsewhere = ELSEWHERE.iter().find(|(other, ours)| *other == name && options.contains(ours));
    let known = match elsewhere.map(|(_, ours)| *ours).or_else(|| nearest::nearest(&name, options.iter().copied())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            format!("write one of {}", options.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
        }
    };
    diag.at(&given.name, format_args!("`{attribute}` has no option `{name}`: {known}"));
}
