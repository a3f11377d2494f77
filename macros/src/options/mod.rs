//! The options of an attribute: those that exist, as data ([`Row`]), and those that one use gives ([`Options`]).
//!
//! Flow: tokens -> [`Given`] (a name and a form) -> the row of this name -> a [`Value`] of the row's kind. Each attribute takes
//! its values from the [`Options`], and checks the rules that rows cannot express: between options, and against the function.
//!
//! Invariants: an option that cannot be read is one error, and the options after it are still read; an option given twice is
//! reported here and nowhere else.
//!
//! May use: diag, duration, nearest, value.

#[cfg(test)]
mod docs;
mod given;
mod read;
mod row;
mod tables;
#[cfg(test)]
mod tests;
mod unknown;

pub(crate) use given::{Given, OptionForm, read_all};
pub(crate) use read::Value;
pub(crate) use row::{Builder, Call, Method, Row, Takes, UNNAMED};

use proc_macro2::TokenStream;
use syn::{Expr, Ident, LitStr};

use crate::{diag::Diag, duration::Time, value};

/// The options that were given to one use of an attribute.
pub(crate) struct Options {
    attribute: &'static str,
    /// The rows of the attribute.
    rows: Vec<&'static Row>,
    given: Vec<Entry>,
}

/// An option that was given.
struct Entry {
    row: &'static Row,
    name: Ident,
    /// The value as the user wrote it, if it is an expression.
    expr: Option<Expr>,
    /// The value, or `None` after an error about it.
    value: Option<Value>,
}

impl Options {
    pub(crate) fn new(attribute: &'static str) -> Self {
        Self { attribute, rows: tables::rows(attribute).collect(), given: Vec::new() }
    }

    /// Reads the tokens between the parentheses of `attribute`.
    pub(crate) fn parse(attribute: &'static str, tokens: TokenStream, diag: &mut Diag) -> Self {
        let mut options = Self::new(attribute);
        options.add(tokens, diag);
        options
    }

    /// Adds the options of another attribute of the same name.
    pub(crate) fn add(&mut self, tokens: TokenStream, diag: &mut Diag) {
        let first = self.row(row::UNNAMED);
        read_all(tokens, diag, |input, diag| {
            match first {
                Some(row) if !given::is_option(input) => {
                    let expr: Expr = input.parse()?;
                    self.unnamed(row, expr, diag);
                }
                _ => self.put(Given::parse(input)?, diag),
            }
            Ok(())
        });
    }

    fn unnamed(&mut self, row: &'static Row, expr: Expr, diag: &mut Diag) {
        if self.is_given(row::UNNAMED) {
            diag.at(&expr, "there are two values here: keep one");
            return;
        }
        let name = Ident::new(row::UNNAMED, syn::spanned::Spanned::span(&expr));
        self.read(row, self.attribute, name, OptionForm::Expr(Box::new(expr)), diag);
    }

    /// Adds one option, or reports it.
    pub(crate) fn put(&mut self, given: Given, diag: &mut Diag) {
        let name = given.name.to_string();
        let Some(row) = self.row(&name).filter(|_| name != row::UNNAMED) else {
            unknown::report(self.attribute, &given, &tables::all().collect::<Vec<_>>(), diag);
            return;
        };
        let Given { name, form } = given;
        if self.is_given(row.name) {
            diag.at(&name, format_args!("`{name}` is given twice: keep one"));
            return;
        }
        match read::fits(row, &name, &form) {
            Ok(()) => self.read(row, row.name, name, form, diag),
            Err(error) => diag.add(error),
        }
    }

    fn read(&mut self, row: &'static Row, called: &str, name: Ident, form: OptionForm, diag: &mut Diag) {
        let value = read::read(called, row, &name, &form, diag);
        let expr = match form {
            OptionForm::Expr(expr) => Some(*expr),
            OptionForm::Nothing | OptionForm::List(_) => None,
        };
        self.given.push(Entry { row, name, expr, value });
    }

    fn row(&self, name: &str) -> Option<&'static Row> {
        self.rows.iter().find(|row| row.name == name).copied()
    }

    /// Returns whether the attribute has an option of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.row(name).is_some()
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        #[cfg(test)]
        assert!(self.has(name), "`{}` has no row `{name}`", self.attribute);
        self.given.iter().find(|entry| entry.row.name == name)
    }

    /// Returns whether the option was given, readable or not.
    pub(crate) fn is_given(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    /// The token of the option's name, if it was given.
    pub(crate) fn name(&self, name: &str) -> Option<&Ident> {
        self.entry(name).map(|entry| &entry.name)
    }

    /// The expression that was given to the option, as it was written.
    pub(crate) fn written(&self, name: &str) -> Option<&Expr> {
        self.entry(name)?.expr.as_ref()
    }

    /// Reports `message` on the option's name if it was given.
    pub(crate) fn refuse(&self, name: &str, message: &str, diag: &mut Diag) {
        if let Some(name) = self.name(name) {
            diag.at(name, message);
        }
    }

    /// The value of the option, if it was given and could be read.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.entry(name)?.value.as_ref()
    }

    pub(crate) fn expr(&self, name: &str) -> Option<&Expr> {
        if let Value::Expr(expr) = self.value(name)? { Some(expr) } else { None }
    }

    pub(crate) fn time(&self, name: &str) -> Option<&Time> {
        if let Value::Time(time) = self.value(name)? { Some(time) } else { None }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&LitStr> {
        if let Value::Text(text) = self.value(name)? { Some(text) } else { None }
    }

    pub(crate) fn texts(&self, name: &str) -> &[LitStr] {
        match self.value(name) {
            Some(Value::Texts(texts)) => texts,
            Some(Value::Tags(tags)) => &tags.texts,
            _ => &[],
        }
    }

    /// The function that returns the tags of a value.
    pub(crate) fn tags_of(&self, name: &str) -> Option<&Expr> {
        if let Some(Value::Tags(tags)) = self.value(name) { tags.of.as_ref() } else { None }
    }

    pub(crate) fn count(&self, name: &str) -> Option<usize> {
        match self.value(name)? {
            Value::Count(count) => Some(*count),
            Value::Count32(count) => usize::try_from(*count).ok(),
            _ => None,
        }
    }

    pub(crate) fn params(&self, name: &str) -> &[Ident] {
        if let Some(Value::Params(names)) = self.value(name) { names } else { &[] }
    }

    pub(crate) fn list(&self, name: &str) -> Option<&TokenStream> {
        if let Value::List(tokens) = self.value(name)? { Some(tokens) } else { None }
    }

    /// Returns whether the value of the option is this word.
    pub(crate) fn is(&self, name: &str, word: &str) -> bool {
        self.written(name).is_some_and(|expr| value::is(expr, word))
    }

    /// Returns whether a value is an expression that is evaluated at each call.
    pub(crate) fn varies(&self) -> bool {
        self.values().any(|given| given.is_evaluated() && !given.row.takes.is_once())
    }

    /// Returns whether the value of the option is an expression.
    pub(crate) fn is_evaluated(&self, name: &str) -> bool {
        self.values().any(|given| given.row.name == name && given.is_evaluated())
    }

    /// The options that could be read, in the order of the rows.
    pub(crate) fn values(&self) -> impl Iterator<Item = Readable<'_>> {
        let mut readable: Vec<_> = self
            .given
            .iter()
            .filter_map(|Entry { row, value, expr, .. }| {
                Some(Readable { row, value: value.as_ref()?, expr: expr.as_ref() })
            })
            .collect();
        readable.sort_by_key(|given| self.rows.iter().position(|row| std::ptr::eq(*row, given.row)));
        readable.into_iter()
    }
}

/// An option that was given and could be read.
pub(crate) struct Readable<'a> {
    pub(crate) row: &'static Row,
    pub(crate) value: &'a Value,
    pub(crate) expr: Option<&'a Expr>,
}

impl Readable<'_> {
    /// Returns whether the value is a duration or a number that is known when an expression is evaluated.
    pub(crate) fn is_evaluated(&self) -> bool {
        matches!(self.value, Value::Time(Time::Expr(_)) | Value::Computed(_))
    }
}
