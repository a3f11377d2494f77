//! May use: diag, args/given.
//!
//! The place of one option: empty, or what was given together with the name's own token for later errors.

use syn::{Expr, Ident, Token, ext::IdentExt, parse::Parser, punctuated::Punctuated};

use super::{Given, Value};
use crate::diag::Diag;

/// What was given for one option, and the token of the option's name.
pub(crate) struct Slot<T>(Option<(Ident, T)>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Slot<T> {
    /// The value, if the option was given.
    pub(crate) fn value(&self) -> Option<&T> {
        self.0.as_ref().map(|(_, value)| value)
    }

    /// The token of the option's name, if the option was given.
    pub(crate) fn name(&self) -> Option<&Ident> {
        self.0.as_ref().map(|(name, _)| name)
    }

    /// Whether the option was given.
    pub(crate) fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Reports `message` on the option's name if the option was given.
    pub(crate) fn refuse(&self, message: &str, diag: &mut Diag) {
        if let Some(name) = self.name() {
            diag.at(name, message);
        }
    }
}

impl<T: FromGiven> Slot<T> {
    /// Puts the value in, unless there is one already.
    pub(crate) fn set(&mut self, given: Given, diag: &mut Diag) {
        if self.is_given() {
            diag.at(&given.name, format_args!("`{}` is given twice: keep one", given.name));
            return;
        }
        match T::from_given(&given.name, given.value) {
            Ok(value) => self.0 = Some((given.name, value)),
            Err(error) => diag.add(error),
        }
    }
}

/// The three forms that an option can have.
pub(crate) trait FromGiven: Sized {
    /// Takes the value if it has this form.
    fn from_given(name: &Ident, value: Value) -> syn::Result<Self>;
}

/// `name = value`
impl FromGiven for Expr {
    fn from_given(name: &Ident, value: Value) -> syn::Result<Self> {
        match value {
            Value::Expr(expr) => Ok(*expr),
            Value::Nothing | Value::List(_) => {
                Err(syn::Error::new(name.span(), format_args!("`{name}` takes a value: write `{name} = ..`")))
            }
        }
    }
}

/// `name`
impl FromGiven for () {
    fn from_given(name: &Ident, value: Value) -> syn::Result<Self> {
        match value {
            Value::Nothing => Ok(()),
            Value::Expr(_) | Value::List(_) => {
                Err(syn::Error::new(name.span(), format_args!("`{name}` takes no value: write `{name}` alone")))
            }
        }
    }
}

/// Names of parameters: `name(a, b, self)`.
#[derive(Default)]
pub(crate) struct Names(pub(crate) Vec<Ident>);

impl FromGiven for Names {
    fn from_given(name: &Ident, value: Value) -> syn::Result<Self> {
        let wrong =
            |span| syn::Error::new(span, format_args!("`{name}` takes names of parameters: write `{name}(id)`"));
        let Value::List(tokens) = value else {
            return Err(wrong(name.span()));
        };
        let names = (|input: syn::parse::ParseStream<'_>| {
            Punctuated::<Ident, Token![,]>::parse_terminated_with(input, Ident::parse_any)
        })
        .parse2(tokens)
        .map_err(|error| wrong(error.span()))?;
        if names.is_empty() { Err(wrong(name.span())) } else { Ok(Self(names.into_iter().collect())) }
    }
}
