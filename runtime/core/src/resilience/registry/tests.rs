use std::time::Duration;

use super::*;

/// A policy that can be marked busy, and whose references can be counted.
#[derive(Clone, Debug)]
struct Policy(Arc<AtomicBool>);

impl Evictable for Policy {
    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.0) == 1 && !self.0.load(Relaxed)
    }
}

fn named(most: usize) -> (Named<Policy, u32>, Clock) {
    let clock = Clock::manual();
    (Named::new(most, clock.clone()), clock)
}

fn ask(policies: &Named<Policy, u32>, name: &str) -> Policy {
    let asked = Use { location: Location::caller(), settings: 0 };
    policies.get_or_make(name, asked, |_| Policy(Arc::default()))
}

#[test]
fn names_from_requests_take_bounded_room() {
    let (policies, clock) = named(100);
    let busy = ask(&policies, "busy");
    busy.0.store(true, Relaxed);
    drop(busy);
    let held = ask(&policies, "held");
    for n in 0..100_000 {
        ask(&policies, &format!("{n}"));
        clock.advance(Duration::from_nanos(1));
    }
    assert_eq!(policies.all().len(), 100);
    assert!(ask(&policies, "busy").0.load(Relaxed), "a busy policy stays");
    assert!(Arc::ptr_eq(&held.0, &ask(&policies, "held").0), "one name is one policy for all callers");
    assert!(policies.get("99999").is_some() && policies.get("99902").is_some() && policies.get("99901").is_none());
}

#[test]
fn the_least_recently_used_policy_is_dropped() {
    let (policies, clock) = named(2);
    for name in ["a", "b", "a", "c"] {
        clock.advance(Duration::from_secs(1));
        ask(&policies, name);
    }
    assert!(policies.get("a").is_some() && policies.get("b").is_none());
}

#[test]
fn a_new_name_is_not_stored_if_none_can_be_dropped() {
    let (policies, _) = named(2);
    let (one, two) = (ask(&policies, "one"), ask(&policies, "two"));
    assert!(!Arc::ptr_eq(&ask(&policies, "three").0, &ask(&policies, "three").0));
    assert!(policies.get("three").is_none() && policies.all().len() == 2);
    policies.set_most(3);
    ask(&policies, "three");
    assert!(policies.get("three").is_some());
    drop((one, two));
    policies.set_most(0);
    ask(&policies, "four");
    assert_eq!(policies.all().len(), 1, "one at least");
}

#[test]
fn long_names_and_many_settings_take_bounded_room() {
    let (policies, _) = named(10);
    let (long, longer) = ("x".repeat(1 << 20), "x".repeat((1 << 20) + 1));
    let one = ask(&policies, &long);
    assert!(Arc::ptr_eq(&one.0, &policies.get(&long).unwrap().0));
    assert!(!Arc::ptr_eq(&one.0, &ask(&policies, &longer).0), "the digest tells them apart");
    for settings in 0..1_000 {
        let asked = Use { location: Location::caller(), settings };
        policies.get_or_make("name", asked, |_| Policy(Arc::default()));
    }
    let uses = policies.uses();
    assert!(uses.iter().all(|(name, _)| name.len() <= 256) && uses.len() == USES + 2, "{}", uses.len());
}
