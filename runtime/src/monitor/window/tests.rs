use super::*;

const SECOND: u64 = 1_000_000_000;

/// What a route has recorded after so many requests of 10 ms and so many of 1 s.
fn route(quick: usize, slow: usize, errors: u64) -> Tally {
    let times = [vec![Duration::from_millis(10); quick], vec![Duration::from_secs(1); slow]].concat();
    Tally { latency: Latency::of(&times), errors, slow: 0 }
}

fn totals(at: u64, tally: Tally) -> Totals {
    Totals { at: at * SECOND, routes: Some([("GET /".to_owned(), tally)].into()), ..Totals::default() }
}

#[test]
fn only_what_is_new_counts_and_only_for_so_long() {
    let (mut window, length) = (Window::default(), Duration::from_secs(10));
    assert!(window.add(totals(0, route(1_000, 0, 50)), length).is_none(), "what was before is no rate");
    window.add(totals(5, route(1_000, 10, 51)), length);
    assert_eq!((window.sum().requests().count, window.sum().requests().errors), (10, 1));
    let p50 = window.sum().requests().quantile(0.5).unwrap();
    assert!((Duration::from_millis(980)..Duration::from_millis(1020)).contains(&p50), "{p50:?}");
    window.add(totals(10, route(1_090, 10, 51)), length);
    let sum = window.sum();
    assert_eq!((sum.nanos, sum.requests().count, sum.requests().error_rate()), (10 * SECOND, 100, 1.0));
    assert!(sum.requests().quantile(0.9).unwrap() < Duration::from_millis(11));
    assert!(sum.requests().quantile(0.95).unwrap() > Duration::from_millis(900));
    window.add(totals(15, route(1_090, 10, 51)), length);
    window.add(totals(20, route(1_090, 10, 51)), length);
    assert_eq!(window.sum().requests().count, 0, "what is older is forgotten");
}

#[test]
fn routes_that_were_not_told_once_are_not_all_new() {
    let (mut window, length) = (Window::default(), Duration::from_secs(60));
    let silent = |at| Totals { routes: None, ..totals(at, Tally::default()) };
    window.add(silent(0), length);
    window.add(totals(5, route(1_000, 0, 1_000)), length);
    assert_eq!(window.sum().requests().count, 0, "these may be of any time");
    window.add(totals(10, route(1_010, 0, 1_000)), length);
    window.add(silent(15), length);
    window.add(totals(20, route(1_020, 0, 1_000)), length);
    assert_eq!((window.sum().requests().count, window.sum().requests().errors), (20, 0));
}

#[test]
fn looks_without_end_keep_no_more_than_the_window() {
    let (mut window, length) = (Window::default(), Duration::from_secs(60));
    for look in 0..1_000 {
        window.add(Totals { at: look * SECOND / 100, ..totals(0, route(1, 0, 0)) }, length);
    }
    for look in 0..1_000 {
        window.add(Totals { at: 10 * SECOND, ..totals(0, route(1 + look, 0, 0)) }, length);
    }
    assert!(window.intervals.len() <= 30, "{}", window.intervals.len());
    assert_eq!(window.sum().requests().count, 999);
    let rest = (0..1_000).map(|look| totals(10 + look, route(1_000, 0, 0)));
    rest.for_each(|totals| drop(window.add(totals, length)));
    assert_eq!((window.sum().requests().count, window.sum().nanos), (0, 60 * SECOND), "what is older is forgotten");
}

#[test]
fn a_recorder_that_begins_anew_counts_from_there() {
    let mut window = Window::default();
    window.add(totals(0, route(500, 0, 9)), Duration::from_secs(60));
    window.add(totals(5, route(7, 0, 1)), Duration::from_secs(60));
    let sum = window.sum().requests();
    assert_eq!((sum.count, sum.mean()), (7, Some(Duration::from_millis(10))));
}
