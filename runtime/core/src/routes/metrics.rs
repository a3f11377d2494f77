//! What a monitor saw, as metrics beside those of its cache.

use crate::metrics::write::{Family, Value, write};
use crate::metrics::{names, prometheus};
use crate::monitor::{Alert, AlertKind, Monitor, Performance, Pressure, ProcessFigures, Status};

/// Everything in Prometheus' text format. Before the first sample there is nothing of the monitor's own.
pub(super) fn text(monitor: &Monitor) -> String {
    let mut text = prometheus(monitor.cache());
    if let Some(seen) = monitor.performance() {
        let mut families = verdict(&seen, &monitor.alerts());
        families.extend(usage(&seen));
        families.retain(|family| !family.samples.is_empty());
        text.push_str(&write(families));
    }
    text
}

fn verdict(seen: &Performance, firing: &[Alert]) -> Vec<Family> {
    let mut status = Family::new(&names::HEALTH_STATUS);
    for one in [Status::Healthy, Status::Degraded, Status::Unhealthy] {
        status = status.with(vec![("status", one.to_string())], flag(seen.status == one));
    }
    let mut alerts = Family::new(&names::ALERT_FIRING);
    for kind in AlertKind::ALL {
        alerts = alerts.with(vec![("alert", kind.to_string())], flag(firing.iter().any(|alert| alert.kind == kind)));
    }
    let (mut up, mut seconds) = (Family::new(&names::PROBE_UP), Family::new(&names::PROBE_SECONDS));
    for probe in &seen.probes {
        let labels = || vec![("probe", probe.name.to_string())];
        // Of several with one name, one that fails is what matters.
        let before = up.samples.remove(&labels());
        let ok = probe.ok && !matches!(before, Some(Value::Count(0)));
        up = up.with(labels(), flag(ok));
        seconds.samples.insert(labels(), Value::Seconds(probe.latency / 1e3));
    }
    vec![status, alerts, up, seconds]
}

fn usage(seen: &Performance) -> Vec<Family> {
    let mut pressure = Family::new(&names::MEMORY_PRESSURE);
    for level in [Pressure::None, Pressure::Shrink, Pressure::NoBodies, Pressure::Shed] {
        pressure = pressure.with(vec![("level", level.as_str().to_owned())], flag(seen.pressure == level));
    }
    let ProcessFigures { resident, cpu, cores, threads, open_files, .. } = seen.process;
    let memory = |bytes| (seen.memory.total > 0).then_some(Value::Count(bytes));
    let values = [
        (&names::MEMORY_USED, memory(seen.memory.used)),
        (&names::MEMORY_TOTAL, memory(seen.memory.total)),
        (&names::PROCESS_RESIDENT, resident.map(Value::Count)),
        (&names::PROCESS_CPU, cpu.map(|percent| Value::Seconds(percent / 100.0))),
        (&names::PROCESS_CORES, cores.map(Value::Seconds)),
        (&names::PROCESS_THREADS, threads.map(Value::Count)),
        (&names::PROCESS_FILES, open_files.map(Value::Count)),
    ];
    let known = values.into_iter().filter_map(|(metric, value)| Some(Family::new(metric).with(Vec::new(), value?)));
    [pressure].into_iter().chain(known).collect()
}

fn flag(is: bool) -> Value {
    Value::Count(is.into())
}
