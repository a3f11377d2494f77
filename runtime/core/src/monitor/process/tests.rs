//! Figures of simulated machines, each of which is a folder of files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Memory, System};

/// A simulated machine: a folder that is deleted when this is dropped.
struct Machine(PathBuf);

impl Machine {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("fastness-machine-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let machine = Self(std::env::temp_dir().join(name));
        machine.file("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 600 kB\n")
    }

    fn file(self, path: &str, text: &str) -> Self {
        let file = self.0.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        self
    }

    fn second_version(self) -> Self {
        self.file("proc/self/cgroup", "0::/kube/pod/main\n")
            .file("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n")
    }

    fn system(&self) -> System {
        System::with_root(&self.0)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const KIB: u64 = 1024;

#[test]
fn the_machine_counts_without_groups() {
    let machine = Machine::new();
    assert_eq!(machine.system().memory(None), Some(Memory::new(400 * KIB, 1000 * KIB)));
}

#[test]
fn the_group_with_the_least_room_counts_and_droppable_files_do_not() {
    let machine = Machine::new()
        .second_version()
        .file("sys/fs/cgroup/kube/pod/main/memory.max", "max\n")
        .file("sys/fs/cgroup/kube/pod/main/memory.current", "5000\n")
        .file("sys/fs/cgroup/kube/pod/memory.max", "10000\n")
        .file("sys/fs/cgroup/kube/pod/memory.current", "9000\n")
        .file("sys/fs/cgroup/kube/pod/memory.stat", "anon 1\ninactive_file 2000\n")
        .file("sys/fs/cgroup/kube/memory.max", "500000\n")
        .file("sys/fs/cgroup/kube/memory.current", "9000\n");
    assert_eq!(machine.system().memory(None), Some(Memory::new(7000, 10_000)));
}

#[test]
fn a_limit_above_the_machines_memory_is_no_limit() {
    let machine = Machine::new()
        .second_version()
        .file("sys/fs/cgroup/kube/pod/memory.max", "2048000\n")
        .file("sys/fs/cgroup/kube/pod/memory.current", "9000\n");
    assert_eq!(machine.system().memory(None).unwrap().total(), 1000 * KIB);
}

#[test]
fn the_first_version_is_read_by_its_own_names() {
    let machine = Machine::new()
        .file("proc/self/cgroup", "4:memory:/docker/ab\n3:cpu,cpuacct:/docker/ab\n")
        .file(
            "proc/self/mountinfo",
            "40 23 0:30 /docker/ab /cg/memory rw - cgroup cgroup rw,memory\n41 23 0:31 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n",
        )
        .file("cg/memory/memory.limit_in_bytes", "10000\n")
        .file("cg/memory/memory.usage_in_bytes", "6000\n")
        .file("cg/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 1000\n")
        .file("cg/cpu/docker/ab/cpu.cfs_quota_us", "50000\n")
        .file("cg/cpu/docker/ab/cpu.cfs_period_us", "100000\n");
    let system = machine.system();
    assert_eq!(system.memory(None), Some(Memory::new(5000, 10_000)));
    assert_eq!(system.process(1).cores, Some(0.5));
}

#[test]
fn a_configured_limit_is_compared_with_this_process() {
    let machine = Machine::new().file("proc/self/status", "VmRSS:\t 300 kB\n");
    assert_eq!(machine.system().memory(Some(400 * KIB)), Some(Memory::new(300 * KIB, 400 * KIB)));
    assert_eq!(machine.system().memory(Some(200 * KIB)).unwrap().percentage(), 150);
}

#[test]
fn a_hidden_group_is_searched_for_nowhere_else() {
    let machine = Machine::new()
        .file("proc/self/cgroup", "0::/../../elsewhere\n")
        .file("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
        .file("elsewhere/memory.max", "1\n")
        .file("elsewhere/memory.current", "1\n");
    assert_eq!(machine.system().memory(None).unwrap().total(), 1000 * KIB);
}

#[test]
fn processor_time_is_measured_between_two_readings() {
    let stat = |ticks: u32| format!("1 (x) S 1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1 0 0 0");
    let machine = Machine::new()
        .second_version()
        .file("sys/fs/cgroup/kube/pod/main/cpu.max", "50000 100000\n")
        .file("proc/self/stat", &stat(100))
        .file("proc/loadavg", "0.50 1.00 2.00 1/200 4242\n");
    let system = machine.system();
    let first = system.process(1_000_000_000);
    assert_eq!((first.cpu, first.load), (None, Some([0.5, 1.0, 2.0])));
    let machine = machine.file("proc/self/stat", &stat(125));
    let second = system.process(2_000_000_000);
    assert_eq!((second.cpu, second.cpu_of_quota), (Some(25.0), Some(50.0)));
    assert_eq!(system.process(2_000_000_000).cpu, None, "no time has passed");
    drop(machine);
}

#[test]
fn the_number_of_cores_is_limited_by_affinity_and_quota() {
    let cores = |list: &str, quota: &str| {
        let machine = Machine::new()
            .second_version()
            .file("proc/self/status", &format!("Cpus_allowed_list:\t{list}\n"))
            .file("sys/fs/cgroup/kube/pod/main/cpu.max", quota);
        machine.system().process(1).cores
    };
    assert_eq!(cores("0-63", "max 100000\n"), Some(64.0));
    assert_eq!(cores("0-63", "350000 100000\n"), Some(3.5));
    assert_eq!(cores("7", "350000 100000\n"), Some(1.0));
}

#[test]
fn missing_files_give_no_figures() {
    let system = System::with_root(Path::new("/this/folder/is/not/there"));
    assert_eq!(system.memory(None), None);
    assert_eq!(system.memory(Some(1)), None);
    let seen = system.process(1);
    assert_eq!((seen.resident, seen.cpu, seen.load, seen.threads, seen.open_files), (None, None, None, None, None));
}

#[test]
#[cfg(target_os = "linux")]
fn this_machine_gives_figures() {
    let system = System::new();
    assert!(system.memory(None).is_some_and(|memory| memory.used() > 0 && memory.total() > 0));
    let seen = system.process(1);
    assert!(seen.resident > Some(0) && seen.threads > Some(0) && seen.open_files > Some(0), "{seen:?}");
}
