//! Explores the scenarios and prints a report in markdown.

use fastness_model::{Mutant, Rules, Scenario, explore};

fn main() {
    let filter = std::env::args().nth(1);
    let scenarios = Scenario::small();
    for scenario in &scenarios {
        if filter.as_ref().is_some_and(|f| scenario.name != f) {
            continue;
        }
        let Ok(outcome) = std::panic::catch_unwind(|| explore(scenario, Rules::default(), 4_000_000)) else { continue };
        println!("## {}: {} states, depth {}", scenario.name, outcome.states, outcome.depth);
        for (what, trace) in [("VIOLATION", &outcome.violation), ("STUCK", &outcome.stuck)] {
            if let Some(trace) = trace {
                println!("{what}");
                for line in trace {
                    println!("   {line}");
                }
            }
        }
        for mutant in Mutant::ALL.iter().filter(|m| m.scenario() == scenario.name) {
            let Ok(outcome) = std::panic::catch_unwind(|| explore(scenario, Rules::with(*mutant), 4_000_000)) else {
                continue;
            };
            match outcome.violation {
                Some(trace) => println!("  caught {mutant:?}: {} steps, {}", trace.len() - 1, trace[trace.len() - 1]),
                None => println!("  NOT CAUGHT {mutant:?} ({} states)", outcome.states),
            }
        }
    }
}
