//! The protocol keeps the contract in every small scenario, and each mistake is caught in the scenario that it names.

use fastness_model::{Mutant, Rules, Scenario, explore};

const LIMIT: usize = 2_000_000;

fn assert_holds(scenarios: &[Scenario]) {
    for scenario in scenarios {
        let outcome = explore(scenario, Rules::default(), LIMIT);
        assert!(outcome.whole, "`{}` is too large for a test", scenario.name);
        assert_eq!(outcome.violation, None, "`{}` breaks the contract", scenario.name);
        assert_eq!(outcome.stuck, None, "`{}` gets stuck", scenario.name);
    }
}

fn assert_caught(scenarios: &[Scenario]) {
    for mutant in Mutant::ALL {
        let Some(scenario) = scenarios.iter().find(|scenario| scenario.name == mutant.scenario()) else { continue };
        let outcome = explore(scenario, Rules::with(*mutant), LIMIT);
        let caught = outcome.violation.is_some() || outcome.stuck.is_some();
        assert!(caught, "{mutant:?} is not caught by `{}`", scenario.name);
    }
}

#[test]
fn the_protocol_keeps_the_contract() {
    assert_holds(&Scenario::small());
}

#[test]
fn every_mistake_is_caught() {
    assert_caught(&Scenario::small());
}

#[test]
fn the_protocol_keeps_the_contract_while_two_servers_take_writes() {
    assert_holds(&Scenario::takeovers());
}

#[test]
fn every_mistake_while_two_servers_take_writes_is_caught() {
    assert_caught(&Scenario::takeovers());
}

#[test]
fn every_mistake_names_a_scenario() {
    let scenarios = [Scenario::small(), Scenario::takeovers(), Scenario::large_takeovers(), Scenario::large()].concat();
    for mutant in Mutant::ALL.iter().filter(|mutant| !mutant.scenario().is_empty()) {
        let known = scenarios.iter().any(|scenario| scenario.name == mutant.scenario());
        assert!(known, "{mutant:?} names no scenario");
    }
}

/// The cases outside the contract are outside because the protocol does allow a stale value in them.
#[test]
fn each_limit_has_a_stale_read() {
    for scenario in Scenario::limits() {
        let outcome = explore(&scenario, Rules::default(), LIMIT);
        assert!(outcome.violation.is_some(), "`{}` keeps the contract", scenario.name);
    }
}
