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

pub(super) const STALE: &[Effects] = &[Effects {
    written: "stale = \"1m\"",
    batch: "a stale element is loaded by the call that notices it first, together with what that call lacks; the others get the old value at once",
    fleet: "each process refreshes what it finds stale, unless another one has stored a newer value by then; past this time, and after a refresh record, one process loads for all",
    stale: "with `stale_if_error`, each has its own time; both begin when the ttl ends",
    early: "a busy value is refreshed before it is stale",
    tiers: "the value stays in both for this time; a process that finds it in the shared tier alone serves and refreshes it, too",
    negatives: "an absence or an error is never stale",
    deploy: "each process serves stale values for its own time; in the shared tier, a value stays as long as its writer says",
}];

pub(super) const REFRESH: &[Effects] = &[Effects {
    written: "refresh = background",
    batch: "a call that lacks nothing gets the old values at once, and one run in a task refreshes all that are stale or about to expire; a call that lacks elements waits for them, and loads the old ones with them",
    fleet: "as without it: each process refreshes what it finds stale",
    stale: "within `stale` no caller waits; `stale_if_error` alone gives the task nothing to do, as its values are served only after an error",
    early: "early refreshes run in the task, too",
    tiers: "a stale value of the shared tier is served at once, and refreshed in a task",
    negatives: "no effect: past their time, a caller loads",
    deploy: "no effect on other processes",
}];

pub(super) const STALE_IF_ERROR: &[Effects] = &[Effects {
    written: "stale_if_error = \"1h\"",
    batch: "if the body fails, the elements that have an old value are served, and not loaded again for 5 s; if any element has none, the call fails",
    fleet: "one process loads for all; if it fails, it serves the old value, and the others load one after another",
    stale: "within `stale` the old value is served without a load that has failed",
    early: "a refresh that fails before the ttl ends is answered with the value in any case",
    tiers: "the value stays in both for this time; a process that has none takes the one of the shared tier",
    negatives: "an error is stored only if there is no old value to be served; an absence is an answer, and replaces the old value",
    deploy: "each process serves old values for its own time; in the shared tier, a value stays as long as its writer says",
}];

pub(super) const EARLY: &[Effects] = &[Effects {
    written: "early = off",
    batch: "an element that is about to expire is not loaded with the missing ones",
    fleet: "without early refreshes, which each process draws for itself, the processes meet when the ttl ends: one loads",
    stale: "the first refresh comes when the value is stale",
    early: "this turns it off",
    tiers: "each process decides for itself, also about values of the shared tier",
    negatives: "no effect: they are not refreshed early",
    deploy: "a process of a version without it may refresh early what this one has stored",
}];
