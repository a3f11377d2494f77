//! Tools for the demo: `indexes` and `seed` work on its database, `load` drives its server.
//!
//! Results go to the standard output, as text or with `--json` as JSON; progress and what goes wrong go to the standard error. A
//! command ends with 0 when all is well, 1 when something went wrong, and `indexes plan` with 2 when there is something to do.

// Printing panics where it cannot be written: `print` says what then.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod database;
mod documents;
mod indexes;
mod load;
mod print;
mod queries;
mod seed;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use demo_app::cli::{environment, hint};
use demo_app::config::Config;

/// Tools for the reference server of fastness.
///
/// The tools read the same environment as the server: `MONGODB_URI` names the database that they work on.
#[derive(Debug, Parser)]
#[command(name = "demo-tools", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compares MongoDB's indexes with those that the models declare, builds them, advises on them.
    #[command(subcommand)]
    Indexes(indexes::IndexCommand),
    /// Fills the database in `MONGODB_URI` with documents: the same ones every time.
    Seed(seed::SeedArguments),
    /// Drives a server with a realistic mix of requests and says whether it meets its targets.
    Load(load::LoadArguments),
}

/// Ending of a command in which nothing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Done,
    /// There is something to do: `indexes plan`.
    Changes,
    /// The answer is no: the output says what is wrong.
    Unsatisfied,
    /// A signal stopped the command.
    Interrupted,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(match ending {
            Ending::Done => 0,
            Ending::Unsatisfied => 1,
            Ending::Changes => 2,
            Ending::Interrupted => 130,
        })
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let after =
        environment() + "\nExit codes: 0 done, or in sync; 1 an error; 2 `indexes plan` has changes; 130 interrupted";
    let parsed =
        Cli::command().after_long_help(after).try_get_matches().and_then(|found| Cli::from_arg_matches(&found));
    let command = match parsed {
        Ok(cli) => cli.command,
        Err(error) => {
            // Help and version are such errors, too. 2, which is clap's own code, means something else here.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    hint();
    match Box::pin(run(command)).await {
        Ok(ending) => ending.into(),
        Err(message) => {
            print::note(format_args!("demo-tools cannot go on:\n{message}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<Ending, String> {
    let config = Config::from_env().map_err(|error| error.to_string())?;
    match command {
        Command::Indexes(command) => indexes::run(command, &config).await,
        Command::Seed(arguments) => Box::pin(seed::run(&arguments, &config)).await,
        Command::Load(arguments) => load::run(arguments, config).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
