//! Limit of open files, of which each connection takes one.

/// Lets this process open as many as its hard limit allows, where that is asked for, and says how many that are: `None` where
/// there is no bound or the system has none to tell.
#[cfg(unix)]
pub(super) fn raise_file_limit(wanted: u64) -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let current = current?;
    let wanted = maximum.map_or(wanted, |maximum| wanted.min(maximum));
    if wanted > current && setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).is_ok() {
        return Some(wanted);
    }
    Some(current)
}

/// Says how many that are: not known here.
#[cfg(not(unix))]
pub(super) fn raise_file_limit(_wanted: u64) -> Option<u64> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn it_is_raised_as_far_as_it_may_be_and_never_lowered() {
        let before = raise_file_limit(0).expect("a bound");
        assert_eq!(raise_file_limit(before.saturating_sub(1)), Some(before));
        assert!(raise_file_limit(u64::MAX).expect("a bound") >= before);
    }
}
