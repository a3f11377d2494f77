//! Explores every scenario, and every mutant in the scenario that catches it, and prints a report in markdown.
//!
//! With the name of a scenario as its argument, it explores only that one and prints each trace in full; with `harmless`, it explores the
//! mutants that break nothing.

use std::sync::Mutex;
use std::thread;

use fastness_model::{Mutant, Outcome, Rules, Scenario, explore};

const LIMIT: usize = 20_000_000;
const THREADS: usize = 2;

fn main() {
    let only = std::env::args().nth(1);
    if only.as_deref() == Some("harmless") {
        return harmless();
    }
    let groups = [
        ("One server", [Scenario::small(), Scenario::large()].concat()),
        ("Two masters that take writes", [Scenario::takeovers(), Scenario::large_takeovers()].concat()),
        ("Limits", Scenario::limits()),
    ];
    for (title, mut scenarios) in groups {
        scenarios.retain(|scenario| only.as_ref().is_none_or(|only| scenario.name == only));
        if !scenarios.is_empty() {
            println!("\n## {title}\n");
            table(&scenarios, only.is_some());
        }
    }
    if only.is_none() {
        println!("\n## Mistakes that break nothing\n");
        harmless();
    }
}

fn table(scenarios: &[Scenario], full: bool) {
    let runs = scenarios.iter().flat_map(|scenario| {
        let caught = Mutant::ALL.iter().filter(|mutant| mutant.scenario() == scenario.name);
        std::iter::once(None).chain(caught.map(|mutant| Some(*mutant))).map(move |mutant| (scenario, mutant))
    });
    println!("| scenario | rules | states | depth | result |\n|---|---|---|---|---|");
    let runs = Mutex::new(runs);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let next = runs.lock().expect("no run panics while it is taken").next();
                    let Some((scenario, mutant)) = next else { break };
                    report(scenario, mutant, full);
                }
            });
        }
    });
}

/// Explores the mutants that do not break the contract, in every scenario of the tests.
fn harmless() {
    println!("| harmless mutant | states | result |\n|---|---|---|");
    for mutant in Mutant::ALL.iter().filter(|mutant| mutant.scenario().is_empty()) {
        let scenarios = Scenario::small().into_iter().chain(Scenario::takeovers());
        let outcomes = scenarios.map(|scenario| explore(&scenario, Rules::with(*mutant), LIMIT));
        let (mut states, mut broken) = (0, 0);
        for outcome in outcomes {
            states += outcome.states;
            broken += usize::from(outcome.violation.is_some() || outcome.stuck.is_some());
        }
        println!("| {} | {states} | broken in {broken} scenarios |", mutant.text());
    }
}

fn report(scenario: &Scenario, mutant: Option<Mutant>, full: bool) {
    let Outcome { states, depth, violation, stuck, whole } =
        explore(scenario, mutant.map_or_else(Rules::default, Rules::with), LIMIT);
    let rules = mutant.map_or("the protocol", Mutant::text);
    let result = match (&violation, &stuck) {
        (Some(trace), _) => format!("broken after {} steps: {}", trace.len() - 1, trace[trace.len() - 1]),
        (None, Some(trace)) => format!("stuck after {} steps", trace.len()),
        (None, None) if whole => "holds".to_owned(),
        (None, None) => format!("holds in the first {depth} steps"),
    };
    println!("| {} | {rules} | {states} | {depth} | {result} |", scenario.name);
    if full {
        for step in violation.iter().chain(&stuck).flatten() {
            println!("    {step}");
        }
    }
}
