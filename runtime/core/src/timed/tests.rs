use std::time::Duration;

use super::histogram::{Histogram, SHARD_BYTES};
use super::series::{MAX_SERIES, OTHER, Series};
use super::slow::LogThrottle;
use super::*;
use crate::stats::Shard;

/// Times around every power of two, and far beyond the end.
fn samples() -> impl Iterator<Item = u64> {
    (0..64)
        .flat_map(|bit| [0, 1, 3].map(|off| (1_u64 << bit).saturating_sub(off)).into_iter().chain([(1 << bit) + bit]))
}

#[test]
fn buckets_follow_each_other_without_gaps() {
    for index in 0..buckets::COUNT {
        assert_eq!(buckets::index(buckets::low(index)), index);
        assert_eq!(buckets::index(buckets::low(index + 1).min(buckets::LONGEST + 1) - 1), index);
    }
}

#[test]
fn a_time_is_read_within_the_stated_error() {
    for nanos in samples().filter(|nanos| *nanos <= buckets::LONGEST) {
        let read = buckets::middle(buckets::index(nanos));
        assert!(read.abs_diff(nanos) * 64 <= nanos, "{nanos} is read as {read}");
    }
    assert_eq!(buckets::index(u64::MAX), buckets::COUNT - 1);
}

fn latency(times: impl IntoIterator<Item = u64>) -> Latency {
    let histogram = Histogram::new();
    times.into_iter().for_each(|nanos| histogram.record(nanos));
    histogram.read()
}

#[test]
fn quantiles_are_those_of_the_sorted_times() {
    let mut times: Vec<u64> = (0..10_000).map(|n: u64| n * n * 7 + 13).collect();
    let latency = latency(times.iter().copied());
    times.sort_unstable();
    for (q, rank) in [(0.0, 1), (0.5, 5_000), (0.95, 9_500), (0.99, 9_900), (0.9999, 9_999), (1.0, 10_000)] {
        let (exact, read) = (times[rank - 1], latency.quantile(q).unwrap().as_nanos());
        assert!(read.abs_diff(exact.into()) * 64 <= exact.into(), "{q}: {exact} is read as {read}");
    }
    assert_eq!(latency.count(), 10_000);
    assert_eq!(latency.total(), Duration::from_nanos(times.iter().sum()));
    assert_eq!(latency.max(), times.last().map(|nanos| Duration::from_nanos(*nanos)));
}

#[test]
fn no_quantile_exceeds_the_maximum() {
    let one = latency([1_000_001]);
    assert!(one.p50() <= one.max() && one.p99() <= one.max());
    let hours = Duration::from_secs(3 * 3600);
    let long = latency([5, 10_800_000_000_000]);
    assert_eq!((long.p99(), long.max()), (Some(hours), Some(hours)), "beyond the last bucket, the maximum is returned");
}

#[test]
fn a_timing_without_records_has_no_figures() {
    let none = latency([]);
    assert_eq!((none.count(), none.mean(), none.max(), none.p50()), (0, None, None, None));
}

#[test]
fn no_record_is_lost_between_threads() {
    // There are more threads than owned shards, and one thread reads meanwhile.
    let histogram = Histogram::new();
    std::thread::scope(|scope| {
        for _ in 0..Shard::COUNT + 5 {
            scope.spawn(|| (0..2_000).for_each(|nanos| histogram.record(nanos)));
        }
        let mut last = 0;
        for _ in 0..50 {
            let now = histogram.read().count();
            assert!(now >= last);
            last = now;
        }
    });
    let threads = Shard::COUNT as u64 + 5;
    assert_eq!(histogram.read().count(), threads * 2_000);
    assert_eq!(histogram.read().total(), Duration::from_nanos(threads * (1_999 * 2_000 / 2)));
}

#[test]
fn memory_is_bounded_as_documented() {
    assert!(size_of::<TimedSite>() <= 820, "{}", size_of::<TimedSite>());
    assert!(size_of::<Series>() <= 700, "{}", size_of::<Series>());
    assert_eq!(size_of::<Histogram>(), 160);
    assert_eq!(SHARD_BYTES, 9_856);
}

#[test]
fn combinations_of_labels_are_distinguished_up_to_a_bound() {
    let head = Series::new(Vec::new());
    let text = |n: usize| -> &'static str { Box::leak(n.to_string().into_boxed_str()) };
    for n in 0..MAX_SERIES + 50 {
        head.with_labels(&["same", text(n)]).record(1, CallOutcome::Ok);
        head.with_labels(&["same", text(n)]).record(1, CallOutcome::Ok);
    }
    let all: Vec<_> = head.following().collect();
    assert_eq!(all.len(), MAX_SERIES + 1);
    assert!(all[..MAX_SERIES].iter().all(|series| series.read(CallOutcome::Ok).count() == 2));
    assert_eq!(all[MAX_SERIES].labels, [OTHER, OTHER]);
    assert_eq!(all[MAX_SERIES].read(CallOutcome::Ok).count(), 100);
}

#[test]
fn a_slow_site_writes_one_line_a_second() {
    let throttle = LogThrottle::new();
    assert_eq!(throttle.admit(5), Some(0));
    assert_eq!([throttle.admit(6), throttle.admit(1_000_000_004)], [None, None]);
    assert_eq!(throttle.admit(1_000_000_005), Some(2));
    assert_eq!(throttle.admit(1_000_000_006), None);
    assert_eq!(throttle.admit(9_000_000_000), Some(1));
}

#[test]
#[allow(clippy::needless_borrow)] // the references are the ladder
fn an_outcome_is_found_by_type() {
    type Alias<'a> = Result<u8, &'a str>;
    let text = String::from("borrowed");
    let failed: Alias<'_> = Err(&text);
    assert_eq!((&&Returned(&failed)).__outcome(), CallOutcome::Error);
    assert_eq!((&&Returned(&Alias::Ok(1))).__outcome(), CallOutcome::Ok);
    assert_eq!((&&Returned(&None::<u8>)).__outcome(), CallOutcome::Ok);
    assert_eq!((&&Returned(&Some(failed))).__outcome(), CallOutcome::Ok, "only the outermost type counts");
    assert_eq!(ok_if(&3, |n| *n > 3), CallOutcome::Error);
    assert_eq!(error_if(&3, |n| *n > 3), CallOutcome::Ok);
}

#[tokio::test]
async fn every_ending_of_a_timing_is_counted() {
    let timing = Timing::new("tests.every_ending");
    timing.time(|| ());
    assert!(timing.try_time(|| Err::<(), _>(())).is_err());
    assert_eq!(timing.time_async(async { 3 }).await, 3);
    assert_eq!(timing.try_time_async(async { Ok::<_, ()>(3) }).await, Ok(3));
    drop(timing.start());
    timing.start().finish(CallOutcome::Error);
    timing.record(Duration::from_secs(1), CallOutcome::Error);
    let mut waiting = Box::pin(timing.time_async(std::future::pending::<()>()));
    assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(waiting.as_mut().poll(cx))).await.is_pending());
    drop(waiting);
    drop(timing.time_async(async {}));
    let unwound = std::panic::catch_unwind(|| timing.time(|| panic!("on purpose")));
    assert!(unwound.is_err());
    let stats = timing.snapshot();
    let counts = CallOutcome::ALL.map(|outcome| stats.latency(outcome).count());
    assert_eq!(counts, [4, 3, 1, 1], "a future that was never polled took no time");
    assert_eq!((stats.calls(), stats.returned().count()), (9, 7));
    assert_eq!(stats.error.max(), Some(Duration::from_secs(1)));
}

#[test]
fn timings_of_one_name_are_merged() {
    Timing::new("tests.one").time(|| ());
    Timing::new("tests.one").time(|| ());
    let all: Vec<_> = snapshots().into_iter().filter(|stats| stats.name == "tests.one").collect();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].ok.count(), 2);
}
