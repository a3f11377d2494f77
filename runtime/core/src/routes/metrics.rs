//! Metrics of a monitor, written after those of its cache.

use crate::metrics::write::{Family, SampleValue, write};
use crate::metrics::{names, prometheus};
use crate::monitor::performance::Snapshot;
use crate::monitor::{Alert, AlertKind, Memory, Monitor, Pressure, Process, Status};

/// Returns all metrics in Prometheus' text format. Those of the monitor are missing before the first sample.
pub(super) fn text(monitor: &Monitor) -> String {
    let mut text = prometheus(monitor.cache());
    if let Some(performance) = monitor.performance() {
        let mut families = verdict(&performance, &monitor.alerts());
        families.extend(resources(&performance));
        families.retain(|family| !family.samples.is_empty());
        text.push_str(&write(families));
    }
    text
}

fn verdict(performance: &Snapshot, firing: &[Alert]) -> Vec<Family> {
    let mut status = Family::new(&names::HEALTH_STATUS);
    for one in [Status::Healthy, Status::Degraded, Status::Unhealthy] {
        status = status.with(vec![("status", one.to_string())], flag(performance.status == one));
    }
    let mut alerts = Family::new(&names::ALERT_FIRING);
    for kind in AlertKind::ALL {
        alerts = alerts.with(vec![("alert", kind.to_string())], flag(firing.iter().any(|alert| alert.kind == kind)));
    }
    let (mut up, mut seconds) = (Family::new(&names::PROBE_UP), Family::new(&names::PROBE_SECONDS));
    for probe in &performance.probes {
        let labels = || vec![("probe", probe.name.to_string())];
        // If several probes have one name, the failure of one is shown.
        let before = up.samples.remove(&labels());
        let ok = probe.ok && !matches!(before, Some(SampleValue::Count(0)));
        up = up.with(labels(), flag(ok));
        seconds.samples.insert(labels(), SampleValue::Seconds(probe.latency / 1e3));
    }
    vec![status, alerts, up, seconds]
}

fn resources(performance: &Snapshot) -> Vec<Family> {
    let mut pressure = Family::new(&names::MEMORY_PRESSURE);
    for level in [Pressure::None, Pressure::Shrink, Pressure::NoBodies, Pressure::Shed] {
        pressure = pressure.with(vec![("level", level.as_str().to_owned())], flag(performance.pressure == level));
    }
    let Process { resident, cpu, cores, threads, open_files, .. } = performance.process;
    let memory =
        |bytes: fn(&Memory) -> u64| performance.memory.as_ref().map(|memory| SampleValue::Count(bytes(memory)));
    let values = [
        (&names::MEMORY_USED, memory(Memory::used)),
        (&names::MEMORY_TOTAL, memory(Memory::total)),
        (&names::PROCESS_RESIDENT, resident.map(SampleValue::Count)),
        (&names::PROCESS_CPU, cpu.map(|percent| SampleValue::Seconds(percent / 100.0))),
        (&names::PROCESS_CORES, cores.map(SampleValue::Seconds)),
        (&names::PROCESS_THREADS, threads.map(SampleValue::Count)),
        (&names::PROCESS_FILES, open_files.map(SampleValue::Count)),
    ];
    let known = values.into_iter().filter_map(|(metric, value)| Some(Family::new(metric).with(Vec::new(), value?)));
    [pressure].into_iter().chain(known).collect()
}

fn flag(is: bool) -> SampleValue {
    SampleValue::Count(is.into())
}
