//! Reads variables one by one, and remembers what is wrong with them.

use std::fmt;

use super::secret::redacted;
use super::variables::variables;

/// Variables whose text no message repeats.
const SECRETS: [&str; 6] =
    ["ADMIN_TOKEN", "MONGODB_URI", "REDIS_KEYRING", "REDIS_PASSWORD", "REDIS_URL", "SUPPLIER_URL"];

/// Variables that cannot be understood, one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

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

    /// Reads a variable by `parse`, if it is set. A fault repeats the text, less what seems to be user and password.
    pub(super) fn read<T>(&mut self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name)?;
        let value = parse(text.trim());
        if value.is_none() {
            let expected = variable(name).expected;
            self.fault(if SECRETS.contains(&name) {
                format!("{name} is not understood; expected {expected}")
            } else {
                format!("{name} is `{}`; expected {expected}", redacted(&text))
            });
        }
        value
    }

    /// The same, or else its default.
    pub(super) fn or_default<T>(&mut self, name: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        self.or(name, parse, None)
    }

    /// The same, or else `default` where there is one for this environment.
    pub(super) fn or<T>(&mut self, name: &str, parse: impl Fn(&str) -> Option<T>, default: Option<T>) -> T {
        let value = self.read(name, &parse).or(default);
        value.unwrap_or_else(|| parse(variable(name).default).expect("a default that is understood"))
    }

    pub(super) fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// `value`, if there was no fault.
    pub(super) fn finish<T>(self, value: T) -> Result<T, ConfigError> {
        if self.faults.is_empty() { Ok(value) } else { Err(ConfigError(self.faults)) }
    }
}

fn variable(name: &str) -> super::variables::Variable {
    variables().find(|variable| variable.name == name).expect("a variable of the table")
}
