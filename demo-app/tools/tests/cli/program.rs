//! The program under test, with nothing in its environment but what a test says.

use std::process::Command;

use fastness_tests::program::{self, Run};
use fastness_tests::servers::{database_name, shared_mongo};

/// The program, ready to be started.
pub(crate) fn command(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    program::command(env!("CARGO_BIN_EXE_demo-tools"), arguments, variables)
}

/// Runs it to its end.
pub(crate) async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    program::run(command(arguments, variables)).await
}

/// The address of a database that no other test has, and its name.
pub(crate) async fn database() -> (String, String) {
    let name = database_name();
    (format!("mongodb://127.0.0.1:{}/{name}?directConnection=true", shared_mongo().await.port()), name)
}
