//! Output of all commands: colours on a terminal, a bar or lines of progress, JSON.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// A value as JSON on the standard output.
pub(super) fn json(value: &impl Serialize) -> Result<(), String> {
    let text = serde_json::to_string_pretty(value).map_err(|error| error.to_string())?;
    result(text + "\n")
}

/// A result, with its line ends, on the standard output. Who asked for it must know if it could not be written.
pub(super) fn result(text: impl Display) -> Result<(), String> {
    let mut out = stdout().lock();
    write!(out, "{text}").and_then(|()| out.flush()).map_err(|error| format!("the result cannot be written: {error}"))
}

/// A line on the standard error, if it can be written: the work goes on without.
pub(super) fn note(text: impl Display) {
    let _ = writeln!(stderr(), "{text}");
}

/// Colours the lines of a plan or a report by the word or sign that they begin with, if a person reads them.
pub(super) fn coloured(text: &str) -> Cow<'_, str> {
    if !stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        return Cow::Borrowed(text);
    }
    let line = |line: &str| match colour(line) {
        Some(colour) => format!("\x1b[{colour}m{line}\x1b[0m\n"),
        None => format!("{line}\n"),
    };
    Cow::Owned(text.lines().map(line).collect())
}

/// The colour as terminals number it: green for what comes, yellow for what changes, red for what cannot be.
fn colour(line: &str) -> Option<u8> {
    match line.split_whitespace().next()? {
        "+" | "created" => Some(32),
        "~" | "changed" => Some(33),
        "-/+" | "rebuilt" | "hid" | "dropped" | "needs" => Some(35),
        "!" | "CONFLICT" | "FAILED" => Some(31),
        "?" | "unmanaged" => Some(2),
        _ => None,
    }
}

/// Progress: a bar on a terminal, else a line whenever another tenth is done.
#[derive(Debug)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    total: u64,
    done: AtomicU64,
}

impl Progress {
    pub(super) fn new(total: u64) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{msg:18} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}");
            let bar = ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { bar, total, done: AtomicU64::new(0) }
    }

    /// Another `count` are done, of what `doing` names.
    pub(super) fn add(&self, count: u64, doing: &str) {
        let before = self.done.fetch_add(count, Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            bar.set_message(doing.to_owned());
            bar.inc(count);
            return;
        }
        let tenth = |done: u64| done * 10 / self.total.max(1);
        if tenth(before) != tenth(before + count) {
            note(format_args!("{doing}: {} of {} documents in all", before + count, self.total));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Thousands in groups.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1 000", "1 234 567"]);
    }

    #[test]
    fn lines_are_coloured_by_what_they_begin_with() {
        let lines = ["  + create a", "  -/+ rebuild b", "FAILED x", "Plan: 1 to create", ""];
        assert_eq!(lines.map(colour), [Some(32), Some(35), Some(31), None, None]);
    }
}
