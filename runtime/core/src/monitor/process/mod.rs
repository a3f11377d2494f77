//! Resources that the process uses: memory, processor, threads, files. Known on Linux only.

use std::path::{Path, PathBuf};
use std::{fs, thread};

use serde::Serialize;

use super::rounding::{percent, rounded};
use crate::sync::{Mutex, lock};

mod cgroup;
mod memory;
mod parse;
#[cfg(test)]
mod tests;

use cgroup::Groups;
pub use memory::Memory;

/// Ticks per second in `/proc/self/stat`: a constant of Linux's interface, independent of the kernel's timer.
const TICKS: f64 = 100.0;

/// Resources that the process uses. Each figure is `None` where the system does not report it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Process {
    /// Resident memory, in bytes.
    pub resident: Option<u64>,
    /// Processor time since the sample before, in percent of one core: 200 is two busy cores.
    pub cpu: Option<f64>,
    /// Processor time since the sample before, in percent of all `cores`.
    pub cpu_of_quota: Option<f64>,
    /// Cores that the process may use, by its control group or the machine.
    pub cores: Option<f64>,
    /// Load average of the machine over 1, 5 and 15 minutes.
    pub load: Option<[f64; 3]>,
    /// Threads of the process.
    pub threads: Option<u64>,
    /// Open files and sockets of the process.
    pub open_files: Option<u64>,
}

/// Reader of `/proc` and of control groups.
#[derive(Debug)]
pub(crate) struct System {
    root: PathBuf,
    groups: Groups,
    /// Processor time of the last reading, in ticks, and its time in nanoseconds.
    last: Mutex<Option<(u64, u64)>>,
}

impl System {
    /// Creates the reader of this machine.
    pub(crate) fn new() -> Self {
        Self::with_root(Path::new("/"))
    }

    /// Creates a reader of the files below `root` in place of `/`.
    pub(crate) fn with_root(root: &Path) -> Self {
        Self { root: root.to_owned(), groups: Groups::find(root), last: Mutex::default() }
    }

    /// Reads memory: of this process under `limit` if there is one, else of the control group, else of the machine.
    pub(crate) fn memory(&self, limit: Option<u64>) -> Option<Memory> {
        if let Some(limit) = limit {
            return Some(Memory::new(self.resident()?, limit));
        }
        let machine = self.read("meminfo").and_then(|text| {
            let total = parse::bytes(&text, "MemTotal").filter(|total| *total > 0)?;
            let available = parse::bytes(&text, "MemAvailable")?;
            Some(Memory::new(total.saturating_sub(available), total))
        });
        self.groups.memory(machine.map(|memory| memory.total())).or(machine)
    }

    /// Reads all other resources. Processor time is measured from the last reading, so a reader should have one caller.
    pub(crate) fn process(&self, now: u64) -> Process {
        let status = self.read("self/status");
        let cpu = self.cpu(now);
        let cores = self.cores(status.as_deref());
        Process {
            resident: status.as_deref().and_then(|text| parse::bytes(text, "VmRSS")),
            cpu: cpu.map(rounded),
            cpu_of_quota: cpu.zip(cores).map(|(cpu, cores)| rounded(cpu / cores)),
            cores,
            load: self.read("loadavg").as_deref().and_then(parse::load),
            threads: status.as_deref().and_then(|text| parse::number(text, "Threads")),
            open_files: fs::read_dir(self.root.join("proc/self/fd")).ok().map(|files| files.count() as u64),
        }
    }

    fn resident(&self) -> Option<u64> {
        parse::bytes(&self.read("self/status")?, "VmRSS")
    }

    fn cpu(&self, now: u64) -> Option<f64> {
        let ticks = parse::ticks(&self.read("self/stat")?)?;
        let (before, then) = lock(&self.last).replace((ticks, now))?;
        let passed = now.checked_sub(then).filter(|passed| *passed > 0)?;
        Some(percent(ticks.saturating_sub(before), passed) * 1e9 / TICKS)
    }

    /// Returns the quota of the control groups, at most the number of processors that the process may run on. `available_parallelism`
    /// knows both, but rounds the quota down, so it is the last resort.
    fn cores(&self, status: Option<&str>) -> Option<f64> {
        let std = || thread::available_parallelism().ok().and_then(|cores| u32::try_from(cores.get()).ok());
        let all = status.and_then(parse::processors).or_else(std).map(f64::from);
        match (self.groups.cores(), all) {
            (Some(quota), Some(all)) => Some(quota.min(all)),
            (quota, all) => quota.or(all),
        }
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.root.join("proc").join(name)).ok()
    }
}
