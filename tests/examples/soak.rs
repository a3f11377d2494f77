//! Histories with every fault, one after another; run by `scripts/soak`.

use std::time::Duration;

use fastness_tests::history::{Fault, Ours, Plan, Report, run};
use fastness_tests::servers::{Redis, prefix};
use tokio::time::Instant;

const FAULTS: [Fault; 7] =
    [Fault::Pause, Fault::Restart, Fault::Cut, Fault::Silence, Fault::Delay, Fault::Flush, Fault::Evict];

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse().expect("a number"));
    let seconds: u64 = arguments.next().unwrap_or(60);
    let mut seed = arguments.next().unwrap_or_else(|| fastrand::u64(..));
    let (end, mut total, mut faults) = (Instant::now() + Duration::from_secs(seconds), Report::default(), 0);
    while Instant::now() < end {
        let plan = Plan { seed, time: Duration::from_secs(10), faults: FAULTS.to_vec() };
        let (mut server, prefix) = (Redis::start().await, prefix());
        let (report, injected) = run(&plan, &mut server, async |url| Ours::new(&url, &prefix).await).await;
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
