use std::collections::HashMap;
use std::sync::Arc;
use std::thread;

use proptest::prelude::*;

use super::*;
use crate::clock::Clock;
use crate::events::Filter;
use crate::key::{Pattern, Scopes};
use crate::tests::Levels;

fn record(patterns: &[Pattern]) -> Record {
    let mut record = Record::default();
    for pattern in patterns {
        record.push(pattern.scope, pattern.root);
    }
    record
}

fn log() -> Log {
    Log::with_mirror_bytes(1 << 16)
}

#[test]
fn an_entry_is_valid_until_one_of_its_scopes_is_invalidated() {
    let scopes = Scopes::new("user:1:orders", &["t:9".to_owned()]);
    for pattern in [Pattern::exact("user:1:orders"), Pattern::prefix("user:1"), Pattern::prefix("user")] {
        let log = log();
        let began = log.position();
        log.append(&record(&[Pattern::exact("user:2"), Pattern::prefix("user:10"), Pattern::exact("user:1")]));
        assert!(log.valid(began, scopes.hashes()));
        log.append(&record(&[pattern]));
        assert!(!log.valid(began, scopes.hashes()));
        assert!(log.valid(log.position(), scopes.hashes()), "a load that begins now is valid");
    }
    let log = log();
    let began = log.position();
    let mut tagged = Record::default();
    tagged.push_tag("t:9");
    log.append(&tagged);
    assert!(!log.valid(began, scopes.hashes()));
}

#[test]
fn an_entry_is_current_until_one_of_its_scopes_is_refreshed() {
    let scopes = Scopes::new("user:1:orders", &["t:9".to_owned()]);
    let mut tagged = Record::default();
    tagged.push_tag("t:9");
    let patterns = [Pattern::exact("user:1:orders"), Pattern::prefix("user:1"), Pattern::prefix("user")];
    for record in patterns.map(|pattern| record(&[pattern])).into_iter().chain([tagged]) {
        let log = log();
        let began = log.position();
        log.append(&self::record(&[Pattern::exact("user:2"), Pattern::prefix("user:10")]).into_refresh());
        assert_eq!(log.judge(began, scopes.hashes()), Judgement::Current);
        let refreshed = log.append(&record.clone().into_refresh());
        assert_eq!(log.judge(began, scopes.hashes()), Judgement::Expired);
        assert!(log.valid(began, scopes.hashes()), "it may still be served as an expired value");
        assert!(log.is_current(refreshed, scopes.hashes()), "a load that begins now is current");
        assert!(
            log.head(LogPart::new(Pattern::exact("user:1").root, Breadth::Tagged)) == refreshed,
            "entries are judged again"
        );
        let invalidated = log.append(&record);
        assert_eq!(log.judge(refreshed, scopes.hashes()), Judgement::Invalidated);
        assert!(log.is_current(invalidated, scopes.hashes()));
    }
}

proptest! {
    /// An invalidated scope is invalid and a refreshed one is not current, with a table of any size. With room for all scopes the judgement
    /// is exact.
    #[test]
    fn invalidations_and_refreshes_are_judged_apart(
        bytes in prop_oneof![Just(0_usize), Just(1 << 14)],
        records in proptest::collection::vec((0_u64..12, any::<bool>()), 0..60),
    ) {
        let log = Log::with_mirror_bytes(bytes);
        let pattern = |n: u64| Pattern::exact(&format!("user:{n}"));
        let mut last = HashMap::<(u64, bool), Epoch>::new();
        for (n, refreshes) in records {
            let record = record(&[pattern(n)]);
            let epoch = log.append(&if refreshes { record.into_refresh() } else { record });
            last.insert((n, refreshes), epoch);
        }
        for n in 0..12 {
            let last = |refreshes| last.get(&(n, refreshes)).copied().unwrap_or(0);
            for epoch in 0..=log.position() {
                let exact = match () {
                    () if epoch < last(false) => Judgement::Invalidated,
                    () if epoch < last(true) => Judgement::Expired,
                    () => Judgement::Current,
                };
                let judged = log.judge(epoch, &[pattern(n).scope]);
                prop_assert!(judged <= exact, "{judged:?} for {exact:?}");
                prop_assert!(bytes == 0 || judged == exact);
            }
        }
    }
}

#[test]
fn heads_move_for_their_root_only_and_for_tags_everywhere() {
    let log = log();
    let (user, order) = (Pattern::exact("user:1"), Pattern::exact("order:1"));
    assert_ne!(user.root, order.root);
    let epoch = log.append(&record(&[order]));
    assert_eq!(log.head(LogPart::new(user.root, Breadth::Root)), 0);
    assert_eq!(log.head(LogPart::new(order.root, Breadth::Root)), epoch);
    let mut tagged = Record::default();
    tagged.push_tag("t");
    let epoch = log.append(&tagged);
    assert_eq!(log.head(LogPart::new(user.root, Breadth::Root)), 0);
    assert_eq!(log.head(LogPart::new(user.root, Breadth::Tagged)), epoch);
}

#[test]
fn a_clear_invalidates_entries_that_no_scope_names() {
    let log = log();
    let began = log.position();
    log.append(&Record::clear());
    assert!(!log.valid(began, &[]));
    assert!(log.valid(log.position(), &[]));
    assert!(
        (0..ROOTS).all(|root| log.head(LogPart::new(u16::try_from(root).unwrap(), Breadth::Root)) == log.position())
    );
}

#[test]
fn a_put_is_refused_once_anything_else_invalidated_its_key() {
    let log = log();
    let key = Pattern::exact("user:1");
    let scopes = Scopes::new("user:1", &[]);
    let own = record(&[key]);
    let (first, second) = (log.position(), log.position());
    assert!(log.append_put(&own, first, scopes.hashes()).is_some());
    assert!(log.append_put(&own, second, scopes.hashes()).is_none(), "the other put came between");
    let third = log.position();
    log.append(&record(&[Pattern::prefix("user")]));
    assert!(log.append_put(&own, third, scopes.hashes()).is_none(), "a prefix came between");
    let refreshed = log.position();
    log.append(&own.clone().into_refresh());
    assert!(log.append_put(&own, refreshed, scopes.hashes()).is_none(), "a refresh came between");
    let fourth = log.position();
    log.append(&record(&[Pattern::prefix("order")]));
    assert!(log.append_put(&own, fourth, scopes.hashes()).is_some(), "another root does not matter");
}

proptest! {
    /// A table of any size never returns an epoch before a scope's last invalidation.
    #[test]
    fn the_mirror_never_forgets(
        bytes in prop_oneof![Just(0_usize), Just(128), Just(4096)],
        raises in proptest::collection::vec((0_u64..200, 1_u64..1000), 0..400),
    ) {
        let mirror = Mirror::with_bytes(bytes);
        let mut exact = HashMap::<u64, u64>::new();
        for (scope, epoch) in raises {
            // Spread over buckets and tags, and let some share a tag.
            let scope = (scope % 150).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            mirror.raise(scope, epoch);
            let last = exact.entry(scope).or_default();
            *last = epoch.max(*last);
            for (scope, epoch) in &exact {
                prop_assert!(mirror.last(*scope) >= *epoch);
            }
        }
    }

    /// The table is exact while it has room for all scopes.
    #[test]
    fn the_mirror_is_exact_while_there_is_room(raises in proptest::collection::vec((1_u64..8, 1_u64..1000), 0..100)) {
        let mirror = Mirror::with_bytes(0);
        let mut exact = HashMap::<u64, u64>::new();
        for (scope, epoch) in raises {
            mirror.raise(scope << 32, epoch);
            let last = exact.entry(scope << 32).or_default();
            *last = epoch.max(*last);
        }
        for scope in 1..8 {
            prop_assert_eq!(mirror.last(scope << 32), exact.get(&(scope << 32)).copied().unwrap_or(0));
        }
    }
}

/// Four readers check that they see every acknowledged append, while a writer appends and evicts in a table of one bucket.
#[test]
fn readers_see_every_acknowledged_invalidation_under_eviction() {
    let log = Arc::new(Log::with_mirror_bytes(0));
    let acknowledged: Arc<[AtomicU64; 40]> = Arc::new(std::array::from_fn(|_| AtomicU64::new(0)));
    let pattern = |n: usize| Pattern::exact(&format!("user:{n}"));
    thread::scope(|threads| {
        for _ in 0..4 {
            let (log, acknowledged) = (log.clone(), acknowledged.clone());
            threads.spawn(move || {
                for n in (0..40).cycle().take(200_000) {
                    let before = acknowledged[n].load(Acquire);
                    let root = pattern(n).root;
                    assert!(log.head(LogPart::new(root, Breadth::Root)) >= before);
                    if before > 0 {
                        assert!(!log.valid(before - 1, &[pattern(n).scope]), "user:{n} at {before}");
                    }
                }
            });
        }
        for n in (0..40).cycle().take(100_000) {
            acknowledged[n].store(log.append(&record(&[pattern(n)])), Release);
        }
    });
    assert!(log.floor_verdicts() > 0, "the table was too small on purpose");
}

#[test]
fn a_table_has_the_requested_size_and_spreads_scopes_over_it() {
    assert_eq!(Mirror::with_bytes(0).buckets(), 1);
    assert_eq!(Mirror::with_bytes(1 << 12).buckets(), (1 << 12) / 128);
    let mirror = Mirror::with_bytes(1 << 12);
    // Different in both halves: one selects the bucket, the other is the tag.
    let scope = |n: u64| n << 32 | n;
    for n in 1..=256 {
        mirror.raise(scope(n), n);
    }
    assert!((1..=256).all(|n| mirror.last(scope(n)) == n), "eight in each bucket, where ten have room");
    assert_eq!(mirror.floor_verdicts(), 0);
}

#[test]
fn verdicts_by_the_floor_are_counted() {
    let log = Log::with_mirror_bytes(0);
    assert!(log.valid(0, &[1, 2, 3]));
    assert_eq!(log.floor_verdicts(), 0, "nothing was forgotten yet");
    for n in 0..11 {
        log.append(&record(&[Pattern::exact(&format!("n:{n}"))]));
    }
    let unknown = Pattern::exact("unknown").scope;
    for verdicts in 1..=3 {
        assert!(!log.valid(0, &[unknown]));
        assert_eq!(log.floor_verdicts(), verdicts);
    }
    assert_eq!(log.records(), 11);
}

#[test]
fn a_table_that_is_too_small_is_warned_of_at_each_doubling() {
    let (mirror, levels) = (Mirror::with_bytes(0), Levels::default());
    (1..=11).for_each(|scope| mirror.raise(scope << 32, scope));
    levels.listen(|| {
        for verdict in 1..=1_u32 << 18 {
            mirror.last(99 << 32);
            let expected = [1 << 16, 1 << 17, 1 << 18].iter().filter(|due| **due <= verdict).count();
            assert_eq!(levels.heard(), vec![tracing::Level::WARN; expected], "after {verdict}");
        }
    });
}

#[test]
fn a_scope_that_lost_its_pair_comes_back_no_older_than_the_floor() {
    let mirror = Mirror::with_bytes(0);
    for scope in 1..=10 {
        mirror.raise(scope << 32, 100 + scope);
    }
    // Evicts the oldest pair, of epoch 101, whose scope comes back with an earlier epoch.
    mirror.raise(11 << 32, 200);
    assert_eq!(mirror.last(1 << 32), 101);
    mirror.raise(1 << 32, 50);
    assert!(mirror.last(1 << 32) >= 101);
    assert_eq!(mirror.last(2 << 32), 102, "judged by the floor now, which is as high as its epoch was");
}

#[test]
fn a_record_is_empty_until_it_concerns_something() {
    let mut tagged = Record::default();
    assert!(tagged.is_empty());
    tagged.push_tag("t");
    assert!(!tagged.is_empty() && tagged.has_tags() && tagged.roots().is_empty());
    assert!(!Record::clear().is_empty() && Record::clear().is_clear());
    let keys = record(&[Pattern::exact("a")]);
    assert!(!keys.is_empty() && !keys.has_tags() && !keys.is_clear());
}

#[cfg(feature = "redis")]
#[test]
fn loads_before_a_mark_are_forgotten_once() {
    let log = log();
    let before = log.position();
    let mark = log.new_epoch();
    let after = log.position();
    assert_eq!((mark, after), (before + 1, before + 1), "loads from now on have this epoch");
    log.append(&record(&[Pattern::exact("user:1")]));
    let position = log.position();
    log.forget_before(mark);
    assert!(!log.valid(before, &[]) && log.valid(after, &[]));
    assert!(log.position() > position, "entries are judged again");
    assert!(
        (0..ROOTS).all(|root| log.head(LogPart::new(u16::try_from(root).unwrap(), Breadth::Root)) == log.position())
    );
    let position = log.position();
    log.forget_before(mark);
    log.forget_before(mark - 1);
    assert_eq!(log.position(), position, "a second time moves nothing");
    assert!(log.valid(after, &[]));
}

#[cfg(feature = "redis")]
#[test]
fn a_pair_is_known_until_it_is_evicted() {
    let mirror = Mirror::with_bytes(0);
    assert_eq!(mirror.pair(1 << 32), None);
    mirror.raise(1 << 32, 7);
    assert_eq!(mirror.pair(1 << 32), Some(7));
    for scope in 2..=11 {
        mirror.raise(scope << 32, 100);
    }
    assert_eq!((mirror.pair(1 << 32), mirror.last(1 << 32)), (None, 7));
}

#[cfg(feature = "redis")]
#[test]
fn a_union_concerns_what_each_of_its_parts_does() {
    let (one, two) = (Pattern::exact("a:1"), Pattern::exact("b:1"));
    let mut tagged = Record::default();
    tagged.push_tag("t");
    let all = Record::union([&record(&[one, two]), &record(&[two]), &tagged]);
    let mut scopes = [one.scope, two.scope, tagged.scopes()[0]];
    let mut roots = [one.root, two.root];
    scopes.sort_unstable();
    roots.sort_unstable();
    assert_eq!((all.scopes(), all.roots()), (&scopes[..], &roots[..]));
    assert!(all.has_tags() && !all.is_clear());
    let keys = Record::union([&record(&[one])]);
    assert!(!keys.has_tags() && !keys.is_clear());
    for order in [[&keys, &Record::clear()], [&Record::clear(), &keys]] {
        assert!(Record::union(order).is_clear(), "whatever comes after");
    }
    assert!(Record::union([&tagged, &keys]).has_tags() && Record::union([&keys, &tagged]).has_tags());
    assert!(!Record::union([&tagged, &tagged.clone()]).is_empty());
    let refresh = keys.clone().into_refresh();
    assert!(Record::union([&refresh, &refresh.clone()]).is_refresh());
    assert!(
        !Record::union([&refresh, &tagged]).is_refresh(),
        "a scope that one of the parts invalidates is not merely expired"
    );
}

#[test]
fn a_record_of_everything_is_split_from_the_scopes_beside_it() {
    let mut record = Record::clear();
    for scope in 0..250 {
        record.push(scope, 7);
    }
    let parts = record.split(100);
    assert_eq!(parts.iter().map(|part| part.scopes().len()).collect::<Vec<_>>(), [100, 100, 50, 0]);
    assert_eq!(parts.iter().map(Record::is_clear).collect::<Vec<_>>(), [false, false, false, true]);
    assert_eq!(Record::clear().split(100), [Record::clear()]);
    assert_eq!(Record::default().split(100), []);
}

/// A log whose subscriber is woken between two records of one key: the entries before are judged by the record, and the loads that begin
/// after it come after its event.
#[test]
fn the_event_of_a_record_comes_when_it_counts_and_before_loads_that_follow_it() {
    const RECORDS: u64 = 20_000;
    let events = CacheEvents::new(Clock::manual());
    let mut told = events.subscribe(Filter::all().room(1 << 20));
    let log = log().with_events(events.clone());
    let scopes = Scopes::new("user:1", &[]);
    let (part, load) = (scopes.log_part(), |epoch| CacheEvent::Missed { events: epoch });
    let patterns =
        [record(&[Pattern::exact("user:1")]), record(&[Pattern::exact("user:1")]).into_refresh(), Record::clear()];
    thread::scope(|threads| {
        threads.spawn(|| (0..RECORDS).zip(patterns.iter().cycle()).for_each(|(_, record)| _ = log.append(record)));
        // Stands for loads: each sends its epoch.
        threads.spawn(|| {
            while log.position() < RECORDS {
                let epoch = log.position();
                events.send(CacheEventKind::Loaded, |_| load(epoch));
            }
        });
        let mut records = 0;
        while records < RECORDS {
            match told.try_next() {
                None => thread::yield_now(),
                Some(CacheEvent::Missed { events: epoch }) => {
                    assert!(epoch <= records, "a load of {epoch} after {records}");
                }
                Some(_) => {
                    records += 1;
                    assert!(log.judge(records - 1, scopes.hashes()) != Judgement::Current && log.head(part) >= records);
                }
            }
        }
    });
}
