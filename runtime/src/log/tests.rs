use std::collections::HashMap;
use std::sync::Arc;
use std::thread;

use proptest::prelude::*;

use super::*;
use crate::key::{Pattern, Scopes};

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
    let scopes = Scopes::of("user:1:orders", &["t:9".to_owned()]);
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
fn heads_move_for_their_root_only_and_for_tags_everywhere() {
    let log = log();
    let (user, order) = (Pattern::exact("user:1"), Pattern::exact("order:1"));
    assert_ne!(user.root, order.root);
    let epoch = log.append(&record(&[order]));
    assert_eq!(log.head(user.root, Breadth::Root), 0);
    assert_eq!(log.head(order.root, Breadth::Root), epoch);
    let mut tagged = Record::default();
    tagged.push_tag("t");
    let epoch = log.append(&tagged);
    assert_eq!(log.head(user.root, Breadth::Root), 0);
    assert_eq!(log.head(user.root, Breadth::Tagged), epoch);
}

#[test]
fn clear_invalidates_what_no_scope_names() {
    let log = log();
    let began = log.position();
    log.append(&Record::clear());
    assert!(!log.valid(began, &[]));
    assert!(log.valid(log.position(), &[]));
    assert!((0..ROOTS).all(|root| log.head(u16::try_from(root).unwrap(), Breadth::Root) == log.position()));
}

#[test]
fn a_put_is_refused_once_anything_else_invalidated_its_key() {
    let log = log();
    let key = Pattern::exact("user:1");
    let scopes = Scopes::of("user:1", &[]);
    let own = record(&[key]);
    let (first, second) = (log.position(), log.position());
    assert!(log.append_put(&own, first, scopes.hashes()).is_some());
    assert!(log.append_put(&own, second, scopes.hashes()).is_none(), "the other put came between");
    let third = log.position();
    log.append(&record(&[Pattern::prefix("user")]));
    assert!(log.append_put(&own, third, scopes.hashes()).is_none(), "a prefix came between");
    let fourth = log.position();
    log.append(&record(&[Pattern::prefix("order")]));
    assert!(log.append_put(&own, fourth, scopes.hashes()).is_some(), "another root does not matter");
}

proptest! {
    /// However small the table, it never says that a scope was invalidated earlier than it was.
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

    /// With room for all it is exact.
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

/// Four readers check, while a writer appends and evicts in a table of one bucket, that what was acknowledged is seen.
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
                    assert!(log.head(root, Breadth::Root) >= before);
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
