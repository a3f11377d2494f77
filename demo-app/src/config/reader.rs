//! Reads variables one by one, and remembers what is wrong with them.

use super::{ConfigError, Secret};

const MONGODB: &str = "mongodb://[user:password@]host[:port][/database]";

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

    /// What `parse` makes of a variable. A fault repeats the text: not for secrets.
    pub(super) fn read<T>(&mut self, name: &str, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name)?;
        let value = parse(text.trim());
        if value.is_none() {
            self.fault(format!("{name} is `{text}`; expected {expected}"));
        }
        value
    }

    /// It may hold a password, so no message repeats it. Only its beginning is looked at: the driver reads the rest.
    pub(super) fn mongodb(&mut self) -> Option<Secret> {
        let uri = self.text("MONGODB_URI")?;
        if uri.starts_with("mongodb://") || uri.starts_with("mongodb+srv://") {
            return Some(Secret(uri));
        }
        self.fault(format!("MONGODB_URI is not understood; expected {MONGODB}"));
        None
    }

    pub(super) fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// `value`, if there was no fault.
    pub(super) fn finish<T>(self, value: T) -> Result<T, ConfigError> {
        if self.faults.is_empty() { Ok(value) } else { Err(ConfigError { faults: self.faults }) }
    }
}
