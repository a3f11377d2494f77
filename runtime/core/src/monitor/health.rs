//! Health of a process, and the rules of its verdict.

use serde::{Serialize, Serializer};

use super::alerts::Alert;
use super::pressure::Pressure;
use super::probe::ProbeAnswer;
use super::process::Memory;
use super::shared_tier::SharedTier;
use super::status::Status;

/// Health of a process at one moment. As JSON, the body of `/health`:
///
/// ```json
/// { "status": "healthy", "timestamp": "2024-01-01T00:00:00.000Z", "uptime": 3600000,
///   "memory": { "used": 52428800, "free": 104857600, "total": 157286400, "percentage": 33 },
///   "database": { "connected": true, "latency": 5, "connections": 8 },
///   "cache": { "connected": true, "latency": 2, "hitRate": 85.5, "coherent": true },
///   "errors": { "count": 0, "rate": 0.0 },
///   "reasons": [], "probes": [] }
/// ```
///
/// In JSON, memory that is not known is all 0, and a database or a shared tier that is not configured is `connected`, with a latency of 0.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Verdict.
    pub status: Status,
    /// Reasons for the verdict, worst first; empty if healthy.
    pub reasons: Vec<String>,
    /// Time of the snapshot: RFC 3339, in UTC, to the millisecond.
    pub timestamp: String,
    /// Milliseconds since the monitor was built.
    pub uptime: u64,
    /// Memory; `None` where the system does not report it.
    pub memory: Option<Memory>,
    /// Answer of the database's probe; `None` without one.
    pub database: Option<ProbeAnswer>,
    /// Open connections of the database's pool; 0 if not known.
    pub connections: u64,
    /// The shared tier; `None` if there is none.
    pub shared: Option<SharedTier>,
    /// Look-ups that the cache answered, in percent of the window; since the start if there were none; 0 before the first.
    pub hit_rate: f64,
    /// Requests of the window that failed by the server's fault; timed calls where no routes are reported.
    pub errors: u64,
    /// Failed requests in percent of all requests of the window.
    pub error_rate: f64,
    /// Answers of all probes, the database's first.
    pub probes: Vec<ProbeAnswer>,
}

#[derive(Serialize)]
struct HealthBody<'a> {
    status: Status,
    timestamp: &'a str,
    uptime: u64,
    memory: Memory,
    database: DatabaseBody,
    cache: CacheBody,
    errors: ErrorsBody,
    reasons: &'a [String],
    probes: &'a [ProbeAnswer],
}

#[derive(Serialize)]
struct DatabaseBody {
    connected: bool,
    latency: u64,
    connections: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CacheBody {
    connected: bool,
    latency: u64,
    hit_rate: f64,
    coherent: bool,
}

#[derive(Serialize)]
struct ErrorsBody {
    count: u64,
    rate: f64,
}

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (database, tier) = (self.database.as_ref(), self.shared.as_ref());
        let body = HealthBody {
            status: self.status,
            timestamp: &self.timestamp,
            uptime: self.uptime,
            memory: self.memory.unwrap_or_default(),
            database: DatabaseBody {
                connected: database.is_none_or(|answer| answer.ok),
                latency: database.map_or(0, |answer| whole(answer.latency)),
                connections: self.connections,
            },
            cache: CacheBody {
                connected: tier.is_none_or(|tier| tier.connected),
                latency: tier.map_or(0, |tier| whole(tier.latency)),
                hit_rate: self.hit_rate,
                coherent: tier.is_none_or(|tier| tier.coherent),
            },
            errors: ErrorsBody { count: self.errors, rate: self.error_rate },
            reasons: &self.reasons,
            probes: &self.probes,
        };
        body.serialize(serializer)
    }
}

/// Rounds milliseconds.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a latency, which is neither
fn whole(millis: f64) -> u64 {
    millis.round() as u64
}

/// Facts that the verdict follows from.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    pub(super) probes: &'a [ProbeAnswer],
    pub(super) alerts: &'a [Alert],
    pub(super) shared: Option<SharedTier>,
    pub(super) shared_required: bool,
    pub(super) pressure: Pressure,
    /// Seconds for which requests have been rejected with nothing left to give up.
    pub(super) exhausted: Option<u64>,
    /// Seconds without a sample, if more than expected.
    pub(super) blind: Option<u64>,
}

/// Returns the verdict and its reasons, worst first: a required probe or tier that fails is unhealthy, anything else that is wrong is
/// degraded.
pub(super) fn judge(found: &Findings<'_>) -> (Status, Vec<String>) {
    let mut reasons = Vec::new();
    let mut add = |status: Status, reason: String| reasons.push((status, reason));
    for probe in found.probes.iter().filter(|probe| !probe.ok) {
        let status = if probe.optional { Status::Degraded } else { Status::Unhealthy };
        add(status, format!("{}: {}", probe.name, probe.error.as_deref().unwrap_or("failed")));
    }
    if let Some(reason) = found.shared.as_ref().and_then(unusable) {
        add(if found.shared_required { Status::Unhealthy } else { Status::Degraded }, reason);
    }
    for alert in found.alerts {
        add(Status::Degraded, alert.message.clone());
    }
    match found.pressure {
        Pressure::None | Pressure::Shrink => {}
        Pressure::NoBodies => add(Status::Degraded, "memory is short: bodies are not cached".into()),
        Pressure::Shed => add(Status::Degraded, "memory is short: requests are turned away".into()),
    }
    if let Some(seconds) = found.exhausted {
        add(Status::Degraded, format!("memory is short, and for {seconds} s nothing was left to give up"));
    }
    if let Some(seconds) = found.blind {
        add(Status::Degraded, format!("nothing was sampled for {seconds} s: a source may hang"));
    }
    reasons.sort_by_key(|(status, _)| std::cmp::Reverse(*status));
    let status = reasons.first().map_or(Status::Healthy, |(status, _)| *status);
    (status, reasons.into_iter().map(|(_, reason)| reason).collect())
}

/// Returns the reason why the shared tier cannot be used in full; `None` if it can.
fn unusable(tier: &SharedTier) -> Option<String> {
    if let Some(reason) = tier.rests {
        return Some(reason.into());
    }
    if !tier.connected {
        return Some("the shared tier is not connected: values are cached in this process only".into());
    }
    match tier.in_doubt {
        0 if tier.coherent => None,
        0 => Some("the shared tier is not coherent: its log is not heard, so only recent values are served".into()),
        in_doubt => Some(format!(
            "the shared tier is not coherent: {in_doubt} invalidations are not announced to other processes yet"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIER: SharedTier = SharedTier {
        connected: true,
        coherent: true,
        rests: None,
        latency: 2.1,
        in_doubt: 0,
        hits: 0,
        misses: 0,
        errors: 0,
    };

    fn found(probes: &[ProbeAnswer]) -> Findings<'_> {
        Findings {
            probes,
            alerts: &[],
            shared: Some(TIER),
            shared_required: false,
            pressure: Pressure::None,
            exhausted: None,
            blind: None,
        }
    }

    fn failed(optional: bool) -> [ProbeAnswer; 1] {
        [ProbeAnswer { name: "db".into(), ok: false, latency: 1000.0, error: Some("no answer".into()), optional }]
    }

    #[test]
    fn required_probes_decide_on_health() {
        assert_eq!(judge(&found(&[])), (Status::Healthy, vec![]));
        assert_eq!(judge(&Findings { shared: None, shared_required: true, ..found(&[]) }).0, Status::Healthy);
        assert_eq!(judge(&found(&failed(false))), (Status::Unhealthy, vec!["db: no answer".to_owned()]));
        assert_eq!(judge(&found(&failed(true))).0, Status::Degraded);
        let shared = Some(SharedTier { connected: false, ..TIER });
        assert_eq!(judge(&Findings { shared, ..found(&[]) }).0, Status::Degraded);
        assert_eq!(judge(&Findings { shared, shared_required: true, ..found(&[]) }).0, Status::Unhealthy);
        let shared = Some(SharedTier { connected: false, rests: Some("it rests"), ..TIER });
        let rests = judge(&Findings { shared, ..found(&[]) });
        assert_eq!(rests, (Status::Degraded, vec!["it rests".to_owned()]), "the reason is the more exact one");
        let shared = Some(SharedTier { coherent: false, ..TIER });
        assert_eq!(judge(&Findings { shared, ..found(&[]) }).0, Status::Degraded);
        let shared = Some(SharedTier { coherent: false, in_doubt: 2, ..TIER });
        let (status, reasons) = judge(&Findings { shared, ..found(&[]) });
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

    fn snapshot() -> Snapshot {
        Snapshot {
            status: Status::Healthy,
            reasons: vec![],
            timestamp: "2024-01-01T00:00:00.000Z".into(),
            uptime: 3_600_000,
            memory: Some(Memory::new(52_428_800, 157_286_400)),
            database: Some(ProbeAnswer { name: "db".into(), ok: true, latency: 4.9, error: None, optional: false }),
            connections: 8,
            shared: Some(TIER),
            hit_rate: 85.5,
            errors: 0,
            error_rate: 0.0,
            probes: vec![],
        }
    }

    #[test]
    fn a_report_has_the_documented_form() {
        let promised = serde_json::json!({
            "status": "healthy", "timestamp": "2024-01-01T00:00:00.000Z", "uptime": 3_600_000,
            "memory": { "used": 52_428_800, "free": 104_857_600, "total": 157_286_400, "percentage": 33 },
            "database": { "connected": true, "latency": 5, "connections": 8 },
            "cache": { "connected": true, "latency": 2, "hitRate": 85.5, "coherent": true },
            "errors": { "count": 0, "rate": 0.0 }, "reasons": [], "probes": []
        });
        assert_eq!(serde_json::to_value(snapshot()).unwrap(), promised);
    }

    #[test]
    fn absent_services_count_as_connected_and_unknown_memory_is_none() {
        let without = Snapshot { memory: None, database: None, connections: 0, shared: None, ..snapshot() };
        let json = serde_json::to_value(without).unwrap();
        assert_eq!(json["memory"], serde_json::json!({ "used": 0, "free": 0, "total": 0, "percentage": 0 }));
        assert_eq!(json["database"], serde_json::json!({ "connected": true, "latency": 0, "connections": 0 }));
        assert_eq!(
            json["cache"],
            serde_json::json!({ "connected": true, "latency": 0, "hitRate": 85.5, "coherent": true })
        );
    }
}
