//! The control groups that limit this process, of either version.

use std::fs;
use std::path::{Path, PathBuf};

use super::memory::Memory;
use super::parse;

/// Folders of the control groups, from the process's own up to the topmost visible. Empty if there are none.
#[derive(Debug, Default)]
pub(super) struct Groups {
    memory: Vec<PathBuf>,
    cpu: Vec<PathBuf>,
    /// True for groups of version 1, whose files have other names.
    v1: bool,
}

impl Groups {
    /// Finds the groups in `/proc`. Called once: processes are hardly ever moved.
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
            return Self { memory: both.clone(), cpu: both, v1: false };
        }
        Self { memory: memory_v1, cpu: chain(Some("cpu")).unwrap_or_default(), v1: true }
    }

    /// Returns the memory of the group with the least room, among those with a limit below the memory of the machine.
    pub(super) fn memory(&self, machine: Option<u64>) -> Option<Memory> {
        let names = if self.v1 {
            ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"]
        } else {
            ["memory.max", "memory.current", "inactive_file"]
        };
        let bounds = self.memory.iter().filter_map(|folder| {
            let limit = parse::limit(&read(folder, names[0])?)?;
            let current: u64 = read(folder, names[1])?.trim().parse().ok()?;
            // Inactive file cache can be dropped at any time.
            let droppable = read(folder, "memory.stat").and_then(|stat| parse::entry(&stat, names[2])).unwrap_or(0);
            let bounded = machine.is_none_or(|machine| limit < machine);
            bounded.then(|| Memory::new(current.saturating_sub(droppable), limit))
        });
        bounds.min_by_key(Memory::free)
    }

    /// Returns the smallest number of cores that a group allows.
    pub(super) fn cores(&self) -> Option<f64> {
        let quotas = self.cpu.iter().filter_map(|folder| {
            if self.v1 {
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

/// Returns the folders from the group's up to the mount point. A group outside of the mounted part is not visible: then the mount point
/// is the nearest.
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
