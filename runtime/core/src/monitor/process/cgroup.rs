//! The control groups that bound this process, of either version.

use std::fs;
use std::path::{Path, PathBuf};

use super::memory::Memory;
use super::parse;

/// The folders of the groups, from the process's own up to the topmost that is seen. Empty where there are none.
#[derive(Debug, Default)]
pub(super) struct Groups {
    memory: Vec<PathBuf>,
    cpu: Vec<PathBuf>,
    /// The first version, whose files have other names.
    first: bool,
}

impl Groups {
    /// Reads them off `/proc`, once: processes are hardly ever moved.
    pub(super) fn find(root: &Path) -> Self {
        let read = |name: &str| fs::read_to_string(root.join("proc/self").join(name)).unwrap_or_default();
        let (groups, mounts) = (read("cgroup"), read("mountinfo"));
        let chain = |controller: Option<&str>| {
            let (group, mount) = (parse::group(&groups, controller)?, parse::mount(&mounts, controller)?);
            Some(chain(root, group, &mount))
        };
        let memory_v1 = chain(Some("memory")).unwrap_or_default();
        if memory_v1.is_empty() {
            let both = chain(None).unwrap_or_default();
            return Self { memory: both.clone(), cpu: both, first: false };
        }
        Self { memory: memory_v1, cpu: chain(Some("cpu")).unwrap_or_default(), first: true }
    }

    /// Of the groups with a limit below what the machine has, the one with the least room.
    pub(super) fn memory(&self, machine: Option<u64>) -> Option<Memory> {
        let names = if self.first {
            ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"]
        } else {
            ["memory.max", "memory.current", "inactive_file"]
        };
        let bounds = self.memory.iter().filter_map(|folder| {
            let limit = parse::limit(&read(folder, names[0])?)?;
            let current: u64 = read(folder, names[1])?.trim().parse().ok()?;
            // What is read from files and not in use can be dropped at any time.
            let droppable = read(folder, "memory.stat").and_then(|stat| parse::entry(&stat, names[2])).unwrap_or(0);
            let bounded = machine.is_none_or(|machine| limit < machine);
            bounded.then(|| Memory::new(current.saturating_sub(droppable), limit))
        });
        bounds.min_by_key(Memory::free)
    }

    /// The least number of cores that a group allows.
    pub(super) fn cores(&self) -> Option<f64> {
        let quotas = self.cpu.iter().filter_map(|folder| {
            if self.first {
                parse::cores_v1(&read(folder, "cpu.cfs_quota_us")?, &read(folder, "cpu.cfs_period_us")?)
            } else {
                parse::cores(&read(folder, "cpu.max")?)
            }
        });
        quotas.min_by(f64::total_cmp)
    }
}

fn read(folder: &Path, name: &str) -> Option<String> {
    fs::read_to_string(folder.join(name)).ok()
}

/// From the group's folder up to where the hierarchy is mounted. A group outside of what is mounted is not to be seen: the
/// mount itself is then the nearest.
fn chain(root: &Path, group: &str, mount: &parse::Mount) -> Vec<PathBuf> {
    let point = root.join(mount.point.trim_start_matches('/'));
    let inner = if mount.root == "/" { Some(group) } else { group.strip_prefix(mount.root.as_str()) };
    let inner = inner.filter(|inner| !inner.split('/').any(|part| part == ".."));
    let mut folder = point.join(inner.unwrap_or_default().trim_start_matches('/'));
    let mut all = vec![folder.clone()];
    while folder != point && folder.pop() {
        all.push(folder.clone());
    }
    all
}
