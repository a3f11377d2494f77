//! `load`: drives a server with a realistic mix of requests, and says whether it keeps its targets.
//!
//! Without `--url` it starts the server in this process, twice: first with a cache that has room for one entry, which is as good as
//! none (only callers who ask for the same at the same moment still share an answer), then with the one that the settings ask for.
//! With `MONGODB_URI` it also runs each of the marketplace's queries with and without its index.
//!
//! The loop is closed: each connection sends its next request when it has the answer to the last. A server that stalls is then asked
//! less while it stalls, so percentiles look better than what people who come at their own times would see. With `--rate` it is
//! open: requests are due at fixed times, and each latency counts from when its request was due.

mod compare;
mod drive;
mod figures;
mod mix;
mod report;
mod served;
mod world;

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use fastness::Fastness;

use self::drive::Drive;
use self::figures::Figures;
use self::report::{Phase, Report};
use self::served::Served;
use self::world::World;
use super::{Ending, database, print};
use demo_app::config::{Config, Url};

#[derive(Debug, Args)]
pub(super) struct LoadArguments {
    /// The server to drive, such as `http://127.0.0.1:3000` [default: one in this process].
    #[arg(long)]
    url: Option<Url>,
    /// Seconds to measure each time.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// Seconds to warm up before.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=3_600))]
    warm_up: u64,
    /// Requests that are open at the same time, each on a connection of its own.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    connections: u64,
    /// Send so many requests a second, whether they are answered or not [default: as many as are answered].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    rate: Option<u64>,
    /// Inequality of the documents' popularity: the exponent of Zipf's law.
    #[arg(long, default_value_t = 1.1, value_parser = exponent)]
    zipf: f64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn exponent(text: &str) -> Result<f64, String> {
    let exponent = text.parse().ok().filter(|exponent| (0.0..=10.0).contains(exponent));
    exponent.ok_or_else(|| "expected a number from 0 (all alike) to 10".to_owned())
}

pub(super) async fn run(arguments: LoadArguments, config: Config) -> Result<Ending, String> {
    let queries = match &config.mongodb {
        Some(_) => {
            print::note("queries with and without their indexes ..");
            compare::all(database::connect(&config).await?.database()).await?
        }
        None => Vec::new(),
    };
    let (before, after) = match &arguments.url {
        Some(url) => (None, phase("as it is", url, &arguments).await?),
        None => both(&arguments, &config).await?,
    };
    let report = Report::new(&arguments, before, after, queries);
    if arguments.json {
        print::json(&report)?;
    } else {
        print::result(&report)?;
    }
    Ok(Ending::Done)
}

/// A server in this process, with as good as no cache, and with one.
async fn both(arguments: &LoadArguments, config: &Config) -> Result<(Option<Phase>, Phase), String> {
    let none = Fastness::builder().max_entries(1).build().map_err(|error| error.to_string())?;
    let before = in_process("cache off", none, arguments, config).await?;
    let after = in_process("cache on", demo_app::cli::cache(config).await?, arguments, config).await?;
    Ok((Some(before), after))
}

async fn in_process(
    name: &'static str,
    cache: Fastness,
    arguments: &LoadArguments,
    config: &Config,
) -> Result<Phase, String> {
    let server = Served::start(cache, config).await?;
    let phase = phase(name, &server.url.as_str().into(), arguments).await;
    server.stop().await?;
    phase
}

/// Warms up, then measures.
async fn phase(name: &'static str, url: &Url, arguments: &LoadArguments) -> Result<Phase, String> {
    let world = Arc::new(World::from_server(url, arguments.zipf).await?);
    let drive = Drive {
        world: Arc::clone(&world),
        connections: arguments.connections,
        rate: arguments.rate,
        length: Duration::from_secs(arguments.warm_up),
    };
    let LoadArguments { warm_up, seconds, .. } = arguments;
    print::note(format_args!("{name}: warming up for {warm_up} s, measuring for {seconds} s .."));
    if arguments.warm_up > 0 {
        drive.run().await?;
    }
    let outcome = Drive { length: Duration::from_secs(arguments.seconds), ..drive }.run().await?;
    Ok(Phase { name, figures: Figures::new(outcome) })
}
