//! Reads variables one by one, and remembers what is wrong with them.

use super::error::ConfigError;
use super::secret::redacted;

pub(super) struct Reader<F> {
    variables: F,
    faults: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    pub(super) fn new(variables: F) -> Self {
        Self { variables, faults: Vec::new() }
    }

    /// The text of a variable that is set.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        (self.variables)(name).filter(|text| !text.is_empty())
    }

    /// Reads a variable by `parse`. A fault repeats the text, less what looks like user and password.
    pub(super) fn read<T>(&mut self, name: &str, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name)?;
        let value = parse(text.trim());
        if value.is_none() {
            self.fault(format!("{name} is `{}`; expected {expected}", redacted(&text)));
        }
        value
    }

    /// Reads a variable that may hold a secret by `parse`: a fault does not repeat the text.
    pub(super) fn secret<T>(&mut self, name: &str, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = parse(self.text(name)?.trim());
        if value.is_none() {
            self.fault(format!("{name} is not understood; expected {expected}"));
        }
        value
    }

    pub(super) fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// `value`, if there was no fault.
    pub(super) fn finish<T>(self, value: T) -> Result<T, ConfigError> {
        if self.faults.is_empty() { Ok(value) } else { Err(ConfigError { faults: self.faults }) }
    }
}
