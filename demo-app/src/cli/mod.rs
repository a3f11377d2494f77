//! Command line: `demo-app` serves, and everything that it serves with is in the environment.
//!
//! The exit code is 0 after a stop in order, and 1 when something went wrong. Seeding, indexes and load are commands of `demo-tools`.
//!
//! May use: everything.

mod places;
mod serve;
mod signals;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

pub use self::serve::cache;
pub use self::signals::Signals;
use crate::config::{Config, Variable, hints, variables};
use crate::log;

/// The command that the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    Serve,
    Help,
    Version,
    /// An argument that the program does not have, and the reason.
    Unknown(String),
}

/// Reads the command line and the environment of this process, and does what they say.
pub async fn main() -> ExitCode {
    match request(std::env::args_os().skip(1)) {
        Request::Serve => {}
        Request::Help => return print(&help()),
        Request::Version => return print(concat!("demo-app ", env!("CARGO_PKG_VERSION"), "\n")),
        Request::Unknown(fault) => {
            log::last(&format!("{fault}\n"));
            return ExitCode::FAILURE;
        }
    }
    hint();
    let served = match Config::from_env() {
        Ok(config) => Box::pin(serve::run(&config)).await,
        Err(error) => Err(error.to_string()),
    };
    log::flush(log::PATIENCE);
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            log::last(&format!("demo-app cannot go on:\n{message}\n"));
            ExitCode::FAILURE
        }
    }
}

fn request(arguments: impl Iterator<Item = OsString>) -> Request {
    let arguments: Vec<_> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [] | ["serve"] => Request::Serve,
        ["-h" | "--help" | "help"] => Request::Help,
        ["-V" | "--version"] => Request::Version,
        [command @ ("indexes" | "seed" | "load"), ..] => Request::Unknown(format!(
            "`{command}` is a command of demo-tools: run `cargo run -p demo-tools -- {command} ..`"
        )),
        [word, ..] => Request::Unknown(format!(
            "demo-app does not know `{word}`: run it without arguments, or `demo-app --help` for what the environment may set"
        )),
    }
}

/// Names variables on the standard error that are probably misspelt names of the demo's.
pub fn hint() {
    for hint in hints(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())) {
        let _ = writeln!(std::io::stderr(), "{hint}");
    }
}

/// Prints what was asked for; a reader that is gone changes the exit code.
fn print(text: &str) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn help() -> String {
    let about = "The reference server of fastness: a marketplace on axum.\n\n\
         Usage: demo-app [-h | --help | -V | --version]\n\n\
         It serves until ctrl-c or SIGTERM. Nothing needs to be set; a build with the feature `servers` uses MongoDB and Redis\n\
         where MONGODB_URI and REDIS_URL name them. Seeding, indexes and load are commands of demo-tools.\n\n";
    format!("{about}{}\nExit codes: 0 stopped in order; 1 an error; 130 a second signal\n", environment())
}

/// The variables, for the end of a help.
pub fn environment() -> String {
    let mut text = "Environment:\n".to_owned();
    for Variable { name, default, about, .. } in variables() {
        let default = if default.is_empty() { String::new() } else { format!(" [default: {default}]") };
        writeln!(text, "  {name:<21} {about}{default}").expect("writing to a string");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> Request {
        request(words.iter().map(OsString::from))
    }

    #[test]
    fn without_arguments_it_serves() {
        assert_eq!([asked(&[]), asked(&["serve"])], [Request::Serve, Request::Serve]);
        assert_eq!([asked(&["-h"]), asked(&["--version"])], [Request::Help, Request::Version]);
    }

    #[test]
    fn commands_of_the_tools_are_told_where_they_are() {
        let Request::Unknown(fault) = asked(&["seed", "--products", "7"]) else {
            panic!("it is no command of the server")
        };
        assert_eq!(fault, "`seed` is a command of demo-tools: run `cargo run -p demo-tools -- seed ..`");
        let Request::Unknown(fault) = asked(&["--prot", "80"]) else { panic!("there is no such option") };
        assert!(fault.starts_with("demo-app does not know `--prot`: run it without arguments"), "{fault}");
    }

    #[test]
    fn the_help_names_every_variable() {
        let help = help();
        assert!(variables().all(|variable| help.contains(variable.name)), "{help}");
    }
}
