//! `seed`: fills the database, in batches, several at a time, and then builds the indexes, which is faster than before.
//!
//! A note in the collection `seeds` says what is being filled in. Since the documents are the same every time, a second run goes on
//! where one was stopped: it leaves out the batches that are there. A database with other documents is refused.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use clap::Args;
use fastness::mongo::plan;
use mongodb::error::{Error, ErrorKind};
use mongodb::{Collection, Database};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::documents::{Sizes, Table};
use super::print::{self, Progress, grouped};
use super::{Ending, database, indexes};
use demo_app::cli::Signals;
use demo_app::config::Config;
use demo_app::store::MongoRepository;

/// Documents to a batch.
const BATCH: usize = 5_000;

/// Batches at a time: enough to keep a server busy while the next ones are made.
const AT_A_TIME: usize = 4;

#[derive(Debug, Args)]
pub(super) struct SeedArguments {
    /// Products to write; users, votes and all else come in proportion.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    products: u64,
    /// Businesses that share them [default: one for 20 products].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    businesses: Option<u64>,
    /// Drop what is in the demo's collections first.
    #[arg(long)]
    drop: bool,
}

/// Contents of the database at the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    /// Some of what is to be filled in.
    Part,
    All,
}

pub(super) async fn run(arguments: &SeedArguments, config: &Config) -> Result<Ending, String> {
    let mut signals = Signals::new().map_err(|error| error.to_string())?;
    let store = database::connect(config).await?;
    let sizes = Sizes::from_products(arguments.products, arguments.businesses);
    let work = async {
        if arguments.drop {
            empty(store.database(), sizes).await.map_err(|error| failed("drop the collections", &error))?;
        }
        fill(&store, sizes).await?;
        indexed(&store).await
    };
    tokio::select! {
        ended = work => ended,
        () = signals.next() => {
            print::note("stopped; the same command goes on where it was");
            Ok(Ending::Interrupted)
        }
    }
}

async fn fill(store: &MongoRepository, sizes: Sizes) -> Result<(), String> {
    let db = store.database();
    let found = begin(db, sizes).await?;
    if found == Found::All {
        let all = grouped(sizes.total());
        return print::result(format_args!("{}: all {all} documents are there already\n", db.name()));
    }
    count(db, sizes).await.map_err(|error| failed("reserve the ids", &error))?;
    let began = Instant::now();
    let progress = Arc::new(Progress::new(sizes.total()));
    let written = load(db, sizes, found == Found::Part, &progress).await?;
    drop(progress);
    let note = seeds(db).update_one(doc! { "_id": "demo" }, doc! { "$set": { "done": true } }).await;
    note.map_err(|error| failed("note that all is there", &error))?;
    let took = began.elapsed();
    print::result(format_args!(
        "{}: {} documents in {took:.1?}, {} a second{}\n",
        db.name(),
        grouped(written),
        grouped(rate(written, took)),
        if found == Found::Part { "; the others were there already" } else { "" }
    ))
}

/// Builds the indexes.
async fn indexed(store: &MongoRepository) -> Result<Ending, String> {
    let began = Instant::now();
    let incomplete = "the indexes are not all as declared, see above; `demo-tools indexes plan` shows what is left";
    let ending = indexes::apply(store, plan::Settings::default(), false, incomplete).await?;
    print::result(format_args!("indexes in {:.1?}\n", began.elapsed()))?;
    Ok(ending)
}

/// Looks at what is there, and leaves the note. Refuses what is not ours to fill.
async fn begin(db: &Database, sizes: Sizes) -> Result<Found, String> {
    let note = seeds(db).find_one(doc! { "_id": "demo" }).await.map_err(|error| failed("read the note", &error))?;
    if let Some(note) = note {
        if note.get_document("sizes").ok() != Some(&sizes.document()) {
            return Err(format!(
                "{} is filled, or half filled, in other sizes ({}); give the same, or --drop to begin anew",
                db.name(),
                note.get_document("sizes").map(ToString::to_string).unwrap_or_default()
            ));
        }
        return Ok(if note.get_bool("done").is_ok_and(|done| done) { Found::All } else { Found::Part });
    }
    for table in sizes.tables() {
        let found = db.collection::<Document>(table.name).find_one(doc! {}).await;
        if found.map_err(|error| failed("look for documents", &error))?.is_some() {
            return Err(format!(
                "{}.{} has documents that `seed` did not write; name another database in MONGODB_URI, or give --drop to lose them",
                db.name(),
                table.name
            ));
        }
    }
    let note = doc! { "_id": "demo", "sizes": sizes.document(), "done": false };
    seeds(db).insert_one(note).await.map_err(|error| failed("leave a note", &error))?;
    Ok(Found::Nothing)
}

/// The note goes last: without it, what is left is refused.
async fn empty(db: &Database, sizes: Sizes) -> mongodb::error::Result<()> {
    for name in sizes.tables().map(|table| table.name).into_iter().chain(["counters", "seeds"]) {
        db.collection::<Document>(name).drop().await?;
    }
    Ok(())
}

/// Lets a server that runs meanwhile give its new documents ids behind ours.
async fn count(db: &Database, sizes: Sizes) -> mongodb::error::Result<()> {
    let counters = db.collection::<Document>("counters");
    for (name, last) in sizes.document() {
        counters.update_one(doc! { "_id": name }, doc! { "$max": { "last": last } }).upsert(true).await?;
    }
    Ok(())
}

/// Writes what is not there, and tells how many documents that were.
async fn load(db: &Database, sizes: Sizes, resume: bool, progress: &Arc<Progress>) -> Result<u64, String> {
    // Dropped, it stops all of them.
    let mut running = JoinSet::new();
    let mut written = 0;
    for table in sizes.tables() {
        let mut start = 0;
        while start < table.count {
            if running.len() >= AT_A_TIME {
                written += ended(&mut running).await?;
            }
            let end = table.count.min(start + BATCH as u64);
            let (db, progress) = (db.clone(), Arc::clone(progress));
            running.spawn(async move {
                let written = batch(&db, table, sizes, start..end, resume).await;
                progress.add(end - start, table.name);
                written.map_err(|error| failed(&format!("write {}", table.name), &error))
            });
            start = end;
        }
    }
    while !running.is_empty() {
        written += ended(&mut running).await?;
    }
    Ok(written)
}

async fn ended(running: &mut JoinSet<Result<u64, String>>) -> Result<u64, String> {
    match running.join_next().await {
        Some(Ok(outcome)) => outcome,
        Some(Err(panic)) => Err(panic.to_string()),
        None => Ok(0),
    }
}

/// Writes the documents of these numbers. When resumed, only if some of them are missing.
async fn batch(
    db: &Database,
    table: Table,
    sizes: Sizes,
    numbers: Range<u64>,
    resume: bool,
) -> mongodb::error::Result<u64> {
    let collection = db.collection::<Document>(table.name);
    let documents: Vec<_> = numbers.map(|n| (table.make)(sizes, n)).collect();
    let wanted = documents.len() as u64;
    let there = if resume { present(&collection, &documents).await? } else { 0 };
    if there == wanted {
        return Ok(0);
    }
    match collection.insert_many(documents).ordered(false).await {
        Ok(_) => Ok(wanted),
        Err(error) if is_there_already(&error) => Ok(wanted - there),
        Err(error) => Err(error),
    }
}

async fn present(collection: &Collection<Document>, documents: &[Document]) -> mongodb::error::Result<u64> {
    let ids: Vec<_> = documents.iter().filter_map(|document| document.get("_id").cloned()).collect();
    collection.count_documents(doc! { "_id": { "$in": ids } }).await
}

/// True if the only errors are documents that exist already: ours, from the last run.
fn is_there_already(error: &Error) -> bool {
    const DUPLICATE: i32 = 11_000;
    let ErrorKind::InsertMany(error) = &*error.kind else { return false };
    let writes = error.write_errors.iter().flatten();
    let of_ids = writes.clone().all(|write| write.code == DUPLICATE && write.message.contains("index: _id_ "));
    error.write_concern_error.is_none() && of_ids && writes.count() > 0
}

fn seeds(db: &Database) -> Collection<Document> {
    db.collection("seeds")
}

fn rate(count: u64, took: Duration) -> u64 {
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    count.saturating_mul(1_000) / millis
}

/// The driver's text may repeat what was to be stored: nothing secret, here.
fn failed(doing: &str, error: &Error) -> String {
    format!("cannot {doing}: {error}; the same command goes on where it was")
}
