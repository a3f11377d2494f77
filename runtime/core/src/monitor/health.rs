//! The health report, and the rules by which it is one of three.

use std::fmt;

use serde::Serialize;

use super::alerts::Alert;
use super::guard::Pressure;
use super::probe::ProbeReport;
use super::process::Memory;

/// How a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// Nothing is known to be wrong.
    Healthy,
    /// It serves, but someone should look.
    Degraded,
    /// It lacks what it cannot serve without.
    Unhealthy,
}

impl Status {
    /// Its name as in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The health of a process; as JSON, what `/health` answers:
///
/// ```json
/// { "status": "healthy", "timestamp": "2024-01-01T00:00:00.000Z", "uptime": 3600000,
///   "memory": { "used": 52428800, "free": 104857600, "total": 157286400, "percentage": 33 },
///   "database": { "connected": true, "latency": 5, "connections": 8 },
///   "cache": { "connected": true, "latency": 2, "hitRate": 85.5, "coherent": true },
///   "errors": { "count": 0, "rate": 0.0 },
///   "reasons": [], "probes": [] }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// The verdict.
    pub status: Status,
    /// When the report was made: RFC 3339, in UTC, to the millisecond.
    pub timestamp: String,
    /// Milliseconds since the monitor was built.
    pub uptime: u64,
    /// Memory; all 0 where the system does not tell.
    pub memory: MemoryHealth,
    /// The database.
    pub database: DatabaseHealth,
    /// The cache.
    pub cache: CacheHealth,
    /// Failed requests.
    pub errors: ErrorsHealth,
    /// Why it is not healthy; empty where it is.
    pub reasons: Vec<String>,
    /// What each probe found.
    pub probes: Vec<ProbeReport>,
}

/// Memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MemoryHealth {
    /// In use.
    pub used: u64,
    /// What can still be had.
    pub free: u64,
    /// All there is: of the configured limit, else of the control group, else of the machine.
    pub total: u64,
    /// Used of total, in whole percent.
    pub percentage: u64,
}

impl From<Memory> for MemoryHealth {
    fn from(memory: Memory) -> Self {
        Self { used: memory.used(), free: memory.free(), total: memory.total(), percentage: memory.percentage() }
    }
}

/// The database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DatabaseHealth {
    /// Whether its probe was answered; true where there is none to ask.
    pub connected: bool,
    /// How long the answer took, or until it was given up, in milliseconds.
    pub latency: u64,
    /// Open connections; 0 where that is not known.
    pub connections: u64,
}

/// The cache.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CacheHealth {
    /// Whether there is a connection to the tier that processes share; true where there is none to be had.
    pub connected: bool,
    /// How long its last answered heartbeat took, in milliseconds.
    pub latency: u64,
    /// Look-ups that the cache answered, in percent, of the last minute; where there were none, since the start; 0 before
    /// the first.
    pub hit_rate: f64,
    /// Whether all processes agree on what is invalid; true for one alone.
    pub coherent: bool,
}

/// Requests that failed by the server's fault; where no routes are told of, timed calls that did.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ErrorsHealth {
    /// How many within the last minute.
    pub count: u64,
    /// How many of all requests within it, in percent.
    pub rate: f64,
}

/// What the verdict is made of.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    pub(super) probes: &'a [ProbeReport],
    pub(super) alerts: &'a [Alert],
    pub(super) cache: CacheHealth,
    pub(super) cache_required: bool,
    /// The reason why the shared tier is not used although its server may answer.
    pub(super) tier_rests: Option<&'static str>,
    /// Invalidations that other processes were not told of.
    pub(super) in_doubt: u64,
    pub(super) pressure: Pressure,
    /// Seconds for which requests have been turned away with nothing left to give up.
    pub(super) exhausted: Option<u64>,
    /// For how many seconds nothing was sampled, if that is longer than it should be.
    pub(super) blind: Option<u64>,
}

/// The rules, worst first: a required probe or tier that fails is unhealthy; all else that is wrong is degraded.
pub(super) fn judge(found: &Findings<'_>) -> (Status, Vec<String>) {
    let mut reasons = Vec::new();
    let mut say = |status: Status, reason: String| reasons.push((status, reason));
    for probe in found.probes.iter().filter(|probe| !probe.ok) {
        let status = if probe.optional { Status::Degraded } else { Status::Unhealthy };
        say(status, format!("{}: {}", probe.name, probe.error.as_deref().unwrap_or("failed")));
    }
    let tier = if found.cache_required { Status::Unhealthy } else { Status::Degraded };
    if let Some(why) = found.tier_rests {
        say(tier, why.into());
    } else if !found.cache.connected {
        say(tier, "the shared tier is not connected: values are cached in this process only".into());
    } else if found.in_doubt > 0 {
        let in_doubt = found.in_doubt;
        say(
            tier,
            format!(
                "the shared tier is not coherent: {in_doubt} invalidations are not announced to other processes yet"
            ),
        );
    } else if !found.cache.coherent {
        say(tier, "the shared tier is not coherent: its log is not heard, so only recent values are served".into());
    }
    for alert in found.alerts {
        say(Status::Degraded, alert.message.clone());
    }
    match found.pressure {
        Pressure::None | Pressure::Shrink => {}
        Pressure::NoBodies => say(Status::Degraded, "memory is short: bodies are not cached".into()),
        Pressure::Shed => say(Status::Degraded, "memory is short: requests are turned away".into()),
    }
    if let Some(seconds) = found.exhausted {
        say(Status::Degraded, format!("memory is short, and for {seconds} s nothing was left to give up"));
    }
    if let Some(seconds) = found.blind {
        say(Status::Degraded, format!("nothing was sampled for {seconds} s: a source may hang"));
    }
    reasons.sort_by_key(|(status, _)| std::cmp::Reverse(*status));
    let status = reasons.first().map_or(Status::Healthy, |(status, _)| *status);
    (status, reasons.into_iter().map(|(_, reason)| reason).collect())
}

impl ErrorsHealth {
    pub(super) const NONE: Self = Self { count: 0, rate: 0.0 };

    pub(super) const fn new(count: u64, rate: f64) -> Self {
        Self { count, rate }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CACHE: CacheHealth = CacheHealth { connected: true, latency: 2, hit_rate: 85.5, coherent: true };

    fn found(probes: &[ProbeReport]) -> Findings<'_> {
        Findings {
            probes,
            alerts: &[],
            cache: CACHE,
            cache_required: false,
            tier_rests: None,
            in_doubt: 0,
            pressure: Pressure::None,
            exhausted: None,
            blind: None,
        }
    }

    fn failed(optional: bool) -> [ProbeReport; 1] {
        [ProbeReport { name: "db".into(), ok: false, latency: 1000.0, error: Some("no answer".into()), optional }]
    }

    #[test]
    fn what_is_required_decides() {
        assert_eq!(judge(&found(&[])), (Status::Healthy, vec![]));
        assert_eq!(judge(&found(&failed(false))), (Status::Unhealthy, vec!["db: no answer".to_owned()]));
        assert_eq!(judge(&found(&failed(true))).0, Status::Degraded);
        let cache = CacheHealth { connected: false, ..CACHE };
        assert_eq!(judge(&Findings { cache, ..found(&[]) }).0, Status::Degraded);
        assert_eq!(judge(&Findings { cache, cache_required: true, ..found(&[]) }).0, Status::Unhealthy);
        let rests = judge(&Findings { cache, tier_rests: Some("it rests"), ..found(&[]) });
        assert_eq!(rests, (Status::Degraded, vec!["it rests".to_owned()]), "the reason is the more exact one");
        let cache = CacheHealth { coherent: false, ..CACHE };
        assert_eq!(judge(&Findings { cache, ..found(&[]) }).0, Status::Degraded);
        let (status, reasons) = judge(&Findings { cache, in_doubt: 2, ..found(&[]) });
        assert!(status == Status::Degraded && reasons[0].contains("2 invalidations are not announced"), "{reasons:?}");
        assert_eq!(judge(&Findings { pressure: Pressure::Shrink, ..found(&[]) }).0, Status::Healthy);
        assert_eq!(judge(&Findings { pressure: Pressure::Shed, ..found(&[]) }).0, Status::Degraded);
        let exhausted = judge(&Findings { exhausted: Some(7), ..found(&[]) });
        assert!(
            exhausted.0 == Status::Degraded && exhausted.1[0].contains("for 7 s nothing was left"),
            "{exhausted:?}"
        );
        let blind = judge(&Findings { blind: Some(60), ..found(&failed(false)) });
        assert_eq!(
            (blind.0, blind.1.len(), blind.1[0].as_str()),
            (Status::Unhealthy, 2, "db: no answer"),
            "worst first"
        );
    }

    #[test]
    fn the_shape_is_the_one_that_is_promised() {
        let health = Health {
            status: Status::Healthy,
            timestamp: "2024-01-01T00:00:00.000Z".into(),
            uptime: 3_600_000,
            memory: Memory::new(52_428_800, 157_286_400).into(),
            database: DatabaseHealth { connected: true, latency: 5, connections: 8 },
            cache: CACHE,
            errors: ErrorsHealth::NONE,
            reasons: vec![],
            probes: vec![],
        };
        let promised = serde_json::json!({
            "status": "healthy", "timestamp": "2024-01-01T00:00:00.000Z", "uptime": 3_600_000,
            "memory": { "used": 52_428_800, "free": 104_857_600, "total": 157_286_400, "percentage": 33 },
            "database": { "connected": true, "latency": 5, "connections": 8 },
            "cache": { "connected": true, "latency": 2, "hitRate": 85.5, "coherent": true },
            "errors": { "count": 0, "rate": 0.0 }, "reasons": [], "probes": []
        });
        assert_eq!(serde_json::to_value(&health).unwrap(), promised);
    }
}
