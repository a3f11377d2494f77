//! The arithmetic of lifetimes: jitter, and when to refresh early.

use crate::l1::Lifetime;

/// The divisor of the ttl that bounds how early a refresh may be: a tenth. Without the bound, a busy value with slow loads would be
/// refreshed again and again, three times as often for a load of a third of the ttl. With it, the origin is called at most 1.11 times as
/// often.
const EARLY_SHARE: u64 = 10;

/// The times of a load, in nanoseconds of the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoadTimes {
    pub(crate) began: u64,
    pub(crate) ended: u64,
    /// The duration that the next load is expected to have, from which early refreshes follow.
    pub(crate) load_time: u64,
}

impl LoadTimes {
    /// The times of a load that ran from `began` to `ended`.
    pub(crate) fn measured(began: u64, ended: u64) -> Self {
        Self { began, ended, load_time: ended.saturating_sub(began) }
    }

    /// The times of a load whose duration is no measure of the next one, so that no refresh is early.
    pub(crate) fn unmeasured(began: u64, ended: u64) -> Self {
        Self { began, ended, load_time: 0 }
    }

    /// The times of something that took none.
    pub(crate) fn at(now: u64) -> Self {
        Self::unmeasured(now, now)
    }
}

/// Returns the ttl less a random share of it, so that entries that were loaded together do not expire together. Zero only for a ttl of
/// zero: an entry that expires as it is stored is never a hit. A ttl without end stays as it is.
pub(super) fn jittered(ttl: u64, share: f64) -> u64 {
    if ttl == u64::MAX {
        return ttl;
    }
    // Nanoseconds lose precision beyond 104 days, by less than a microsecond.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let off = (ttl as f64 * share * fastrand::f64()) as u64;
    ttl.saturating_sub(off).max(ttl.min(1))
}

/// Returns the time before the expiry from which a hit may request a refresh, for a lifetime of `whole`: `-ln(rand)` exceeds 20 once in
/// 500 million draws.
pub(super) fn early_span(load_time: u64, whole: u64) -> u64 {
    load_time.saturating_mul(20).min(whole / EARLY_SHARE)
}

/// Decides on an early refresh, by `XFetch` (Vattani, Chierichetti and Lowenstein, VLDB 2015) with beta = 1: refresh iff
/// `now - load_time * ln(rand) >= expires`. The longer the load and the nearer the expiry, the likelier.
pub(crate) fn refresh_early(now: u64, life: &Lifetime) -> bool {
    // 1 - [0, 1) is never zero, so the logarithm is finite.
    let draw = -(1.0 - fastrand::f64()).ln();
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let ahead = (life.load_time as f64 * draw) as u64;
    now.saturating_add(ahead) >= life.expires
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_only_shortens_and_never_to_nothing_by_itself() {
        for _ in 0..1_000 {
            let ttl = jittered(1_000_000, 0.1);
            assert!((900_000..=1_000_000).contains(&ttl));
        }
        assert_eq!(jittered(1, 0.5), 1);
        assert_eq!(jittered(77, 0.0), 77);
        assert_eq!(jittered(0, 0.5), 0);
        assert_eq!(jittered(u64::MAX, 0.5), u64::MAX, "without end, there is no share of it");
    }

    #[test]
    fn early_refreshes_come_near_the_expiry_and_in_the_expected_number() {
        let life = Lifetime {
            load_time: 1_000,
            expires: 1_000_000,
            early_from: 0,
            local_until: u64::MAX,
            served_until: 1_000_000,
            age: 0,
            idle: u64::MAX,
        };
        let drawn = |now| (0..10_000).filter(|_| refresh_early(now, &life)).count();
        assert_eq!(drawn(1_000_000), 10_000, "at the expiry always");
        assert_eq!(drawn(1_000_000 - 60_000), 0, "60 load times before it never");
        // One load time before the expiry the chance is exp(-1) = 36.8 %.
        assert!((3_300..4_100).contains(&drawn(1_000_000 - 1_000)));
    }
}
