use std::future::pending;
use std::sync::atomic::AtomicUsize;

use super::*;
use crate::key::Pattern;
use crate::log::Record;

type Board = Arc<Flights>;

const PATIENCE_NANOS: u64 = 30_000_000_000;
const WAIT: Terms = Terms { wait: true, patience: PATIENCE_NANOS, note: 5 };

fn board() -> Board {
    Arc::new(Flights::new(Arc::new(Log::with_mirror_bytes(1 << 10)), Clock::manual()))
}

fn key() -> Hashed<AnyKey> {
    Hashed { hash: 7, args: 7_u8 }.erased()
}

fn landed(number: u32) -> Signal {
    Signal::Landed(Box::new(number))
}

/// What a waiter was told, if it landed.
fn number(seat: &mut Seat) -> Option<u32> {
    match seat.signal.try_recv() {
        Ok(Signal::Landed(landing)) => landing.downcast().ok().map(|number| *number),
        _ => None,
    }
}

fn scope() -> [u64; 1] {
    [Pattern::exact("n:7").scope]
}

fn lead(board: &Board) -> Permit {
    match board.board(key(), &scope(), WAIT) {
        Boarding::Lead(permit) => permit,
        _ => panic!("should lead"),
    }
}

fn wait(board: &Board) -> Seat {
    match board.board(key(), &scope(), WAIT) {
        Boarding::Wait(seat) => seat,
        _ => panic!("should wait"),
    }
}

fn is_empty(board: &Board) -> bool {
    board.shards.iter().all(|shard| lock(shard).is_empty())
}

#[test]
fn landed_everyone_is_told_and_the_board_is_clear() {
    let board = board();
    let permit = lead(&board);
    let seats = [wait(&board), wait(&board), wait(&board)];
    permit.land(|| landed(42));
    for mut seat in seats {
        assert_eq!(number(&mut seat), Some(42));
    }
    assert!(is_empty(&board));
}

#[test]
fn alone_and_timed_out_reach_everyone_too() {
    let board = board();
    for signal in [|| Signal::Alone, || Signal::TimedOut] {
        let permit = lead(&board);
        let mut seats = [wait(&board), wait(&board)];
        permit.land(signal);
        assert!(seats.iter_mut().all(|seat| matches!(seat.signal.try_recv(), Ok(Signal::Alone | Signal::TimedOut))));
        assert!(is_empty(&board));
    }
}

#[test]
fn told_before_it_lands_who_boards_meanwhile_is_told_then() {
    let board = board();
    let permit = lead(&board);
    let mut early = wait(&board);
    permit.tell(|| landed(1));
    assert_eq!(number(&mut early), Some(1));
    let mut late = wait(&board);
    assert!(late.signal.try_recv().is_err(), "the flight goes on");
    permit.land(|| landed(1));
    assert_eq!(number(&mut late), Some(1));
    assert!(is_empty(&board));
}

#[test]
fn told_and_abandoned_who_boarded_meanwhile_takes_over() {
    let board = board();
    let permit = lead(&board);
    let mut early = wait(&board);
    permit.tell(|| landed(1));
    let mut late = wait(&board);
    drop(permit);
    assert_eq!(number(&mut early), Some(1));
    assert!(matches!(late.signal.try_recv(), Ok(Signal::Lead(_))));
    drop(late);
    assert!(is_empty(&board));
}

#[test]
fn abandoned_exactly_one_takes_over_and_the_others_stay_aboard() {
    let board = board();
    let permit = lead(&board);
    let (mut first, mut second) = (wait(&board), wait(&board));
    drop(permit);
    let Ok(Signal::Lead(heir)) = first.signal.try_recv() else { panic!("the first in line leads") };
    assert!(second.signal.try_recv().is_err(), "the second still waits");
    let mut third = wait(&board);
    heir.land(|| landed(1));
    assert_eq!(number(&mut second), Some(1));
    assert_eq!(number(&mut third), Some(1));
    assert!(is_empty(&board));
}

#[test]
fn abandoned_those_who_have_gone_are_passed_over() {
    let board = board();
    let permit = lead(&board);
    let seats: Vec<_> = (0..100_000).map(|_| wait(&board)).collect();
    let mut last = wait(&board);
    drop(seats);
    drop(permit);
    assert!(matches!(last.signal.try_recv(), Ok(Signal::Lead(_))));
    drop(last);
    assert!(is_empty(&board), "the last heir was dropped as well");
}

#[test]
fn abandoned_an_heir_that_goes_before_it_takes_over_hands_on() {
    let board = board();
    let permit = lead(&board);
    let (first, mut second) = (wait(&board), wait(&board));
    drop(permit);
    drop(first);
    assert!(matches!(second.signal.try_recv(), Ok(Signal::Lead(_))));
}

#[test]
fn an_heir_starts_afresh() {
    let board = board();
    let permit = lead(&board);
    let mut seat = wait(&board);
    invalidate(&board);
    drop(permit);
    let Ok(Signal::Lead(heir)) = seat.signal.try_recv() else { panic!("should lead") };
    // Had it kept its predecessor's place in the log, nobody could join it any more.
    wait(&board);
    drop(heir);
}

fn invalidate(board: &Board) {
    let pattern = Pattern::exact("n:7");
    let mut record = Record::default();
    record.push(pattern.scope, pattern.root);
    board.log.as_ref().expect("it is judged").append(&record);
}

#[test]
fn nobody_boards_a_flight_that_was_overtaken() {
    let board = board();
    let old = lead(&board);
    let mut early = wait(&board);
    invalidate(&board);
    let new = lead(&board);
    let mut late = wait(&board);
    old.land(|| landed(1));
    assert_eq!(number(&mut early), Some(1), "who waited before gets the old one");
    assert!(late.signal.try_recv().is_err());
    assert!(!is_empty(&board), "the old flight did not take the new one off");
    new.land(|| landed(2));
    assert_eq!(number(&mut late), Some(2));
}

#[test]
fn who_will_not_wait_is_told_and_gets_the_note() {
    let board = board();
    let _permit = lead(&board);
    assert!(matches!(board.board(key(), &scope(), Terms { wait: false, ..WAIT }), Boarding::Taken(5)));
}

#[test]
fn a_load_that_calls_itself_is_told() {
    let board = board();
    let permit = lead(&board);
    let inside = permit.enter();
    assert!(matches!(board.board(key(), &scope(), WAIT), Boarding::Within));
    drop(inside);
    wait(&board);
}

/// A key of another load than [`key`]'s.
fn other(hash: u64) -> Hashed<AnyKey> {
    Hashed { hash, args: 8_u8 }.erased()
}

#[test]
fn a_load_that_needs_another_one_waits_for_it() {
    let board = board();
    let (own, Boarding::Lead(another)) = (lead(&board), board.board(other(8), &[], WAIT)) else { panic!("it leads") };
    let inside = own.enter();
    assert!(matches!(board.board(other(8), &[], WAIT), Boarding::Wait(_)));
    drop(inside);
    another.land(|| Signal::Alone);
    own.land(|| Signal::Alone);
    assert!(is_empty(&board));
}

#[test]
fn keys_are_spread_over_the_shards() {
    let board = board();
    let hashes = (0..SHARDS as u64).map(|n| n << 40 | n).chain([u64::MAX]);
    let permits: Vec<_> = hashes.map(|hash| board.board(other(hash), &[], WAIT)).collect();
    assert!(permits.iter().all(|boarding| matches!(boarding, Boarding::Lead(_))));
    assert!(board.shards.iter().all(|shard| !lock(shard).is_empty()));
}

#[test]
fn an_abandoned_load_drops_its_body_and_gives_its_permit_back() {
    let (board, body) = (board(), Arc::new(()));
    let (permit, held) = (lead(&board), body.clone());
    let mut seat = wait(&board);
    let load = async move {
        pending::<()>().await;
        drop(held);
    };
    let mut load = Box::pin(Load::new(load, Some(permit)));
    assert!(futures_poll(load.as_mut()).is_pending());
    let permit = load.as_mut().abandon().expect("the flight has not ended");
    assert_eq!(Arc::strong_count(&body), 1);
    assert!(load.as_mut().abandon().is_none() && futures_poll(load.as_mut()).is_pending());
    permit.land(|| Signal::TimedOut);
    assert!(matches!(seat.signal.try_recv(), Ok(Signal::TimedOut)));
}

#[tokio::test]
async fn a_dropped_load_drops_its_body_before_it_hands_over() {
    struct SeesNoHeir<'a>(&'a AtomicUsize);
    impl Drop for SeesNoHeir<'_> {
        fn drop(&mut self) {
            assert_eq!(self.0.swap(1, std::sync::atomic::Ordering::SeqCst), 0);
        }
    }
    let (board, order) = (board(), AtomicUsize::new(0));
    let permit = lead(&board);
    let mut seat = wait(&board);
    {
        let witness = SeesNoHeir(&order);
        let body = async move {
            let _witness = witness;
            pending::<()>().await;
        };
        let mut load = Box::pin(Load::new(body, Some(permit)));
        assert!(futures_poll(load.as_mut()).is_pending());
        assert!(seat.signal.try_recv().is_err());
    }
    assert_eq!(order.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert!(matches!(seat.signal.try_recv(), Ok(Signal::Lead(_))));
}

fn futures_poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(std::task::Waker::noop()))
}

#[test]
fn without_a_log_nothing_overtakes_a_load_and_it_is_handed_over_all_the_same() {
    let board = Arc::new(Flights::without_log(Clock::manual()));
    let permit = lead(&board);
    let mut seat = wait(&board);
    drop(permit);
    let Ok(Signal::Lead(heir)) = seat.signal.try_recv() else { panic!("it leads") };
    heir.land(|| landed(1));
    assert!(is_empty(&board));
}
