//! Freshness lifetime, age and reuse of responses (RFC 9111 section 4.2). Pure: no clock, no storage.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{AGE, DATE, EXPIRES, HeaderName, LAST_MODIFIED};

use super::date;
use super::directives::{Directives, seconds};
use crate::clock::nanos;

/// Defaults of the application, for responses that do not state their freshness.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Defaults {
    /// Freshness lifetime of responses without one.
    pub(super) ttl: Option<Duration>,
    /// Maximum of the heuristic lifetime, a tenth of the time since `Last-Modified`; `None` for no heuristic.
    pub(super) heuristic: Option<Duration>,
    pub(super) stale_while_revalidate: Duration,
    pub(super) stale_if_error: Duration,
}

/// Returns the freshness lifetime of a response (RFC 9111 section 4.2.1): `s-maxage`, else `max-age`, else `Expires` minus `Date`, else the
/// application's default. `None` if there is none.
pub(super) fn lifetime(
    headers: &HeaderMap,
    directives: &Directives,
    now: SystemTime,
    defaults: &Defaults,
) -> Option<Duration> {
    if let Some(seconds) = directives.s_maxage.or(directives.max_age) {
        return Some(Duration::from_secs(seconds));
    }
    // Where a targeted field has the directives, `Expires` is ignored (RFC 9213 section 2.2).
    if headers.contains_key(EXPIRES) && !directives.is_targeted {
        // An invalid date, such as `0`, means already expired (RFC 9111 section 5.3); so do two dates that differ.
        let date = date_of(headers, &DATE).unwrap_or(now);
        let span = date_of_one(headers, &EXPIRES).and_then(|expires| expires.duration_since(date).ok());
        return Some(span.unwrap_or_default());
    }
    let heuristic = || {
        let (max, modified) = (defaults.heuristic?, date_of(headers, &LAST_MODIFIED)?);
        let since = date_of(headers, &DATE).unwrap_or(now).duration_since(modified).ok()?;
        Some((since / 10).min(max))
    };
    defaults.ttl.or_else(heuristic)
}

/// Returns the age of a response when it arrives (RFC 9111 section 4.2.3): the larger of `Age` plus the delay, and the time since `Date`.
pub(super) fn age_on_arrival(headers: &HeaderMap, now: SystemTime, delay: Duration) -> Duration {
    let apparent = date_of(headers, &DATE).and_then(|date| now.duration_since(date).ok()).unwrap_or_default();
    let corrected = headers.get(AGE).map(|age| {
        // A parameter is no part of an age, but what stands before it is: the response is at least as old.
        let age = age.to_str().ok().and_then(|age| seconds(age.split([',', ';']).next()?.trim()));
        Duration::from_secs(age.unwrap_or(0))
    });
    // `Date` has whole seconds, so less than a second of apparent age is rounding.
    let apparent = if apparent < Duration::from_secs(1) { Duration::ZERO } else { apparent };
    apparent.max(corrected.map_or(Duration::ZERO, |age| age.saturating_add(delay)))
}

fn date_of(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    date::parse(headers.get(name)?)
}

fn date_of_one(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.any(|other| other != first) {
        return None;
    }
    date::parse(first)
}

/// Seconds for which a stored response may be reused after it became stale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Grace {
    /// True if a client's `max-stale` counts (RFC 9111 section 4.2.4).
    pub(super) on_request: bool,
    pub(super) while_revalidate: u64,
    pub(super) if_error: u64,
}

impl Grace {
    /// Reads the directives of a response. `must-revalidate`, `proxy-revalidate` and `no-cache` forbid any reuse when stale. `s-maxage`
    /// forbids the application's defaults, but not the directives of RFC 5861, which are meant to stand beside it; so does `max-age=0`.
    pub(super) fn new(directives: &Directives, defaults: &Defaults) -> Self {
        if directives.must_revalidate || directives.proxy_revalidate || directives.no_cache {
            return Self::default();
        }
        let shared = directives.s_maxage.is_some();
        let is_at_once = directives.max_age == Some(0);
        let default = |duration: Duration| if shared || is_at_once { 0 } else { duration.as_secs() };
        Self {
            on_request: !shared,
            while_revalidate: directives.stale_while_revalidate.unwrap_or(default(defaults.stale_while_revalidate)),
            if_error: directives.stale_if_error.unwrap_or(default(defaults.stale_if_error)),
        }
    }

    /// Returns the longest time for which the response may be reused stale.
    pub(super) fn longest(&self) -> Duration {
        Duration::from_secs(self.while_revalidate.max(self.if_error))
    }
}

/// Decision on reusing a stored response for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse {
    /// Reused: it is fresh.
    Fresh,
    /// Reused: it is stale, and the client accepts that.
    Stale,
    /// Reused while it is validated: it is stale within its grace.
    WhileRevalidating,
    /// Validated first: it is stale.
    No,
    /// Not reused: it is fresh, but the client wants a fresher response.
    Refused,
}

/// Age and freshness lifetime of a stored response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Freshness {
    pub(super) age: Duration,
    pub(super) lifetime: Duration,
}

impl Freshness {
    pub(super) fn is_fresh(&self) -> bool {
        self.age < self.lifetime
    }

    /// Returns the freshness of a response that was refreshed by an invalidation: stale from now on, if it is not already.
    pub(super) fn refreshed(self) -> Self {
        Self { lifetime: self.lifetime.min(self.age), ..self }
    }

    /// Returns the end of its freshness, if it has this age now.
    pub(super) fn expires(&self, now: u64) -> u64 {
        now.saturating_add(nanos(self.lifetime)).saturating_sub(nanos(self.age))
    }

    pub(super) fn staleness(&self) -> Duration {
        self.age.saturating_sub(self.lifetime)
    }

    /// Returns the seconds until it becomes stale; negative if it is stale.
    pub(super) fn ttl(&self) -> i64 {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        if self.is_fresh() { seconds(self.lifetime.saturating_sub(self.age)) } else { -seconds(self.staleness()) }
    }

    /// Returns for how long `age` and `ttl` stay the same in whole seconds.
    pub(super) fn unchanged(&self) -> Duration {
        let next = |time: Duration| Duration::from_nanos(1_000_000_000 - u64::from(time.subsec_nanos()));
        let left = self.lifetime.saturating_sub(self.age);
        let other = if self.is_fresh() {
            Duration::from_nanos(u64::from(left.subsec_nanos()) + 1)
        } else {
            next(self.staleness())
        };
        next(self.age).min(other)
    }

    /// Decides whether the response may be reused for a request (RFC 9111 sections 4.2 and 5.2.1).
    pub(super) fn reuse(&self, asked: &Directives, grace: Grace) -> Reuse {
        let over = |bound: Option<u64>| bound.is_some_and(|bound| self.age > Duration::from_secs(bound));
        let left = self.lifetime.saturating_sub(self.age);
        let short = asked.min_fresh.is_some_and(|least| left < Duration::from_secs(least));
        if asked.no_cache || over(asked.max_age) || short {
            return if self.is_fresh() { Reuse::Refused } else { Reuse::No };
        }
        let within = |seconds: u64| self.staleness() < Duration::from_secs(seconds);
        match () {
            () if self.is_fresh() => Reuse::Fresh,
            () if within(grace.while_revalidate) => Reuse::WhileRevalidating,
            () if grace.on_request && asked.max_stale.is_some_and(within) => Reuse::Stale,
            () => Reuse::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
    }

    fn headers(lines: &[(&'static str, String)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn lasts(lines: &[(&'static str, String)], defaults: &Defaults) -> Option<u64> {
        let headers = headers(lines);
        lifetime(&headers, &Directives::from_headers(&headers), at(100), defaults).map(|time| time.as_secs())
    }

    fn date(seconds: u64) -> String {
        httpdate::fmt_http_date(at(seconds))
    }

    #[test]
    fn rfc9111_4_2_1_lifetimes_have_an_order_of_precedence() {
        let none = Defaults::default();
        let control = |text: &str| ("cache-control", text.to_owned());
        let expires = ("expires", date(130));
        assert_eq!(lasts(&[control("max-age=9, s-maxage=5"), expires.clone()], &none), Some(5));
        assert_eq!(lasts(&[control("max-age=9"), expires.clone()], &none), Some(9));
        assert_eq!(lasts(&[expires.clone(), ("date", date(90))], &none), Some(40));
        assert_eq!(lasts(&[expires], &none), Some(30), "without a `Date`, from now on");
        assert_eq!(lasts(&[], &none), None);
    }

    #[test]
    fn rfc9111_5_3_an_invalid_expires_has_expired() {
        for expires in ["0", "-1", "tomorrow"] {
            assert_eq!(lasts(&[("expires", expires.to_owned())], &Defaults::default()), Some(0), "{expires}");
        }
        let two = [("expires", date(130)), ("expires", date(140))];
        assert_eq!(lasts(&two, &Defaults::default()), Some(0));
        assert_eq!(lasts(&[("expires", date(50)), ("date", date(90))], &Defaults::default()), Some(0), "in the past");
    }

    #[test]
    fn rfc9111_4_2_2_heuristics_are_off_and_bounded() {
        let modified = [("last-modified", date(0)), ("date", date(100))];
        assert_eq!(lasts(&modified, &Defaults::default()), None);
        let on = |most| Defaults { heuristic: Some(Duration::from_secs(most)), ..Defaults::default() };
        assert_eq!(lasts(&modified, &on(60)), Some(10), "a tenth of the time since");
        assert_eq!(lasts(&modified, &on(4)), Some(4), "not more than the bound");
        assert_eq!(lasts(&[("last-modified", date(200))], &on(60)), None, "modified in the future");
    }

    #[test]
    fn rfc9111_4_2_3_age_is_the_larger_of_the_stated_and_the_apparent_one() {
        let age = |lines: &[_], delay| age_on_arrival(&headers(lines), at(100), delay).as_secs();
        let said = |text: &str| ("age", text.to_owned());
        assert_eq!(age(&[], 9 * SECOND), 0, "of this process");
        assert_eq!(age(&[("date", date(90))], SECOND), 10);
        assert_eq!(age(&[("date", date(90)), said("30")], 2 * SECOND), 32);
        assert_eq!(age(&[("date", date(10)), said("30")], 2 * SECOND), 90);
        assert_eq!(age(&[("date", date(99))], SECOND), 1);
        assert_eq!(age(&[said("1, 9")], SECOND), 2, "the first of a list");
        assert_eq!(age(&[("date", date(500))], SECOND), 0, "a clock ahead of ours");
        assert_eq!(age(&[said("7;x=1")], Duration::ZERO), 7, "a parameter");
        assert_eq!(age(&[said("31536000")], SECOND), 31_536_001, "a year");
        assert_eq!(age(&[said("rubbish")], Duration::ZERO), 0);
        assert_eq!(age(&[said("99999999999999999999999")], Duration::ZERO), 1 << 31, "section 1.2.2");
    }

    #[test]
    fn rfc9111_5_2_1_requests_limit_age_and_staleness() {
        let read = |text: &str| Directives::from_headers(&headers(&[("cache-control", text.to_owned())]));
        let free = Grace { on_request: true, ..Grace::default() };
        let freshness = |age, lifetime| Freshness { age: age * SECOND, lifetime: lifetime * SECOND };
        for (asked, age, expected) in [
            ("", 59, Reuse::Fresh),
            ("", 60, Reuse::No),
            ("no-cache", 1, Reuse::Refused),
            ("max-age=10", 10, Reuse::Fresh),
            ("max-age=10", 11, Reuse::Refused),
            ("min-fresh=10", 50, Reuse::Fresh),
            ("min-fresh=10", 51, Reuse::Refused),
            ("max-stale=5", 64, Reuse::Stale),
            ("max-stale=5", 65, Reuse::No),
            ("max-stale", 6_000, Reuse::Stale),
            ("max-stale, max-age=61", 62, Reuse::No),
        ] {
            assert_eq!(freshness(age, 60).reuse(&read(asked), free), expected, "{asked} at {age}");
        }
        assert_eq!(freshness(61, 60).reuse(&read("max-stale"), Grace::default()), Reuse::No, "section 4.2.4");
    }

    #[test]
    fn the_stated_age_and_ttl_hold_until_a_second_changes() {
        for lifetime in [60_000, 61_500, 1, 0, 999] {
            for age in [0, 1, 499, 500, 501, 999, 1_000, 59_999, 60_000, 60_001, 61_499, 61_500, 61_501, 63_000] {
                let at = |age| Freshness { age, lifetime: Duration::from_millis(lifetime) };
                let said = |standing: Freshness| (standing.age.as_secs(), standing.ttl());
                let now = at(Duration::from_millis(age));
                let last = (now.age + now.unchanged()).saturating_sub(Duration::from_nanos(1));
                assert_eq!(said(at(last)), said(now), "{lifetime} at {age}");
            }
        }
        let quarter = Freshness { age: SECOND / 4, lifetime: 60 * SECOND };
        assert_eq!(quarter.unchanged(), SECOND * 3 / 4, "and for no less than it could");
    }

    #[test]
    fn rfc5861_grace_is_limited_by_the_response() {
        let read = |text: &str| Directives::from_headers(&headers(&[("cache-control", text.to_owned())]));
        let defaults =
            Defaults { stale_while_revalidate: 7 * SECOND, stale_if_error: 9 * SECOND, ..Defaults::default() };
        let grace = |text| {
            let grace = Grace::new(&read(text), &defaults);
            (grace.on_request, grace.while_revalidate, grace.if_error)
        };
        assert_eq!(grace("max-age=1"), (true, 7, 9));
        assert_eq!(grace("max-age=1, stale-while-revalidate=2, stale-if-error=3"), (true, 2, 3));
        assert_eq!(grace("s-maxage=1"), (false, 0, 0));
        assert_eq!(grace("s-maxage=1, stale-while-revalidate=2"), (false, 2, 0));
        assert_eq!(grace("max-age=0"), (true, 0, 0));
        assert_eq!(grace("max-age=0, stale-while-revalidate=2"), (true, 2, 0));
        let longest = |text| Grace::new(&read(text), &defaults).longest();
        assert_eq!((longest("max-age=1"), longest("s-maxage=1")), (9 * SECOND, Duration::ZERO));
        assert_eq!(longest("stale-while-revalidate=20"), 20 * SECOND);
        for strict in ["must-revalidate", "proxy-revalidate", "no-cache"] {
            assert_eq!(grace(&format!("max-age=1, stale-if-error=3, {strict}").leak()[..]), (false, 0, 0));
        }
    }

    #[test]
    fn rfc5861_3_a_stale_response_is_served_while_it_is_revalidated_and_to_clients_that_accept_it() {
        let read = |text: &str| Directives::from_headers(&headers(&[("cache-control", text.to_owned())]));
        let grace = Grace { on_request: true, while_revalidate: 10, if_error: 100 };
        let freshness = |age| Freshness { age: age * SECOND, lifetime: 60 * SECOND };
        for (asked, age, expected) in [
            ("", 59, Reuse::Fresh),
            ("", 69, Reuse::WhileRevalidating),
            ("max-stale=20", 69, Reuse::WhileRevalidating),
            ("", 70, Reuse::No),
            ("max-stale=20", 79, Reuse::Stale),
            ("max-age=65", 66, Reuse::No),
            ("no-cache", 69, Reuse::No),
        ] {
            assert_eq!(freshness(age).reuse(&read(asked), grace), expected, "{asked} at {age}");
        }
        assert_eq!((freshness(59).staleness(), freshness(63).staleness()), (Duration::ZERO, 3 * SECOND));
        assert!(freshness(59).is_fresh() && !freshness(60).is_fresh());
    }
}
