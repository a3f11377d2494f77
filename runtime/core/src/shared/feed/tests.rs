use super::*;
use crate::clock::Clock;
use crate::events::{CacheEvent, CacheEvents, Filter};

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
    let record = Some(record);
    Published { entry: Appended { life: LIFE, id: id(number) }, previous: id(previous), token: 0, record }
}

fn entry(number: u64, record: Record) -> StreamEntry {
    StreamEntry { id: id(number), life: Some(LIFE), record: Some(record) }
}

fn foreign(number: u64) -> StreamEntry {
    StreamEntry { id: id(number), life: None, record: None }
}

fn resets(feed: &Feed) -> (u64, u64) {
    let counts = feed.notices.counts();
    (counts.resets, counts.unreadable_entries)
}

/// A log whose only entry is number 10.
fn feed() -> (Arc<Log>, Feed) {
    feed_into(Log::with_mirror_bytes(1 << 12))
}

fn feed_into(log: Log) -> (Arc<Log>, Feed) {
    let log = Arc::new(log);
    let notices = Notices::new(Arc::default(), "127.0.0.1:1".to_owned(), "test:log".to_owned());
    let feed = Feed::new(log.clone(), 1 << 12, Arc::new(notices));
    feed.reset(Incarnation { server: SERVER, life: LIFE }, id(10));
    (log, feed)
}

fn at(number: u64) -> SharedEpoch {
    SharedEpoch { incarnation: Incarnation { server: SERVER, life: LIFE }.hash(), id: id(number).packed_down() }
}

fn admits(feed: &Feed, mark: SharedEpoch, scopes: &[u64]) -> bool {
    judge(feed, mark, scopes) == Judgement::Current
}

fn judge(feed: &Feed, mark: SharedEpoch, scopes: &[u64]) -> Judgement {
    feed.judge(SERVER).unwrap().judge(mark, scopes)
}

#[test]
fn a_value_from_before_an_invalidation_is_not_admitted() {
    let (log, feed) = feed();
    let began = log.position();
    assert_eq!(feed.push(SERVER, &published(11, 10, record(&[5]))), Folded::Done);
    assert!(!admits(&feed, at(10), &[5]) && admits(&feed, at(11), &[5]) && admits(&feed, at(10), &[6]));
    assert!(!log.valid(began, &[5]) && log.valid(began, &[6]));
    assert_eq!(feed.epoch(), Some(at(11)));
}

#[test]
fn a_value_from_before_a_refresh_is_expired() {
    use Judgement::{Current, Expired, Invalidated};
    let (log, feed) = feed();
    let began = log.position();
    feed.push(SERVER, &published(11, 10, record(&[5]).into_refresh()));
    let judged = || [at(10), at(11)].map(|mark| [5, 6].map(|scope| judge(&feed, mark, &[scope])));
    assert_eq!(judged(), [[Expired, Current], [Current; 2]]);
    assert_eq!([5, 6].map(|scope| log.judge(began, &[scope])), [Expired, Current]);
    // An invalidation counts, even with a refresh before or after it.
    feed.push(SERVER, &published(12, 11, record(&[5])));
    feed.push(SERVER, &published(13, 12, record(&[5]).into_refresh()));
    let judged = [10, 11, 12, 13].map(|number| judge(&feed, at(number), &[5]));
    assert_eq!(judged, [Invalidated, Invalidated, Expired, Current]);
    assert_eq!(judge(&feed, at(12), &[6, 5]), Expired, "one scope of several is enough");
    // A new life forgets the refreshes of the former one.
    feed.reset(Incarnation { server: SERVER, life: LIFE }, id(20));
    assert_eq!([at(19), at(20)].map(|mark| judge(&feed, mark, &[5])), [Invalidated, Current]);
}

#[test]
fn a_record_is_folded_once_however_often_it_comes() {
    for record in [record(&[5]), record(&[5]).into_refresh()] {
        let (log, feed) = feed();
        feed.push(SERVER, &published(11, 10, record.clone()));
        let began = log.position();
        feed.push(SERVER, &published(11, 10, record.clone()));
        assert_eq!(feed.fold_appended(SERVER, &Appended { life: LIFE, id: id(11) }, &record, 0), Some(Folded::Done));
        feed.delta(SERVER, &[entry(11, record.clone())]);
        assert!(log.is_current(began, &[5]), "its echo concerns a later load: {record:?}");
    }
}

/// Neither record counts as the other's echo.
#[test]
fn a_refresh_and_an_invalidation_of_one_scope_are_both_folded() {
    let (log, feed) = feed();
    let began = log.position();
    feed.push(SERVER, &published(11, 10, record(&[5])));
    feed.delta(SERVER, &[entry(10, record(&[5]).into_refresh()), entry(11, record(&[5]))]);
    assert_eq!(log.judge(began, &[5]), Judgement::Invalidated);
    let began = log.position();
    feed.push(SERVER, &published(12, 11, record(&[5]).into_refresh()));
    assert_eq!(log.judge(began, &[5]), Judgement::Expired);
}

/// Ids of one millisecond share their last 64-bit form from number 65 535 on: none of them is an echo of another.
#[test]
fn invalidations_beyond_the_last_number_of_a_millisecond_are_all_folded() {
    let (log, feed) = feed();
    for number in [65_534, 65_535, 65_536, 70_000] {
        let began = log.position();
        let entry =
            StreamEntry { id: StreamId::parse(format!("11-{number}").as_bytes()).unwrap(), ..entry(0, record(&[5])) };
        feed.delta(SERVER, &[entry]);
        assert!(!log.valid(began, &[5]), "number {number}");
    }
}

#[test]
fn everything_is_folded_once_however_often_it_comes() {
    let (log, feed) = feed();
    feed.push(SERVER, &published(11, 10, Record::clear()));
    let began = log.position();
    feed.push(SERVER, &published(11, 10, Record::clear()));
    feed.fold_appended(SERVER, &Appended { life: LIFE, id: id(11) }, &Record::clear(), 0);
    feed.delta(SERVER, &[entry(11, Record::clear())]);
    assert!(log.valid(began, &[]), "its echo invalidates a later load");
}

#[test]
fn an_entry_that_cannot_be_read_counts_as_everything_once() {
    for unreadable in [foreign(11), StreamEntry { record: None, ..entry(11, Record::default()) }] {
        let (log, feed) = feed();
        let began = log.position();
        feed.delta(SERVER, &[entry(10, Record::default()), unreadable, entry(12, record(&[5]))]);
        assert!(!log.valid(began, &[]) && !admits(&feed, at(10), &[]) && admits(&feed, at(12), &[5]));
        let began = log.position();
        feed.delta(SERVER, &[foreign(11), entry(12, record(&[5]))]);
        assert!(log.valid(began, &[5]), "it was read again");
        assert_eq!((resets(&feed), feed.epoch()), ((1, 1), Some(at(12))));
    }
}

/// A delta begins at the last entry that names a life.
#[test]
fn a_foreign_entry_is_never_the_known_position() {
    let (_, feed) = feed();
    feed.delta(SERVER, &[entry(10, Record::default()), foreign(11), foreign(12)]);
    assert_eq!(feed.resume(SERVER), Some((LIFE, id(10))));
}

#[test]
fn a_missing_entry_is_noticed() {
    let (_, feed) = feed();
    assert_eq!(feed.push(SERVER, &published(13, 12, record(&[5]))), Folded::Gap);
    assert_eq!(feed.epoch(), Some(at(10)), "a missing record is noticed");
    assert!(feed.judge(SERVER).is_none(), "before that record is read, nothing is taken from the tier");
    let before = feed.view();
    feed.delta(SERVER, &[entry(12, record(&[6])), entry(13, record(&[5]))]);
    feed.confirm(before);
    assert!(admits(&feed, at(13), &[5, 6]));
}

#[test]
fn another_server_makes_everything_stale() {
    let (log, feed) = feed();
    let began = log.position();
    // A server whose log was not read has no judge, and the server before it never has one again.
    assert_eq!(feed.push(2, &published(11, 10, record(&[5]))), Folded::Gap);
    feed.reset(Incarnation { server: 2, life: 8 }, id(3));
    assert!(!log.valid(began, &[]));
    assert!(
        feed.has_left(Incarnation { server: SERVER, life: LIFE })
            && feed.resume(SERVER).is_none()
            && feed.judge(SERVER).is_none()
    );
    assert_eq!(feed.push(SERVER, &published(11, 10, record(&[5]))), Folded::Gap);
    assert_eq!(feed.fold_appended(SERVER, &Appended { life: LIFE, id: id(12) }, &record(&[5]), 0), None, "it is lost");
}

#[test]
fn another_life_in_a_delta_makes_everything_stale() {
    let (log, feed) = feed();
    let began = log.position();
    let reborn = |number, record| StreamEntry { life: Some(8), ..entry(number, record) };
    feed.delta(
        SERVER,
        &[entry(10, Record::default()), foreign(11), reborn(12, Record::default()), reborn(13, record(&[5]))],
    );
    assert!(!log.valid(began, &[]) && !admits(&feed, at(100), &[]));
    let at = |number| SharedEpoch { incarnation: Incarnation { server: SERVER, life: 8 }.hash(), ..at(number) };
    assert!(admits(&feed, at(12), &[]) && !admits(&feed, at(12), &[5]) && admits(&feed, at(13), &[5]));
    assert_eq!((feed.resume(SERVER), resets(&feed)), (Some((8, id(13))), (2, 1)));
}

/// The message may be of another database, or of a foreign log.
#[test]
fn a_message_of_an_unknown_life_is_not_believed_by_itself() {
    let (log, feed) = feed();
    let began = log.position();
    let unverified = Published { entry: Appended { life: 8, id: id(99) }, ..published(99, 98, record(&[5])) };
    let last = entry(10, Record::default());
    for _ in 0..2 {
        assert_eq!(feed.push(SERVER, &unverified), Folded::Unverified);
        assert!(feed.judge(SERVER).is_none(), "until the log was looked at, nothing is taken from the tier");
    }
    let early = feed.view();
    feed.push(SERVER, &unverified);
    assert!(feed.is_confirmed(SERVER, Some(&last), early) && feed.judge(SERVER).is_none(), "one came after the look");
    assert!(feed.is_confirmed(SERVER, Some(&last), feed.view()));
    assert!(admits(&feed, at(10), &[5]) && log.valid(began, &[]), "it was not believed");
}

#[test]
fn a_log_is_confirmed_by_its_last_entry() {
    let (_, feed) = feed();
    let early = feed.view();
    feed.push(SERVER, &published(11, 10, record(&[5])));
    let last = entry(11, record(&[5]));
    assert!(feed.is_confirmed(SERVER, Some(&last), feed.view()));
    assert!(feed.is_confirmed(SERVER, Some(&last), early), "it grew meanwhile");
    assert!(feed.is_confirmed(SERVER, Some(&entry(10, Record::default())), early), "it grew after the look");
    let of_another_life = StreamEntry { life: Some(8), ..entry(11, record(&[5])) };
    let not_published = entry(12, record(&[5]));
    for (what, last) in [
        ("it is gone", None),
        ("a foreign entry", Some(&foreign(12))),
        ("another life", Some(&of_another_life)),
        ("an entry that was not published", Some(&not_published)),
        ("the last one was removed", Some(&entry(10, Record::default()))),
    ] {
        assert!(!feed.is_confirmed(SERVER, last, feed.view()), "{what}");
    }
    assert!(!feed.is_confirmed(2, Some(&last), feed.view()), "another server");
}

#[test]
fn an_own_record_of_another_life_counts_and_makes_the_process_read_the_log() {
    let (log, feed) = feed();
    let began = log.position();
    feed.expect(42, ExpectedPut { began, scopes: [5].into() });
    assert_eq!(
        feed.fold_appended(SERVER, &Appended { life: 8, id: id(3) }, &record(&[5]), 42),
        Some(Folded::Unverified)
    );
    assert!(!log.valid(began, &[5]) && log.valid(began, &[6]) && feed.judge(SERVER).is_none());
    assert_eq!(feed.placed(42), None, "where a new value stands is not known");
}

#[test]
fn everything_can_be_invalidated_at_once() {
    let (log, feed) = feed();
    let began = log.position();
    feed.push(SERVER, &published(11, 10, Record::clear()));
    assert!(!log.valid(began, &[]) && !admits(&feed, at(10), &[]) && admits(&feed, at(11), &[]));
}

/// The verdict falls when the put's own record is folded, whichever way it arrives first.
#[test]
fn a_put_is_stored_unless_another_record_came_between() {
    for (by_push, between) in [(true, false), (false, false), (true, true), (false, true)] {
        let (log, feed) = feed();
        feed.expect(42, ExpectedPut { began: log.position(), scopes: [5].into() });
        let mut last = 10;
        if between {
            feed.push(SERVER, &published(11, 10, record(&[5])));
            last = 11;
        }
        let own = Published { token: 42, ..published(12, last, record(&[5])) };
        if by_push {
            feed.push(SERVER, &own);
        }
        assert!(feed.fold_appended(SERVER, &own.entry, &record(&[5]), 42).is_some());
        let placed = feed.placed(42);
        assert_eq!(placed.is_some(), !between, "by push: {by_push}");
        if let Some(placed) = placed {
            // The echo of its own record has no effect.
            feed.push(SERVER, &own);
            assert!(log.valid(placed.local, &[5]) && admits(&feed, placed.shared.unwrap(), &[5]));
        }
    }
}

#[test]
fn a_log_that_was_too_long_to_catch_up_with_is_left_like_any_other() {
    let (_, feed) = feed();
    let (own, other) = (Incarnation { server: SERVER, life: LIFE }, Incarnation { server: SERVER + 1, life: LIFE + 1 });
    feed.forget();
    feed.forget();
    assert!(feed.server().is_none() && !feed.has_left(own), "the same server may be entered again");
    feed.reset(other, id(1));
    assert!(feed.has_left(own) && !feed.has_left(other));
    feed.forget();
    feed.reset(other, id(2));
    assert!(!feed.has_left(other), "it was never left");
}

#[test]
fn a_record_that_is_appended_again_counts_again_and_is_not_told_again() {
    for by_push in [true, false] {
        let events = CacheEvents::new(Clock::manual());
        let (log, feed) = feed_into(Log::with_mirror_bytes(1 << 12).with_events(events.clone()));
        let (began, mut told) = (log.position(), events.subscribe(Filter::all()));
        let replay = Published { token: feed.replays(), ..published(11, 10, record(&[5])) };
        if by_push {
            feed.push(SERVER, &replay);
        }
        feed.fold_appended(SERVER, &replay.entry, &record(&[5]), feed.replays());
        if !by_push {
            feed.push(SERVER, &replay);
        }
        assert!(!log.valid(began, &[5]) && told.try_next().is_none(), "by push: {by_push}");
        feed.push(SERVER, &published(12, 11, record(&[6])));
        let event = told.try_next();
        assert!(
            matches!(event, Some(CacheEvent::Invalidated { source: RecordSource::AnotherProcess, .. })),
            "{event:?}"
        );
    }
}
