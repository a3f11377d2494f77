use super::*;

const SERVER: u64 = 1;
const LIFE: Life = 7;

fn id(number: u64) -> StreamId {
    StreamId::parse(format!("{number}-0").as_bytes()).unwrap()
}

fn record(scopes: &[u64]) -> Record {
    let mut record = Record::default();
    for &scope in scopes {
        record.push(scope, 0);
    }
    record
}

fn published(number: u64, previous: u64, record: Record) -> Published {
    Published { entry: Appended { life: LIFE, id: id(number) }, previous: id(previous), token: 0, record }
}

/// A log whose only entry is number 10.
fn feed() -> (Arc<Log>, Feed) {
    let log = Arc::new(Log::with_mirror_bytes(1 << 12));
    let feed = Feed::new(log.clone(), 1 << 12);
    feed.reset(Incarnation { server: SERVER, life: LIFE }, id(10));
    (log, feed)
}

fn at(number: u64) -> Mark {
    Mark { incarnation: Incarnation { server: SERVER, life: LIFE }.hash(), id: id(number).packed_down() }
}

fn admits(feed: &Feed, mark: Mark, scopes: &[u64]) -> bool {
    feed.judge(SERVER).unwrap().admits(mark, scopes)
}

#[test]
fn what_began_before_an_invalidation_is_not_admitted() {
    let (log, feed) = feed();
    let began = log.position();
    assert_eq!(feed.push(SERVER, &published(11, 10, record(&[5]))), Folded::Done);
    assert!(!admits(&feed, at(10), &[5]) && admits(&feed, at(11), &[5]) && admits(&feed, at(10), &[6]));
    assert!(!log.valid(began, &[5]) && log.valid(began, &[6]));
    assert_eq!(feed.mark(), Some(at(11)));
}

#[test]
fn a_record_is_folded_once_however_often_it_comes() {
    let (log, feed) = feed();
    feed.push(SERVER, &published(11, 10, record(&[5])));
    let began = log.position();
    feed.push(SERVER, &published(11, 10, record(&[5])));
    assert!(feed.own(SERVER, &Appended { life: LIFE, id: id(11) }, &record(&[5]), 0));
    feed.delta(Incarnation { server: SERVER, life: LIFE }, &[(id(11), record(&[5]))]);
    assert!(log.valid(began, &[5]), "what was loaded after it is invalidated by its echo");
}

#[test]
fn a_missing_entry_is_noticed() {
    let (_, feed) = feed();
    assert_eq!(feed.push(SERVER, &published(13, 12, record(&[5]))), Folded::Gap);
    assert_eq!(feed.mark(), Some(at(10)), "what is missing is not passed over");
}

#[test]
fn another_life_or_server_makes_everything_stale() {
    let (log, feed) = feed();
    let began = log.position();
    let reborn = Published { entry: Appended { life: 8, id: id(3) }, ..published(3, 2, record(&[5])) };
    assert_eq!(feed.push(SERVER, &reborn), Folded::Done);
    assert!(!log.valid(began, &[]) && !admits(&feed, at(10), &[]) && !admits(&feed, at(100), &[]));
    // A server that nobody has caught up with says nothing, and the one before never again.
    assert_eq!(feed.push(2, &reborn), Folded::Gap);
    feed.reset(Incarnation { server: 2, life: 8 }, id(3));
    assert!(
        feed.has_left(Incarnation { server: SERVER, life: 8 })
            && feed.resume(SERVER).is_none()
            && feed.judge(SERVER).is_none()
    );
    assert_eq!(feed.push(SERVER, &published(11, 10, record(&[5]))), Folded::Gap);
}

#[test]
fn everything_can_be_invalidated_at_once() {
    let (log, feed) = feed();
    let began = log.position();
    feed.push(SERVER, &published(11, 10, Record::clear()));
    assert!(!log.valid(began, &[]) && !admits(&feed, at(10), &[]) && admits(&feed, at(11), &[]));
}

/// The verdict is spoken at the fold of the put's own record, whichever way that comes first.
#[test]
fn a_put_is_placed_unless_something_else_came_between() {
    for (by_push, between) in [(true, false), (false, false), (true, true), (false, true)] {
        let (log, feed) = feed();
        feed.expect(42, Putting { began: log.position(), scopes: [5].into() });
        let mut last = 10;
        if between {
            feed.push(SERVER, &published(11, 10, record(&[5])));
            last = 11;
        }
        let own = Published { token: 42, ..published(12, last, record(&[5])) };
        if by_push {
            feed.push(SERVER, &own);
        }
        assert!(feed.own(SERVER, &own.entry, &own.record, 42));
        let placed = feed.placed(42);
        assert_eq!(placed.is_some(), !between, "by push: {by_push}");
        if let Some(placed) = placed {
            // The echo of its own record leaves it alone.
            feed.push(SERVER, &own);
            assert!(log.valid(placed.local, &[5]) && admits(&feed, placed.shared, &[5]));
        }
    }
}
