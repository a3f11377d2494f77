//! `indexes plan`, `apply` and `advise`.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use fastness::mongo::plan::{self, BuildProgress, UnmanagedIndexes};
use indicatif::{ProgressBar, ProgressStyle};

use super::{Ending, database, print, queries};
use demo_app::config::Config;
use demo_app::store::MongoRepository;

#[derive(Debug, Subcommand)]
pub(super) enum IndexCommand {
    /// Shows what is to be done, and changes nothing. Exit code 2: there is something to do.
    Plan {
        /// Print JSON, with what stays as it is.
        #[arg(long)]
        json: bool,
    },
    /// Makes the database have the declared indexes; drops nothing that is not asked for.
    Apply(Apply),
    /// Runs the demo's queries once, and says which indexes the slow ones lack, and which existing ones no query needs.
    Advise {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct Apply {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Build anew what MongoDB cannot change in place.
    #[arg(long)]
    rebuild: bool,
    /// Indexes that no model declares.
    #[arg(long, value_enum, default_value_t = Rest::Keep)]
    unmanaged: Rest,
    /// Let the server build for so many seconds at most; else as long as it takes.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    build_limit: Option<u64>,
    /// Wait so many seconds for another process that builds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    patience: u64,
}

/// [`UnmanagedIndexes`], as it is written here.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Rest {
    /// Leaves them alone.
    Keep,
    /// Queries no longer use them; they can be brought back at once.
    Hide,
    /// Drops those that are hidden.
    DropHidden,
    /// Drops them all.
    Drop,
}

pub(super) async fn run(command: IndexCommand, config: &Config) -> Result<Ending, String> {
    let store = database::connect(config).await?;
    match command {
        IndexCommand::Plan { json } => plan(&store, json).await,
        IndexCommand::Apply(arguments) => {
            apply(&store, arguments.options(), arguments.json, "the indexes are not all as declared, see above").await
        }
        IndexCommand::Advise { json } => advise(&store, json).await,
    }
}

async fn plan(store: &MongoRepository, json: bool) -> Result<Ending, String> {
    let plan = store.indexes().plan().await.map_err(|error| error.to_string())?;
    if json {
        print::json(&plan)?;
    } else {
        print::result(print::coloured(&plan.to_string()))?;
    }
    Ok(if plan.is_in_sync() { Ending::Done } else { Ending::Changes })
}

/// Applies, and shows how far the server is.
pub(super) async fn apply(
    store: &MongoRepository,
    options: plan::Settings,
    json: bool,
    incomplete: &str,
) -> Result<Ending, String> {
    let bar = ProgressBar::no_length();
    let style = ProgressStyle::with_template("{msg:40} {wide_bar} {human_pos}/{human_len}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let shown = bar.clone();
    let options = options.on_progress(move |progress| show(&shown, progress));
    let report = store.indexes().apply(&options).await;
    bar.finish_and_clear();
    let report = report.map_err(|error| error.to_string())?;
    if json {
        print::json(&report)?;
    } else {
        print::result(print::coloured(&report.to_string()))?;
    }
    if report.is_complete() {
        return Ok(Ending::Done);
    }
    print::note(incomplete);
    Ok(Ending::Unsatisfied)
}

/// A bar on a terminal, elsewhere a line.
fn show(bar: &ProgressBar, progress: &BuildProgress) {
    let BuildProgress { collection, message, done, total, .. } = progress;
    if bar.is_hidden() {
        print::note(format_args!("{collection}: {message} ({done} of {total})"));
        return;
    }
    bar.set_message(format!("{collection}: {message}"));
    bar.set_length(*total);
    bar.set_position(*done);
}

async fn advise(store: &MongoRepository, json: bool) -> Result<Ending, String> {
    let slow = queries::slow(store.database()).await?;
    let advice = store.indexes().advise(&slow).await.map_err(|error| error.to_string())?;
    if json {
        print::json(&advice)?;
    } else {
        print::result(&advice)?;
    }
    Ok(Ending::Done)
}

impl Apply {
    fn options(&self) -> plan::Settings {
        let unmanaged = match self.unmanaged {
            Rest::Keep => UnmanagedIndexes::Keep,
            Rest::Hide => UnmanagedIndexes::Hide,
            Rest::DropHidden => UnmanagedIndexes::DropHidden,
            Rest::Drop => UnmanagedIndexes::Drop,
        };
        let options = plan::Settings::default().rebuild(self.rebuild).unmanaged(unmanaged);
        let options = options.max_wait(Duration::from_secs(self.patience));
        match self.build_limit {
            Some(limit) => options.build_limit(Duration::from_secs(limit)),
            None => options,
        }
    }
}
