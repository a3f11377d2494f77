//! The contract, checked against a history.

use std::fmt;
use std::time::Duration;

use fastness::Reach;
use tokio::time::Instant;

use super::{Event, KEYS, MAX_STALE, is_lenient, is_near};

/// Allowance on top of the bound: nodes notice nothing between two ticks of the clock, and a busy machine may delay a process between two
/// moments that a history records.
const SLACK: Duration = Duration::from_millis(50);

/// The judge's findings.
#[derive(Debug, Default)]
pub struct Report {
    /// Reads.
    pub reads: usize,
    /// Invalidations, one per key that they concern.
    pub invalidations: usize,
    /// Refreshes, one per key that they concern.
    pub refreshes: usize,
    /// Invalidations and refreshes that counted on their own node only when they returned.
    pub local_only: usize,
    /// Violations of the contract, in words.
    pub violations: Vec<String>,
    /// Times after the return of an invalidation at which another node still served what it concerned, sorted.
    pub staleness: Vec<Duration>,
}

/// The versions that an invalidation forbids, and the moments from which it forbids them.
struct Bound {
    node: usize,
    version: u64,
    here: Instant,
    /// The moment for other nodes; `None` if the invalidation never reached them.
    elsewhere: Option<Instant>,
}

/// Judges a history.
pub fn judge(events: &[Event]) -> Report {
    let mut report = Report::default();
    let bounds = bounds(events, &mut report);
    for event in events {
        if let Event::Read { node, key, version, start } = *event {
            report.reads += 1;
            for bound in bounds[key].iter().filter(|bound| bound.version > version) {
                look(&mut report, bound, node, key, version, start);
            }
        }
    }
    report.staleness.sort_unstable();
    report
}

fn look(report: &mut Report, bound: &Bound, node: usize, key: usize, version: u64, start: Instant) {
    let mut forbid = |rule: &str, since: Instant| {
        report.violations.push(format!(
            "({rule}) node {node} returned version {version} of key {key} to a read that began {:?} after node {} had \
             invalidated or refreshed everything before version {}",
            start - since,
            bound.node,
            bound.version
        ));
    };
    if node == bound.node {
        if start > bound.here {
            forbid("a", bound.here);
        }
    } else if let Some(elsewhere) = bound.elsewhere.filter(|elsewhere| start > *elsewhere) {
        if !is_near(key) {
            forbid("b", elsewhere);
        } else if start > elsewhere + MAX_STALE + SLACK {
            forbid("c", elsewhere);
        } else {
            report.staleness.push(start - elsewhere);
        }
    }
}

fn bounds(events: &[Event], report: &mut Report) -> Vec<Vec<Bound>> {
    let mut bounds: Vec<Vec<Bound>> = (0..KEYS).map(|_| Vec::new()).collect();
    for event in events {
        if let Event::Invalidated { node, key, version, end, reach, is_refresh } = *event {
            *if is_refresh { &mut report.refreshes } else { &mut report.invalidations } += 1;
            report.local_only += usize::from(reach == Reach::LocalOnly);
            if is_refresh && is_lenient(key) {
                continue;
            }
            let elsewhere = if reach == Reach::Announced { Some(end) } else { first_clear(events, node, end) };
            bounds[key].push(Bound { node, version, here: end, elsewhere });
        }
    }
    bounds
}

/// The first moment at which a node's pending invalidations of a given time are known to be announced.
fn first_clear(events: &[Event], of: usize, since: Instant) -> Option<Instant> {
    events.iter().find_map(|event| match *event {
        Event::Clear { node, before, after } if node == of && before > since => Some(after),
        _ => None,
    })
}

impl Report {
    /// The staleness that this share of the stale reads does not exceed.
    pub fn percentile(&self, share: f64) -> Duration {
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let index = (self.staleness.len() as f64 * share) as usize;
        self.staleness.get(index.min(self.staleness.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    /// Adds the findings of another run.
    pub fn add(&mut self, other: Self) {
        self.reads += other.reads;
        self.invalidations += other.invalidations;
        self.refreshes += other.refreshes;
        self.local_only += other.local_only;
        self.violations.extend(other.violations);
        self.staleness.extend(other.staleness);
        self.staleness.sort_unstable();
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reads, invalidations, refreshes, local_only, violations, staleness } = self;
        write!(
            f,
            "{reads} reads, {invalidations} invalidations and {refreshes} refreshes of a key ({local_only} without an answer), {} violations; {} stale \
             reads on other nodes within the bound, by p50 {:?}, p99 {:?}, max {:?}",
            violations.len(),
            staleness.len(),
            self.percentile(0.5),
            self.percentile(0.99),
            self.percentile(1.0)
        )
    }
}
