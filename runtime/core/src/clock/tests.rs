use super::*;

#[test]
fn manual_time_moves_only_by_hand() {
    let clock = Clock::manual();
    let before = clock.now();
    assert_eq!(clock.now(), before);
    clock.advance(Duration::from_millis(5));
    assert_eq!(clock.now() - before, 5_000_000);
    assert_eq!(clock.coarse(), clock.now());
}

#[test]
fn manual_time_stops_at_its_end_and_never_turns_back() {
    let clock = Clock::manual();
    clock.advance(Duration::MAX);
    clock.advance(Duration::from_secs(1));
    assert_eq!(clock.now(), u64::MAX);
}

#[test]
fn an_endless_wait_ends_with_the_clock() {
    let clock = Clock::manual();
    clock.advance(Duration::from_secs(1));
    clock.block(Duration::MAX);
    assert_eq!(clock.now(), u64::MAX);
    #[cfg(any(feature = "http", feature = "monitor"))]
    assert!(clock.wall() > SystemTime::UNIX_EPOCH, "the time of day in 584 years");
}

#[test]
fn a_process_that_was_not_forked_keeps_its_ticker() {
    let clock = Clock::system();
    clock.ensure_ticking();
    let ticker: *const Ticker = clock.ticker();
    Clock::after_fork();
    assert!(std::ptr::eq(ticker, clock.ticker()));
}

#[test]
fn a_child_process_has_its_own_ticker_and_threads() {
    let parent = Ticker::new(ProcessId(1));
    assert!(parent.start(|| Ok(())));
    assert!(!parent.follow(ProcessId(1)));
    assert!(parent.follow(ProcessId(2)), "a child follows its parent");
    let child = parent.newest();
    assert!(!child.follow(ProcessId(2)));
    let mut started = false;
    child.start(|| {
        started = true;
        Ok(())
    });
    assert!(started, "the child does not have the parent's thread");
    assert!(child.follow(ProcessId(3)), "a child of the child");
    assert!(!parent.newest().follow(ProcessId(3)));
}

#[test]
fn a_precise_read_raises_the_coarse_time() {
    let clock = Clock::system();
    let now = clock.now();
    assert!(clock.coarse() >= now);
    clock.advance(Duration::from_secs(3600));
    assert!(clock.now() - now < 3_600_000_000_000, "the system's clock cannot be moved");
}

#[test]
fn moments_are_ordered() {
    let (first, second) = (Moment::now(), Moment::now());
    assert_eq!(first.nanos_since(second).min(second.nanos_since(first)), 0);
    assert!(second.nanos() >= first.nanos());
}

#[test]
fn absurd_durations_saturate() {
    assert_eq!(nanos(Duration::MAX), u64::MAX);
}
