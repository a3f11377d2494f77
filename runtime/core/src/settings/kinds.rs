//! The settings of each kind of policy, named as the options of its attribute.

use std::sync::Arc;
use std::time::Duration;

use super::at::{At, Faults};
use crate::resilience::breaker::Contradiction;
#[cfg(feature = "rate-limit")]
use crate::resilience::rate_limit;
use crate::resilience::{Percent, PolicyChange, PolicyKind, SettingsChange, breaker, bulkhead, hedge, retry};

/// The kinds of policies that have settings, by their attributes.
pub(super) const ALL: &[(PolicyKind, &str)] = &[
    (PolicyKind::Breaker, "circuit_breaker"),
    (PolicyKind::Retry, "retry"),
    (PolicyKind::Timeout, "timeout"),
    (PolicyKind::Bulkhead, "bulkhead"),
    #[cfg(feature = "rate-limit")]
    (PolicyKind::RateLimit, "rate_limit"),
    (PolicyKind::Hedge, "hedge"),
];

const BREAKER: &[&str] = &[
    "failure_threshold",
    "failure_rate",
    "slow_rate",
    "slow",
    "min_calls",
    "open_for",
    "max_open",
    "probes",
    "probe_timeout",
    "cancelled",
];
const RETRY: &[&str] = &["attempts", "wait", "backoff", "max_wait", "budget"];
const BULKHEAD: &[&str] = &["max", "wait"];
#[cfg(feature = "rate-limit")]
const RATE_LIMIT: &[&str] = &["calls", "per", "burst"];
const HEDGE: &[&str] = &["after", "p95", "budget"];

const OFF: (&str, Duration) = ("off", Duration::ZERO);

/// Returns the name of a kind's attribute; `None` if the kind has no settings.
pub(super) fn name(kind: PolicyKind) -> Option<&'static str> {
    ALL.iter().find(|(known, _)| *known == kind).map(|(_, name)| *name)
}

/// Returns the names of the attributes of all kinds that have settings.
pub(super) fn names() -> Vec<&'static str> {
    ALL.iter().map(|(_, name)| *name).collect()
}

/// Reads the settings of the policies of one kind and name, as changes of the settings that the code gives them.
pub(super) fn read(kind: PolicyKind, name: &str, at: &At<'_>, faults: &mut Faults) -> Vec<PolicyChange> {
    match kind {
        PolicyKind::Breaker => vec![PolicyChange::new(kind, name, of_breaker(name, at, faults))],
        PolicyKind::Retry => vec![PolicyChange::new(kind, name, of_retry(at, faults))],
        PolicyKind::Timeout => {
            of_timeout(at, faults).map(|change| PolicyChange::new(kind, name, change)).into_iter().collect()
        }
        PolicyKind::Bulkhead => vec![PolicyChange::new(kind, name, of_bulkhead(at, faults))],
        #[cfg(feature = "rate-limit")]
        PolicyKind::RateLimit => {
            let one = of_rate_limit(at, faults);
            let each = one.clone();
            // Limits per key have the number of keys in their settings.
            let keyed: SettingsChange<(rate_limit::Settings, usize)> =
                Arc::new(move |(settings, keys)| (each(settings), keys));
            vec![PolicyChange::new(kind, name, one), PolicyChange::new(kind, name, keyed)]
        }
        PolicyKind::Hedge => vec![PolicyChange::new(kind, name, of_hedge(at, faults))],
        _ => Vec::new(),
    }
}

/// Changes one after the other.
struct Steps<S>(Vec<SettingsChange<S>>);

impl<S: 'static> Steps<S> {
    fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds the change by a value, if there is one.
    fn add<T: Copy + Send + Sync + 'static>(&mut self, value: Option<T>, set: fn(S, T) -> S) {
        if let Some(value) = value {
            self.0.push(Arc::new(move |settings| set(settings, value)));
        }
    }

    /// Adds a change without a value.
    fn turn(&mut self, set: fn(S) -> S) {
        self.0.push(Arc::new(set));
    }

    fn all(self) -> SettingsChange<S> {
        let steps = self.0;
        Arc::new(move |settings| steps.iter().fold(settings, |settings, step| step(settings)))
    }
}

fn of_breaker(name: &str, at: &At<'_>, faults: &mut Faults) -> SettingsChange<breaker::Settings> {
    type Settings = breaker::Settings;
    let mut steps = Steps::<Settings>::new();
    let (mut slow_rate, mut slow) = (None, None);
    let before = faults.0.len();
    for (option, value) in at.entries(faults) {
        match option {
            "failure_threshold" if value.is_off() => steps.turn(Settings::no_failure_threshold),
            "failure_threshold" => steps.add(value.calls(faults), Settings::failure_threshold),
            "failure_rate" if value.is_off() => steps.turn(Settings::no_failure_rate),
            "failure_rate" => steps.add(value.percent(faults), Settings::failure_rate),
            "slow_rate" if value.is_off() => steps.turn(Settings::without_slow_rate),
            "slow_rate" => slow_rate = value.percent(faults),
            "slow" => slow = value.duration(&[], faults),
            "min_calls" => steps.add(value.calls(faults), Settings::min_calls),
            "open_for" => steps.add(value.duration(&[], faults), Settings::open_for),
            "max_open" => steps.add(value.duration(&[], faults), Settings::max_open),
            "probes" => steps.add(value.calls(faults), Settings::probes),
            "probe_timeout" => steps.add(value.duration(&[], faults), Settings::probe_timeout),
            "cancelled" => {
                let word = value.word(&["failure", "nothing"], faults);
                steps.add(word, |settings, word| settings.with_cancelled_as_failure(word == "failure"));
            }
            "window" | "keys" => faults
                .add(&value.path, format!("the counts depend on `{option}`, so it stays: change it in the attribute")),
            "timeout" => {
                faults.add(&value.path, format!("the timeout is a policy of its own: write it as `{name}.timeout`"));
            }
            _ => faults.unknown(&value, "no setting of a circuit breaker", BREAKER),
        }
    }
    match (slow_rate, slow) {
        (Some(rate), Some(slow)) => {
            steps.add(Some((rate, slow)), |settings, (rate, slow)| settings.slow_rate(rate, slow));
        }
        (None, None) => {}
        _ if faults.0.len() > before => {}
        _ => faults.add(&at.path, "`slow_rate` and `slow` belong together: write both".to_owned()),
    }
    let change = steps.all();
    let contradictions = if faults.0.len() > before { Vec::new() } else { breaker::contradictions(name, &change) };
    for contradiction in contradictions {
        faults.add(&at.path, sentence(contradiction));
    }
    change
}

/// Says what is wrong with the settings of a breaker, and what to write.
fn sentence(contradiction: Contradiction) -> String {
    match contradiction {
        Contradiction::MinCalls { window, calls } => {
            format!(
                "the window of {window} calls never holds the {calls} of `min_calls`: write `min_calls = {window}` or less"
            )
        }
        Contradiction::NeverOpens => {
            "nothing opens it: leave out `failure_threshold = \"off\"` or `failure_rate = \"off\"`, \
             or write `slow_rate` and `slow`"
                .to_owned()
        }
    }
}

fn of_retry(at: &At<'_>, faults: &mut Faults) -> SettingsChange<retry::Settings> {
    type Settings = retry::Settings;
    let mut steps = Steps::<Settings>::new();
    for (option, value) in at.entries(faults) {
        match option {
            "attempts" => steps.add(value.calls(faults), Settings::attempts),
            "wait" => steps.add(value.duration(&[OFF], faults), Settings::first_wait),
            "max_wait" => steps.add(value.duration(&[], faults), Settings::max_wait),
            "backoff" => {
                let word = value.word(&["exponential", "constant"], faults);
                steps.add(word, |settings, word| settings.with_constant_waits(word == "constant"));
            }
            "budget" if value.is_off() => steps.turn(Settings::no_budget),
            "budget" => steps.add(value.percent(faults), Settings::budget),
            _ => faults.unknown(&value, "no setting of a retry", RETRY),
        }
    }
    steps.all()
}

fn of_timeout(at: &At<'_>, faults: &mut Faults) -> Option<SettingsChange<Duration>> {
    let after = at.duration(&[("off", Duration::MAX)], faults)?;
    Some(Arc::new(move |_| after))
}

fn of_bulkhead(at: &At<'_>, faults: &mut Faults) -> SettingsChange<bulkhead::Settings> {
    type Settings = bulkhead::Settings;
    let mut steps = Steps::<Settings>::new();
    for (option, value) in at.entries(faults) {
        match option {
            "max" => steps.add(value.calls(faults), Settings::with_max),
            "wait" => steps.add(value.duration(&[OFF], faults), Settings::wait),
            _ => faults.unknown(&value, "no setting of a bulkhead", BULKHEAD),
        }
    }
    steps.all()
}

#[cfg(feature = "rate-limit")]
fn of_rate_limit(at: &At<'_>, faults: &mut Faults) -> SettingsChange<rate_limit::Settings> {
    let (mut calls, mut per, mut burst) = (None, None, None);
    for (option, value) in at.entries(faults) {
        match option {
            "calls" => calls = value.calls(faults),
            "per" => per = value.duration(&[], faults),
            "burst" => burst = value.calls(faults),
            _ => faults.unknown(&value, "no setting of a rate limit", RATE_LIMIT),
        }
    }
    Arc::new(move |settings: rate_limit::Settings| settings.with(calls, per, burst))
}

fn of_hedge(at: &At<'_>, faults: &mut Faults) -> SettingsChange<hedge::Settings> {
    type Settings = hedge::Settings;
    let mut steps = Steps::<Settings>::new();
    let mut delays = 0;
    for (option, value) in at.entries(faults) {
        delays += u32::from(matches!(option, "after" | "p95"));
        match option {
            "after" => steps.add(value.duration(&[], faults), |settings, after| settings.with_delay(after, false)),
            "p95" => steps.add(value.duration(&[], faults), |settings, at_first| settings.with_delay(at_first, true)),
            "budget" => steps.add(value.percent(faults), |settings: Settings, share: Percent| settings.budget(share)),
            _ => faults.unknown(&value, "no setting of a hedge", HEDGE),
        }
    }
    if delays > 1 {
        faults.add(&at.path, "`after` and `p95` both set the delay of the second call: write one of them".to_owned());
    }
    steps.all()
}
