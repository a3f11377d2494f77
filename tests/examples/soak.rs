//! A run of histories with every fault, one after another; `scripts/soak` starts it.

use std::time::Duration;

use fastness_tests::history::{
    Fault, Ours, Plan, Promotions, Report, alone_with_the_former_master, asked_of_sentinels, run,
};
use fastness_tests::servers::{Redis, prefix};
use tokio::time::Instant;

const FAULTS: [Fault; 7] =
    [Fault::Pause, Fault::Restart, Fault::Cut, Fault::Silence, Fault::Delay, Fault::Flush, Fault::Evict];

#[tokio::main]
async fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let number = |index: usize| arguments.get(index).map(|argument| argument.parse().expect("a number"));
    let seconds: u64 = number(0).unwrap_or(60);
    let mut seed = number(1).unwrap_or_else(|| fastrand::u64(..));
    let kind = arguments.get(2).map_or("faults", String::as_str);
    let (end, mut total, mut faults) = (Instant::now() + Duration::from_secs(seconds), Report::default(), 0);
    while Instant::now() < end {
        let (report, injected) = history(kind, seed).await;
        println!("seed {seed}, {injected} faults: {report}");
        for violation in &report.violations {
            println!("  {violation}");
        }
        total.add(report);
        faults += injected;
        seed = seed.wrapping_add(1);
    }
    println!("\nin all, {faults} faults: {total}");
    assert!(total.violations.is_empty(), "the contract was violated");
}

async fn history(kind: &str, seed: u64) -> (Report, usize) {
    match kind {
        "faults" => {
            let plan = Plan { seed, time: Duration::from_secs(10), faults: FAULTS.to_vec() };
            let (mut server, prefix) = (Redis::start().await, prefix());
            run(&plan, &mut server, async |url| Ours::new(&url, &prefix).await).await
        }
        "promotions" => {
            let (goes_on, takeover) = (Duration::from_millis(1_500), Duration::from_millis(2_500));
            Promotions { seed, rounds: 4, goes_on, takeover }.run().await
        }
        "alone" => alone_with_the_former_master(seed, Duration::from_secs(4)).await,
        // The default of the settings.
        "sentinels" => asked_of_sentinels(seed, 3, Duration::from_secs(15)).await,
        other => panic!("`{other}` is no kind of history: faults, promotions, alone or sentinels"),
    }
}
