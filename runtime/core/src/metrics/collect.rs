//! Values of all metrics at one moment, read from snapshots; no hot path counts anything for them.

use std::collections::BTreeMap;

use super::names::{self, Metric};
use crate::handle::{Fastness, HandleStats};
use crate::resilience::breaker::State;
use crate::resilience::{self, PolicyKind, snapshots};
use crate::timed::{self, CallOutcome, Latency};

/// Names and values of labels.
pub(crate) type Labels = Vec<(&'static str, String)>;

/// A metric with a sample for each set of label values.
pub(crate) struct Family {
    pub(crate) metric: &'static Metric,
    pub(crate) samples: BTreeMap<Labels, SampleValue>,
}

#[derive(Clone, Debug)]
pub(crate) enum SampleValue {
    Count(u64),
    Seconds(f64),
    Latency(Latency),
}

impl Family {
    pub(crate) fn new(metric: &'static Metric) -> Self {
        Self { metric, samples: BTreeMap::new() }
    }

    pub(crate) fn with(mut self, labels: Labels, value: SampleValue) -> Self {
        self.add(labels, value);
        self
    }

    /// Adds a value to the sample with these labels: functions of the same name are one series.
    fn add(&mut self, labels: Labels, value: SampleValue) {
        let Some(sum) = self.samples.get_mut(&labels) else {
            self.samples.insert(labels, value);
            return;
        };
        match (sum, value) {
            (SampleValue::Count(sum), SampleValue::Count(more)) => *sum += more,
            (SampleValue::Seconds(sum), SampleValue::Seconds(more)) => *sum += more,
            (SampleValue::Latency(sum), SampleValue::Latency(more)) => *sum += more,
            _ => unreachable!("the samples of one metric are of one kind"),
        }
    }
}

/// Returns all metrics that have a value.
pub(crate) fn collect(handle: &Fastness) -> Vec<Family> {
    let stats = handle.stats();
    let mut families = by_function(&stats);
    families.extend(of_handle(&stats));
    #[cfg(feature = "redis")]
    families.extend(shared(handle));
    families.extend(timed());
    families.extend(policies(&snapshots()));
    #[cfg(feature = "http")]
    families.extend(http());
    families.retain(|family| !family.samples.is_empty());
    families
}

fn by_function(stats: &HandleStats) -> Vec<Family> {
    let mut hits = Family::new(&names::HITS);
    let mut loads = Family::new(&names::LOADS);
    let mut seconds = Family::new(&names::LOAD_SECONDS);
    let mut disabled = Family::new(&names::DISABLED);
    let mut plain = [
        &names::MISSES,
        &names::BYPASSED,
        &names::COALESCED,
        &names::STALE_SERVED,
        &names::EARLY_REFRESHES,
        &names::OVERTAKEN,
        &names::TTL_PANICS,
        &names::TAG_FAILURES,
        &names::STALLED,
    ]
    .map(Family::new);
    for site in &stats.sites {
        let site_stats = &site.stats;
        let function = || vec![("function", site.name.clone())];
        let and = |name, value: &str| [function(), vec![(name, value.to_owned())]].concat();
        for (tier, count) in [("local", site_stats.hits), ("shared", site_stats.shared_hits)] {
            hits.add(and("tier", tier), SampleValue::Count(count));
        }
        let outcomes = [
            ("ok", site_stats.loads),
            ("error", site_stats.load_errors),
            ("abandoned", site_stats.loads_abandoned),
            ("timeout", site_stats.load_timeouts),
        ];
        for (outcome, count) in outcomes {
            loads.add(and("outcome", outcome), SampleValue::Count(count));
        }
        #[allow(clippy::cast_precision_loss)] // exact up to 104 days
        seconds.add(function(), SampleValue::Seconds(site_stats.load_nanos as f64 / 1e9));
        // Functions of the same name have one switch, so this is no sum.
        disabled.samples.insert(function(), SampleValue::Count(site.disabled.into()));
        let counts = [
            site_stats.misses,
            site_stats.bypassed,
            site_stats.coalesced,
            site_stats.stale_served,
            site_stats.early_refreshes,
            site_stats.overtaken,
            site_stats.ttl_panics,
            site_stats.tag_failures,
            site_stats.loads_stalled,
        ];
        for (family, count) in plain.iter_mut().zip(counts) {
            family.add(function(), SampleValue::Count(count));
        }
    }
    [hits, loads, seconds, disabled].into_iter().chain(plain).collect()
}

fn one(metric: &'static Metric, value: u64) -> Family {
    Family::new(metric).with(Labels::new(), SampleValue::Count(value))
}

fn of_handle(stats: &HandleStats) -> [Family; 5] {
    [
        one(&names::ENTRIES, stats.entries as u64),
        one(&names::BYTES, stats.bytes as u64),
        one(&names::EVICTIONS, stats.evictions),
        one(&names::INVALIDATIONS, stats.invalidations),
        one(&names::FLOOR_VERDICTS, stats.floor_verdicts),
    ]
}

#[cfg(feature = "redis")]
fn shared(handle: &Fastness) -> Vec<Family> {
    let Some(stats) = handle.shared() else { return Vec::new() };
    let by = |metric, name, counts: &[(&str, u64)]| {
        counts.iter().fold(Family::new(metric), |family, (value, count)| {
            family.with(vec![(name, (*value).to_owned())], SampleValue::Count(*count))
        })
    };
    // In the statistics misses include values that were found but could not be used; here these are separate results. `misses` is the sum
    // of these very numbers, so that no difference can fall.
    let missed = stats.misses.saturating_sub(stats.stale + stats.unreadable + stats.unknown_secret + stats.forged);
    let reads = [
        ("hit", stats.hits),
        ("miss", missed),
        ("stale", stats.stale),
        ("unreadable", stats.unreadable),
        ("unknown_secret", stats.unknown_secret),
        ("forged", stats.forged),
        ("skipped", stats.skipped),
    ];
    let stores = [
        ("ok", stats.stores),
        ("too_large", stats.too_large),
        ("unencodable", stats.unencodable),
        ("overflow", stats.store_overflows),
    ];
    let errors = [("timeout", stats.timeouts), ("other", stats.errors.saturating_sub(stats.timeouts))];
    let reaches = [("announced", stats.announced), ("local_only", stats.local_only)];
    let connects = [("ok", stats.connects), ("error", stats.connect_errors)];
    let heartbeat = SampleValue::Seconds(stats.latency.as_secs_f64());
    vec![
        one(&names::SHARED_CONNECTED, stats.connected.into()),
        one(&names::SHARED_COHERENT, stats.coherent.into()),
        Family::new(&names::SHARED_HEARTBEAT).with(Labels::new(), heartbeat),
        one(&names::SHARED_IN_DOUBT, stats.in_doubt as u64),
        by(&names::SHARED_READS, "result", &reads),
        by(&names::SHARED_STORES, "result", &stores),
        by(&names::SHARED_ERRORS, "kind", &errors),
        by(&names::SHARED_INVALIDATIONS, "reach", &reaches),
        by(&names::SHARED_CONNECTS, "result", &connects),
        one(&names::SHARED_SUSPENSIONS, stats.suspensions),
        one(&names::SHARED_TAKEOVERS, stats.takeovers),
        one(&names::SHARED_RESETS, stats.resets),
        one(&names::SHARED_UNREADABLE_ENTRIES, stats.unreadable_entries),
    ]
}

fn timed() -> [Family; 2] {
    let mut seconds = Family::new(&names::TIMED_SECONDS);
    let mut slow = Family::new(&names::TIMED_SLOW);
    for stats in timed::snapshots() {
        let labels = stats.labels.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let labels: Labels = std::iter::once(("name", stats.name.to_owned())).chain(labels).collect();
        for outcome in CallOutcome::ALL {
            let latency = stats.latency(outcome);
            if latency.count() > 0 {
                let labels = [labels.clone(), vec![("outcome", outcome.as_str().to_owned())]].concat();
                seconds.add(labels, SampleValue::Latency(latency.clone()));
            }
        }
        slow.add(labels, SampleValue::Count(stats.slow));
    }
    [seconds, slow]
}

#[cfg(feature = "http")]
fn http() -> [Family; 5] {
    let mut requests = Family::new(&names::HTTP_REQUESTS);
    let mut seconds = Family::new(&names::HTTP_SECONDS);
    let mut in_flight = Family::new(&names::HTTP_IN_FLIGHT);
    let mut bytes = Family::new(&names::HTTP_RESPONSE_BYTES);
    let mut slow = Family::new(&names::HTTP_SLOW);
    for stats in crate::http::snapshots() {
        let labels = || vec![("route", stats.route.to_string()), ("method", stats.method.to_owned())];
        let and = |name, value: &str| [labels(), vec![(name, value.to_owned())]].concat();
        for (status, count) in stats.counts_by_end().filter(|(_, count)| *count > 0) {
            requests.add(and("status", status), SampleValue::Count(count));
        }
        for outcome in CallOutcome::ALL {
            let latency = stats.latency(outcome);
            if latency.count() > 0 {
                seconds.add(and("outcome", outcome.as_str()), SampleValue::Latency(latency.clone()));
            }
        }
        for (family, count) in [(&mut in_flight, stats.in_flight), (&mut bytes, stats.bytes), (&mut slow, stats.slow)] {
            family.add(labels(), SampleValue::Count(count));
        }
    }
    [requests, seconds, in_flight, bytes, slow]
}

fn policies(all: &[resilience::Snapshot]) -> Vec<Family> {
    let mut calls = Family::new(&names::POLICY_CALLS);
    let mut states = Family::new(&names::BREAKER_STATE);
    let levels = [
        (PolicyKind::Breaker, "keys", &names::BREAKER_KEYS),
        (PolicyKind::Breaker, "keys_not_closed", &names::BREAKER_KEYS_NOT_CLOSED),
        (PolicyKind::Bulkhead, "in_flight", &names::BULKHEAD_IN_FLIGHT),
        (PolicyKind::Bulkhead, "limit", &names::BULKHEAD_LIMIT),
    ];
    let mut levels = levels.map(|(kind, level, metric)| (kind, level, Family::new(metric)));
    for policy in all {
        let labels = || vec![("name", policy.name.to_string())];
        for (outcome, count) in &policy.outcomes {
            let outcome = ("outcome", (*outcome).to_owned());
            let labels = [vec![("policy", policy.kind.as_str().to_owned())], labels(), vec![outcome]].concat();
            calls.add(labels, SampleValue::Count(*count));
        }
        // Breakers per key have the key in their name, so they are left out.
        for breaker in policy.breakers.iter().filter(|breaker| breaker.name == policy.name) {
            for state in State::ALL {
                let labels = [labels(), vec![("state", state.as_str().to_owned())]].concat();
                states.add(labels, SampleValue::Count((breaker.state == state).into()));
            }
        }
        for (kind, level, family) in &mut levels {
            if let Some((_, value)) = policy.levels.iter().find(|(name, _)| policy.kind == *kind && name == level) {
                family.add(labels(), SampleValue::Count(*value));
            }
        }
    }
    let levels = levels.into_iter().map(|(_, _, family)| family);
    [calls, states].into_iter().chain(levels).collect()
}
