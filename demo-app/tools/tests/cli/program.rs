//! Runs the program, with nothing in its environment but what a test says.

use std::path::Path;
use std::process::{Command, Stdio};

use fastness_tests::servers::{database_name, shared_mongo};

/// The exit code and the output of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The program, ready to be started.
pub(crate) fn command(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_demo-tools")));
    command.args(arguments).env_clear().envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to its end.
pub(crate) async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = command(arguments, variables);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("it starts");
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// The address of a database that no other test has, and its name.
pub(crate) async fn database() -> (String, String) {
    let name = database_name();
    (format!("mongodb://127.0.0.1:{}/{name}?directConnection=true", shared_mongo().await.port()), name)
}
