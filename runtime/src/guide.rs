#![doc = fastness_macros::guide_page!("guide/README.md")]
// The text is that of `docs/guide/README.md`; the modules below are the other pages. rustdoc alone sees this file.

/// A module for each page. `include_str!` tells cargo to read a page again when it has changed.
macro_rules! pages {
    ($($name:ident = $page:literal,)*) => {$(
        #[doc = fastness_macros::guide_page!($page)]
        pub mod $name {}
        const _: &str = include_str!(concat!("../docs/", $page));
    )*};
}

const _: &str = include_str!("../docs/guide/README.md");

pages! {
    batch = "guide/batch.md",
    breaker_defaults = "guide/breaker-defaults.md",
    bulkhead = "guide/bulkhead.md",
    bypass = "guide/bypass.md",
    bytes = "guide/bytes.md",
    cache_invalidate = "guide/cache_invalidate.md",
    cache_put = "guide/cache_put.md",
    cache_refresh = "guide/cache_refresh.md",
    cacheable = "guide/cacheable.md",
    changes = "guide/changes.md",
    choose = "guide/choose.md",
    circuit_breaker = "guide/circuit_breaker.md",
    codecs = "guide/codecs.md",
    coherence = "guide/coherence.md",
    conditional = "guide/conditional.md",
    demo = "guide/demo.md",
    direct = "guide/direct.md",
    encryption = "guide/encryption.md",
    erase = "guide/erase.md",
    fallback = "guide/fallback.md",
    hedge = "guide/hedge.md",
    http = "guide/http.md",
    http_cache = "guide/http-cache.md",
    idempotency = "guide/idempotency.md",
    indexed = "guide/indexed.md",
    keys = "guide/keys.md",
    lifetimes = "guide/lifetimes.md",
    monitor = "guide/monitor.md",
    operations = "guide/operations.md",
    order = "guide/order.md",
    provenance = "guide/provenance.md",
    rate_limit = "guide/rate_limit.md",
    retry = "guide/retry.md",
    settings = "guide/settings.md",
    slow_queries = "guide/slow-queries.md",
    subscribe = "guide/subscribe.md",
    tags = "guide/tags.md",
    testing = "guide/testing.md",
    timed = "guide/timed.md",
    timeout = "guide/timeout.md",
    traces = "guide/traces.md",
    transactions = "guide/transactions.md",
    troubleshooting = "guide/troubleshooting.md",
    benchmarks = "benchmarks.md",
    events = "events.md",
    metrics = "metrics.md",
}

/// Concepts of other libraries, and their counterparts here.
pub mod coming_from {
    pages! {
        cached = "guide/coming-from/cached.md",
        dotnet = "guide/coming-from/dotnet.md",
        moka = "guide/coming-from/moka.md",
        mongoose = "guide/coming-from/mongoose.md",
        python = "guide/coming-from/python.md",
        resilience = "guide/coming-from/resilience.md",
        spring = "guide/coming-from/spring.md",
    }
}
