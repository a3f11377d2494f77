//! The program under test, with nothing in its environment but what a test says.

use std::process::Command;

use fastness_tests::program::{self, Run};

/// The program, ready to be started.
pub(crate) fn command(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    program::command(env!("CARGO_BIN_EXE_demo-app"), arguments, variables)
}

/// Runs it to its end.
pub(crate) async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    program::run(command(arguments, variables)).await
}
