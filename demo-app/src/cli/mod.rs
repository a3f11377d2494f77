//! The command line: `demo-app` serves; `indexes`, `seed` and `load` work on its database and its server.
//!
//! Results go to the standard output, as text or with `--json` as JSON; progress and what goes wrong go to the standard error. A
//! command ends with 0 when all is well, 1 when something went wrong, and `indexes plan` with 2 when there is something to do.
//!
//! May use: everything.

mod database;
mod documents;
mod indexes;
mod load;
mod places;
mod print;
mod queries;
mod seed;
mod serve;
mod signals;

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{Config, VARIABLES, hints};
use crate::log;

/// The reference server of fastness: a marketplace on axum.
///
/// Without a command it serves. What it serves with is in the environment: nothing is needed, and with `MONGODB_URI` and `REDIS_URL` it
/// uses real servers.
#[derive(Debug, Parser)]
#[command(name = "demo-app", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves until ctrl-c or SIGTERM (what happens without a command, too).
    Serve,
    /// Compares MongoDB's indexes with those that the models declare, builds them, advises on them.
    #[command(subcommand)]
    Indexes(indexes::Command),
    /// Fills the database in `MONGODB_URI` with documents: the same ones every time.
    Seed(seed::Arguments),
    /// Drives a server with a realistic mix of requests and says whether it keeps its targets.
    Load(load::Arguments),
}

/// How a command ended, if nothing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Done,
    /// There is something to do: `indexes plan`.
    Changes,
    /// Something is not as it should be, and the output says what.
    Unsatisfied,
    /// A person stopped it.
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

/// Reads the command line and the environment of this process, and does what they say.
pub async fn main() -> ExitCode {
    let command = Cli::command().after_long_help(environment());
    let parsed = command.try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let command = match parsed {
        Ok(cli) => cli.command.unwrap_or(Command::Serve),
        Err(error) => {
            // Help and version are such errors, too. 2, which is clap's own code, means something else here.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    for hint in hints(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())) {
        print::note(hint);
    }
    let ended = Box::pin(run(command)).await;
    log::flush(log::PATIENCE);
    match ended {
        Ok(ending) => ending.into(),
        Err(message) => {
            log::last(&format!("demo-app cannot go on:\n{message}\n"));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<Ending, String> {
    let config = Config::from_env().map_err(|error| error.to_string())?;
    match command {
        Command::Serve => serve::run(&config).await,
        Command::Indexes(command) => indexes::run(command, &config).await,
        Command::Seed(arguments) => Box::pin(seed::run(&arguments, &config)).await,
        Command::Load(arguments) => load::run(arguments, config).await,
    }
}

/// The end of `--help`.
fn environment() -> String {
    let mut text = "Environment:\n".to_owned();
    for (name, default, about) in VARIABLES {
        let default = if default.is_empty() { String::new() } else { format!(" [default: {default}]") };
        writeln!(text, "  {name:<21} {about}{default}").expect("writing to a string");
    }
    text + "\nExit codes: 0 done, or in sync; 1 an error; 2 `indexes plan` has changes; 130 interrupted"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_names_every_variable() {
        let help = environment();
        assert!(VARIABLES.iter().all(|(name, ..)| help.contains(name)), "{help}");
    }
}
