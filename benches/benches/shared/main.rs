//! The shared tier, beside bare clients of the same server: reads, batches, and invalidation by prefix.
//!
//! One server, all cases in one process and in turns; client and server share the machine's cores, so read the ratios.
//! `SHARED_ROUNDS` makes it longer or shorter; the defaults take about three minutes.

// Its stopwatch is what it measures with.
#![allow(clippy::disallowed_methods)]
// Counts of a run are far from where a cast would lose any of them.
#![allow(clippy::cast_precision_loss)]

mod batches;
mod hits;
mod prefix;
mod rig;

use std::process::ExitCode;

use fastness_benches::report::budget;
use fastness_tests::servers::Redis;
use rig::Rig;
use tokio::runtime::Builder;

fn main() -> ExitCode {
    let main = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let server = main.block_on(Redis::start());
    let mut times = Vec::new();
    let mut exact = Vec::new();
    for workers in [1, 2] {
        let rig = Rig::on(&server, Builder::new_multi_thread().worker_threads(workers).enable_all());
        rig.fill();
        times.extend(hits::run(&rig, workers));
        times.extend(batches::run(&rig, workers, &server));
        exact.extend(hits::commands(&rig));
    }
    let rig = Rig::on(&server, Builder::new_current_thread().enable_all());
    hits::allocations(&rig);
    let rig = Rig::on(&server, Builder::new_multi_thread().worker_threads(1).enable_all());
    let (lines, commands) = prefix::run(&rig);
    times.extend(lines);
    exact.extend(commands);
    budget(&times);
    if budget(&exact) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
