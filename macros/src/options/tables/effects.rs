//! The effects of options together with others, which the rows of the options refer to.
//!
//! May use: options/row.

use crate::options::row::Effects;

pub(super) const TTL: &[Effects] = &[
    Effects {
        written: "ttl = 300",
        batch: "each element has it, from the end of the body",
        fleet: "the other processes serve the value until the loading process says that it expires, and for their own ttl at most",
        stale: "`stale` and `stale_if_error` begin when it ends",
        early: "a refresh may come in the last tenth of it",
        tiers: "the local tier expires with the shared one; a reader serves a value for its own ttl at most",
        negatives: "no effect: they have `negative_ttl` and `err_ttl`",
        deploy: "each process applies its own to what it reads, and never outlives that of the writer",
    },
    Effects {
        written: "ttl = |value| value.lifetime()",
        batch: "each element has its own, from the beginning of the body",
        fleet: "the other processes serve the value until the expiry that the loading process computed; after a lifetime of zero they load, one after another",
        stale: "`stale` and `stale_if_error` begin when it ends; without them, nothing is served after it",
        early: "a refresh may come in the last tenth of it, so only earlier",
        tiers: "the writer's expiry is in the shared entry; a reader does not ask its own function again",
        negatives: "no effect: there is no value to ask",
        deploy: "a process of the former version obeys the writer's expiry, and its own ttl; the new one obeys the expiry of the former",
    },
    Effects {
        written: "ttl = forever",
        batch: "no element expires",
        fleet: "the other processes serve the value until it is invalidated",
        stale: "a compile error: they count from the end of the ttl",
        early: "a compile error: there is no end to come near to",
        tiers: "no expiry in the processes; `Redis::forever_ttl` in the shared tier; `local_ttl` still asks the shared tier again",
        negatives: "no effect: they have `negative_ttl` and `err_ttl`",
        deploy: "a process of the former version serves the value for its own ttl",
    },
];

pub(super) const IDLE: &[Effects] = &[Effects {
    written: "idle = \"10m\"",
    batch: "each element has its own; a batch that reads it is a read",
    fleet: "no effect: reads by other processes do not count",
    stale: "an idle entry is not served, as stale or as a fallback either",
    early: "no effect; the new value begins anew",
    tiers: "the local tier only: Redis has the value until its ttl ends, and the next read gets it from there",
    negatives: "no effect: they have `negative_ttl` and `err_ttl`",
    deploy: "each process applies its own",
}];

pub(super) const MAX_BYTES: &[Effects] = &[Effects {
    written: "max_bytes = \"64MiB\"",
    batch: "each element is an entry",
    fleet: "a value that is too large to be stored here goes to the shared tier, and is read from there",
    stale: "a stale entry counts until it is dead",
    early: "the old value counts until the new one replaces it",
    tiers: "the local tier only; Redis has `maxmemory`",
    negatives: "not counted here: `Builder::max_bytes` counts them",
    deploy: "each process has its own bound",
}];

pub(super) const WEIGH: &[Effects] = &[Effects {
    written: "weigh = |value| value.len()",
    batch: "called for each element",
    fleet: "called by each process that stores the value in its memory",
    stale: "called once for each value that is stored, and its answer kept with it",
    early: "called for the new value",
    tiers: "the local tier only",
    negatives: "not called",
    deploy: "each process calls its own",
}];

pub(super) const TAGS: &[Effects] = &[
    Effects {
        written: "tags = [\"team:{id}\"]",
        batch: "each element has its own, if they name the list",
        fleet: "judged by each process that reads the value, by its own tags",
        stale: "an invalidation of a tag ends the value, its stale time included",
        early: "no effect",
        tiers: "in both, known before the load",
        negatives: "they have the same tags",
        deploy: "a former version without the tag serves what it finds until its ttl has passed",
    },
    Effects {
        written: "tags = |value| value.tags()",
        batch: "each element has those of its value",
        fleet: "the waiting processes judge the value by the tags that are stored beside it, and by those that they find in it",
        stale: "an invalidation of a tag ends the value, its stale time included",
        early: "the refreshed value has tags of its own",
        tiers: "hashes of the tags are in the shared entry; a reader adds those of its own function",
        negatives: "only the tags that follow from the arguments: there is no value to ask",
        deploy: "a former version of the function judges by the stored tags; the new one asks its function about what the former stored",
    },
];

pub(super) const NEGATIVE_TTL: &[Effects] = &[Effects {
    written: "negative_ttl = 10",
    batch: "for each element that the body does not return",
    fleet: "the other processes get the absence, each for its own `negative_ttl`",
    stale: "an absence is never stale",
    early: "an absence is not refreshed early",
    tiers: "in both",
    negatives: "absences only, from the end of the load",
    deploy: "each process applies its own",
}];

pub(super) const ERR_TTL: &[Effects] = &[
    Effects {
        written: "err_ttl = 5",
        batch: "a compile error: an error is not one of an element",
        fleet: "an error does not leave its process; the others load, one after another",
        stale: "an error is never stale; a stale value that `stale_if_error` allows is served in its place, and the error is not stored",
        early: "an error is not refreshed early",
        tiers: "the local tier only",
        negatives: "errors that `cache_err` accepts, from the end of the load",
        deploy: "no effect on other processes",
    },
    Effects {
        written: "err_ttl = |error| error.retry_after()",
        batch: "a compile error: an error is not one of an element",
        fleet: "an error does not leave its process; the others load, one after another",
        stale: "an error is never stale; a stale value that `stale_if_error` allows is served in its place, and the error is not stored",
        early: "an error is not refreshed early",
        tiers: "the local tier only",
        negatives: "errors that `cache_err` accepts, or all without it, from the beginning of the load; zero stores nothing",
        deploy: "no effect on other processes",
    },
];

pub(super) const JITTER: &[Effects] = &[Effects {
    written: "jitter = 0.05",
    batch: "drawn for each element",
    fleet: "drawn by the loading process",
    stale: "`stale` and `stale_if_error` begin that much earlier",
    early: "the last tenth of the shortened ttl",
    tiers: "drawn once for both",
    negatives: "also taken off `negative_ttl` and `err_ttl`",
    deploy: "each process draws for the values that it loads",
}];

pub(super) const ERASE: &[Effects] = &[Effects {
    written: "erase",
    batch: "each element is erased by its own key",
    fleet: "no change: a value of a load that began before the invalidation may be read by the waiting processes for 10 s at most, and is judged by them",
    stale: "an erased value is never served, not even as stale; a refresh record erases nothing",
    early: "no change: the new value replaces the old one",
    tiers: "the shared tier; the local one frees what was invalidated anyway",
    negatives: "absences are erased like values; errors are not in the shared tier",
    deploy: "values that a version without `erase` stored stay for their ttl, and its own invalidations erase only in a cluster",
}];

pub(super) const MERGE: &[Effects] = &[Effects {
    written: "merge = \"2ms\"",
    batch: "calls that meet and have the same other arguments are one run",
    fleet: "a compile error, as with every batch; calls of one process merge",
    stale: "a call that gets stale values does not wait; the runs that refresh them in the background merge",
    early: "an element that is about to expire is loaded in the merged run",
    tiers: "entries of either tier are served as they are; what is asked for in Redis is asked for together",
    negatives: "a known absence does not wait; an error goes to all calls of the run",
    deploy: "no effect on other processes",
}];

pub(super) const PREVIOUS: &[Effects] = &[Effects {
    written: "previous(old)",
    batch: "a compile error: its body loads many",
    fleet: "one process loads for all, also while the expired value is kept; it has its own expired value, or that of the shared tier",
    stale: "a stale value is served meanwhile; the times of both run from the end of the ttl, and the longer one keeps the value",
    early: "a value that is about to expire is given too",
    tiers: "from the local tier, otherwise from the shared one; a value that is returned unchanged is stored in both again",
    negatives: "an absence or an error is not given",
    deploy: "a version without it gives the expired values up earlier",
}];
