//! What the process uses of its machine. On systems other than Linux nothing of it is known.

use std::path::{Path, PathBuf};
use std::{fs, thread};

use serde::Serialize;

use super::figures::{percent, rounded};
use crate::sync::{Mutex, lock};

mod cgroup;
mod memory;
mod parse;
#[cfg(test)]
mod tests;

use cgroup::Groups;
pub use memory::Memory;

/// Ticks of a second in `/proc/self/stat`: a constant of Linux's interface, whatever the kernel's own timer does.
const TICKS: f64 = 100.0;

/// What the process uses. Each figure is `None` where the system does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProcessFigures {
    /// Bytes of memory that are the process's own and in RAM.
    pub resident: Option<u64>,
    /// Processor time since the look before, in percent of one core: 200 are two busy cores.
    pub cpu: Option<f64>,
    /// The same in percent of the cores that the process may use, by its control group or the machine.
    pub cpu_of_quota: Option<f64>,
    /// How many cores the process may use.
    pub cores: Option<f64>,
    /// Tasks of the machine that ran or waited, over 1, 5 and 15 minutes.
    pub load: Option<[f64; 3]>,
    /// Threads of the process.
    pub threads: Option<u64>,
    /// Files and sockets that it has open.
    pub open_files: Option<u64>,
}

/// Reads the figures.
#[derive(Debug)]
pub(crate) struct System {
    root: PathBuf,
    groups: Groups,
    /// The processor time of the last look, in ticks, and its moment in nanoseconds.
    last: Mutex<Option<(u64, u64)>>,
}

impl System {
    /// Of this machine.
    pub(crate) fn new() -> Self {
        Self::under(Path::new("/"))
    }

    /// Of a machine whose files are in this folder.
    pub(crate) fn under(root: &Path) -> Self {
        Self { root: root.to_owned(), groups: Groups::find(root), last: Mutex::default() }
    }

    /// Memory, under a limit of this process's own if there is one.
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

    /// All else. Processor time is that since the last look, so two who look in turns take it from each other.
    pub(crate) fn look(&self, now: u64) -> ProcessFigures {
        let status = self.read("self/status");
        let cpu = self.cpu(now);
        let cores = self.cores(status.as_deref());
        ProcessFigures {
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

    /// By the quota of its groups, among the processors that it may run on. `available_parallelism` knows both, but rounds
    /// the quota down, so it is asked only where nothing else tells.
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
