//! Runs of programs whose environment has only the variables that a test sets.

use std::process::{Command, Stdio};

/// The exit code and the output of a run.
#[derive(Debug)]
pub struct Run {
    /// `None` if a signal ended it.
    pub code: Option<i32>,
    /// All of standard output.
    pub out: String,
    /// All of standard error.
    pub err: String,
}

/// Prepares the program at `path` to be started.
pub fn command(path: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(path);
    command.args(arguments).env_clear().envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program to its end.
///
/// # Panics
///
/// Panics if the program cannot be started, or its output is not UTF-8.
pub async fn run(mut command: Command) -> Run {
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("it starts");
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}
