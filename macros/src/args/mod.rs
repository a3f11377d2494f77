//! May use: diag, nearest.
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

use crate::{diag::Diag, nearest};

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

        impl $crate::args::OptionSet for $name {
            fn put(&mut self, given: $crate::args::Given, diag: &mut $crate::diag::Diag) {
                match given.name.to_string().as_str() {
                    $($option => self.$field.set(given, diag),)*
                    _ => $crate::args::unknown($attribute, &given, &[$($option),*], diag),
                }
            }
        }
    };
}
pub(crate) use options;

/// Reports an option that `attribute` does not have.
pub(crate) fn unknown(attribute: &str, given: &Given, options: &[&str], diag: &mut Diag) {
    let name = given.name.to_string();
    if name == "max_stale" {
        let why = "`max_stale` is of the whole cache: give it to `Fastness::builder()`; for one function, \
            write `local_ttl = \"1s\"`";
        diag.at(&given.name, why);
        return;
    }
    let known = match nearest::nearest(&name, options.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            format!("write one of {}", options.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
        }
    };
    diag.at(&given.name, format_args!("`{attribute}` has no option `{name}`: {known}"));
}
