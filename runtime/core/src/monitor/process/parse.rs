//! Parsers of the files under `/proc` and `/sys/fs/cgroup`. Pure; unknown content yields `None`.

/// Parses the bytes of a line such as `VmRSS:   1234 kB`.
pub(super) fn bytes(text: &str, name: &str) -> Option<u64> {
    let value = line(text, name)?;
    value.strip_suffix("kB")?.trim_end().parse::<u64>().ok()?.checked_mul(1024)
}

/// Parses the number of a line such as `Threads:  12`.
pub(super) fn number(text: &str, name: &str) -> Option<u64> {
    line(text, name)?.parse().ok()
}

fn line<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// Counts the processors in the line `Cpus_allowed_list:  0-3,8`.
pub(super) fn processors(status: &str) -> Option<u32> {
    let ranges = line(status, "Cpus_allowed_list")?.split(',').map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
        last.checked_sub(first)?.checked_add(1)
    });
    ranges.sum()
}

/// Parses the number of a line such as `inactive_file 1234`.
pub(super) fn entry(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

/// Parses a limit in bytes. `max` is no limit, and neither is the value near 2^63 that version 1 writes instead.
pub(super) fn limit(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|limit| (1..1 << 60).contains(limit))
}

/// Parses the processor time in `/proc/self/stat`, user and system, in ticks. The second field is the program's name in parentheses and
/// may contain any character.
pub(super) fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let (user, system) = (fields.next()?.parse::<u64>().ok()?, fields.next()?.parse::<u64>().ok()?);
    user.checked_add(system)
}

/// Parses the first three numbers of `/proc/loadavg`.
pub(super) fn load(text: &str) -> Option<[f64; 3]> {
    let mut fields =
        text.split_ascii_whitespace().map(|field| field.parse().ok().filter(|load: &f64| load.is_finite()));
    Some([fields.next()??, fields.next()??, fields.next()??])
}

/// Parses the cores that `cpu.max` allows: `50000 100000` is half a core, `max 100000` no limit.
pub(super) fn cores(cpu_max: &str) -> Option<f64> {
    let mut fields = cpu_max.split_ascii_whitespace().map(str::parse::<u32>);
    share(fields.next()?.ok()?.into(), fields.next()?.ok()?)
}

/// Parses the cores from the two files of version 1, whose quota is -1 if there is no limit.
pub(super) fn cores_v1(quota: &str, period: &str) -> Option<f64> {
    share(quota.trim().parse().ok()?, period.trim().parse().ok()?)
}

fn share(quota: i64, period: u32) -> Option<f64> {
    let quota = u32::try_from(quota).ok().filter(|quota| *quota > 0)?;
    (period > 0).then(|| f64::from(quota) / f64::from(period))
}

/// Finds the group of the process in `/proc/self/cgroup`: in the hierarchy of version 1 with this controller, or, without one, in that of
/// version 2.
pub(super) fn group<'a>(text: &'a str, controller: Option<&str>) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (id, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let found = match controller {
            None => id == "0" && controllers.is_empty(),
            Some(controller) => controllers.split(',').any(|name| name == controller),
        };
        (found && path.starts_with('/')).then_some(path)
    })
}

/// Mount of a hierarchy: its mount point, and the group that is visible there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) point: String,
    pub(super) root: String,
}

/// Finds the mount in `/proc/self/mountinfo` of the hierarchy of version 1 with this controller, or, without one, of version 2.
pub(super) fn mount(text: &str, controller: Option<&str>) -> Option<Mount> {
    text.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut kind = after.split(' ');
        let (filesystem, options) = (kind.next()?, kind.nth(1)?);
        let found = match controller {
            None => filesystem == "cgroup2",
            Some(controller) => filesystem == "cgroup" && options.split(',').any(|option| option == controller),
        };
        let mut fields = before.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        found.then(|| Mount { point: unescaped(point), root: unescaped(root) })
    })
}

/// Replaces the octal escapes of spaces, tabs, line feeds and backslashes.
fn unescaped(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "4321 (we ) ird) S 1 4321 4321 0 -1 4194560 500 0 3 0 250 50 0 0 20 0 8 0 12345 1000000 2000 18446744073709551615";

    #[test]
    fn lines_with_units_are_bytes() {
        assert_eq!(bytes("VmPeak:  10 kB\nVmRSS:\t    2048 kB\n", "VmRSS"), Some(2 << 20));
        assert_eq!(number("Name:\tx\nThreads:\t8\n", "Threads"), Some(8));
        assert_eq!(entry("inactive_file_x 9\ninactive_file 4096\n", "inactive_file"), Some(4096));
    }

    #[test]
    fn processors_are_counted_by_ranges() {
        assert_eq!(processors("Cpus_allowed:\tff\nCpus_allowed_list:\t0-3,8\n"), Some(5));
        assert_eq!(processors("Cpus_allowed_list:\t7\n"), Some(1));
        for none in ["Cpus_allowed_list:\t\n", "Cpus_allowed_list:\t3-1", "Cpus_allowed_list: 0-4294967295", "x"] {
            assert_eq!(processors(none), None, "{none:?}");
        }
    }

    #[test]
    fn unlimited_values_are_no_limits() {
        assert_eq!(limit("1073741824\n"), Some(1 << 30));
        assert_eq!((limit("1"), limit("1152921504606846975")), (Some(1), Some((1 << 60) - 1)));
        for none in ["max\n", "1152921504606846976", "9223372036854771712\n", "0", "-1", ""] {
            assert_eq!(limit(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        assert_eq!(ticks(STAT), Some(300));
    }

    #[test]
    fn quotas_are_cores() {
        assert_eq!(cores("150000 100000\n"), Some(1.5));
        assert_eq!(cores("max 100000\n"), None);
        assert_eq!(cores_v1("50000\n", "100000\n"), Some(0.5));
        assert_eq!(cores_v1("-1\n", "100000\n"), None);
        for none in ["1 0", "0 100000", "-1 100000"] {
            assert_eq!(cores(none), None, "{none:?}");
        }
    }

    #[test]
    fn the_load_is_the_first_three_numbers() {
        assert_eq!(load("0.50 1.25 2.00 3/456 7890\n"), Some([0.5, 1.25, 2.0]));
        assert_eq!(load("0.50 1.25 inf"), None);
    }

    #[test]
    fn lines_that_only_resemble_a_group_are_ignored() {
        assert_eq!(group("3::/odd\n0:cpu:/odd\n0::/right\n", None), Some("/right"));
        assert_eq!(group("4:memory:outside\n", Some("memory")), None);
        let other = "41 23 0:31 / /x rw - tmpfs cgroup rw,memory\n42 23 0:32 / /y rw - cgroup2 cgroup2 rw,memory\n";
        assert_eq!(mount(other, Some("memory")), None);
    }

    #[test]
    fn groups_and_mounts_of_both_versions_are_found() {
        let groups = "5:cpu,cpuacct:/a\n4:memory:/docker/12:ab\n0::/user.slice\n";
        assert_eq!(group(groups, None), Some("/user.slice"));
        assert_eq!(group(groups, Some("memory")), Some("/docker/12:ab"));
        assert_eq!(group(groups, Some("cpuacct")), Some("/a"));
        let mounts = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n\
                      40 23 0:30 /docker/1 /sys/fs/cg\\040roup/memory rw - cgroup cgroup rw,memory\n";
        assert_eq!(mount(mounts, None), Some(Mount { point: "/sys/fs/cgroup".into(), root: "/".into() }));
        let first = Mount { point: "/sys/fs/cg roup/memory".into(), root: "/docker/1".into() };
        assert_eq!(mount(mounts, Some("memory")), Some(first));
        assert_eq!(mount(mounts, Some("cpu")), None);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics_on_garbage(text in "(?s).{0,200}", name in "[A-Za-z]{0,6}") {
            let _ = (bytes(&text, &name), number(&text, &name), entry(&text, &name), limit(&text), ticks(&text));
            let _ = (load(&text), processors(&text), cores(&text), cores_v1(&text, &name), group(&text, Some(&name)), mount(&text, None));
        }
    }

    #[test]
    fn garbage_gives_no_figure() {
        for text in ["", "\0", "VmRSS: x kB", "VmRSS: 18446744073709551615 kB", "VmRSS 5 kB", ") 1 2", "nan nan nan"] {
            assert_eq!(bytes(text, "VmRSS"), None, "{text:?}");
            assert_eq!(ticks(text), None, "{text:?}");
            assert_eq!(load(text), None, "{text:?}");
        }
    }
}
