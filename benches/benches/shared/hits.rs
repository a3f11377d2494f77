//! One value, which only the shared tier has.

use std::sync::Arc;

use fastness_benches::measure::setting;
use fastness_benches::origin::User;
use fastness_benches::report::{Line, round_trips};
use fastness_benches::tasks::{self, Case, Plan};
use fred::interfaces::KeysInterface;

use crate::rig::{Clients, KEYS, PREFIX, Rig, command, hand_key, text, user};

const BARE: &str = "redis GET, 300 bytes";
const FRED: &str = "fred GET, 300 bytes";
const OURS: &str = "fastness, 300 bytes";
const BARE_USER: &str = "redis GET, a struct";
const HAND: &str = "redis GET, a struct, decoded by hand";
const OURS_USER: &str = "fastness, a struct";

/// Tasks at once, and how many calls each of them makes in a round.
const LOADS: [(u64, u64); 3] = [(1, 500), (64, 150), (256, 40)];
/// Hits whose commands are counted.
const COUNTED: u64 = 1_000;

fn cases(rig: &Rig) -> [Case; 6] {
    let Clients { fast, bare, fred } = rig.clients;
    // The bare clients read the very bytes that fastness reads.
    let (text_suffix, user_suffix) = (rig.suffix("text:0"), rig.suffix("user:0"));
    let text_key = move |id| format!("{PREFIX}text:{}{text_suffix}", id % KEYS);
    let user_key = move |id| format!("{PREFIX}user:{}{user_suffix}", id % KEYS);
    [
        Case::new(BARE, move |id| async move { get(bare, text_key(id)).await }),
        Case::new(
            FRED,
            move |id| async move { fred.get::<fred::types::Value, _>(text_key(id)).await.expect("an answer") },
        ),
        Case::new(OURS, move |id| async move { text(fast, id % KEYS).await.expect("a value") }),
        Case::new(BARE_USER, move |id| async move { get(bare, user_key(id)).await }),
        Case::new(HAND, move |id| async move {
            let bytes = get(bare, hand_key(id % KEYS)).await;
            Arc::new(rmp_serde::from_slice::<User>(&bytes).expect("its own bytes"))
        }),
        Case::new(OURS_USER, move |id| async move { user(fast, id % KEYS).await.expect("a user") }),
    ]
}

async fn get(bare: &redis::aio::MultiplexedConnection, key: String) -> Vec<u8> {
    command(bare, redis::cmd("GET").arg(key)).await
}

/// Times with one task and with many.
pub(crate) fn run(rig: &Rig, workers: usize) -> Vec<Line> {
    let cases = cases(rig);
    let mut lines = Vec::new();
    for (tasks, calls) in LOADS {
        let plan = Plan { rounds: setting("SHARED_ROUNDS", 31), tasks, calls };
        let times = rig.runtime.block_on(tasks::run(plan, &cases));
        let load = format!("{tasks} tasks, {workers} workers");
        round_trips(&format!("L2 hit, {load}"), &times, BARE);
        // A throughput of 0.9 times as much is a time of 1 / 0.9 times as much.
        let limits = if tasks == 1 { (1.1, 1.1) } else { (1.11, 1.25) };
        lines.push(Line::ratio(format!("L2 hit / bare GET, {load}"), limits.0, times.ratio(OURS, BARE)));
        let decoded = format!("the same, decoding a struct, {load}");
        lines.push(Line::ratio(decoded, limits.1, times.ratio(OURS_USER, BARE_USER)));
    }
    lines
}

/// Commands that hits send to the server.
pub(crate) fn commands(rig: &Rig) -> Vec<Line> {
    let fast = &rig.clients.fast;
    let calls = rig.commands(async {
        for id in 0..COUNTED {
            text(fast, id).await.expect("a value");
        }
    });
    let of = |name: &str| calls.get(name).copied().unwrap_or(0) as f64 / COUNTED as f64;
    let all = calls.values().sum::<u64>() as f64 / COUNTED as f64;
    vec![Line::at_most("GETs per L2 hit", 1.0, of("get")), Line::at_most("commands of any kind per L2 hit", 1.0, all)]
}

/// Heap blocks per call, those of the connection's driver included: with one thread all of them are counted.
pub(crate) fn allocations(rig: &Rig) {
    println!("\n{:<44} {:>7}", "one task, one thread", "allocs");
    for case in cases(rig) {
        println!("{:<44} {:>7.2}", case.name(), case.allocations(&rig.runtime, COUNTED));
    }
}
