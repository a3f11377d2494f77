//! The protocol holds in every small scenario, and each mistake is caught where its row says.

use fastness_model::{Mutant, Rules, Scenario, explore};

const LIMIT: usize = 2_000_000;

#[test]
fn the_protocol_holds() {
    for scenario in Scenario::small() {
        let outcome = explore(&scenario, Rules::default(), LIMIT);
        assert!(outcome.whole, "`{}` is too large for a test", scenario.name);
        assert_eq!(outcome.violation, None, "`{}` breaks a promise", scenario.name);
        assert_eq!(outcome.stuck, None, "`{}` gets stuck", scenario.name);
    }
}

#[test]
fn every_mistake_is_caught() {
    let (small, large) = (Scenario::small(), Scenario::large());
    for mutant in Mutant::ALL {
        let Some(scenario) = small.iter().find(|scenario| scenario.name == mutant.scenario()) else {
            let known = |scenario: &Scenario| scenario.name == mutant.scenario();
            assert!(mutant.scenario().is_empty() || large.iter().any(known), "{mutant:?} names no scenario");
            continue;
        };
        let outcome = explore(scenario, Rules::with(*mutant), LIMIT);
        assert!(
            outcome.violation.is_some() || outcome.stuck.is_some(),
            "{mutant:?} is not caught by `{}`",
            scenario.name
        );
    }
}
