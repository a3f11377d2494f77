//! The examples of `docs/`, tested like those of the README: one item for each page, so that a failure names its page.
//! `tests/tests/it/guide.rs` checks that no page is missing here.

/// A page's examples.
macro_rules! pages {
    ($($name:ident = $page:literal,)*) => {
        $(
            #[doc = include_str!(concat!("../../docs/", $page))]
            struct $name;
        )*
    };
}

pages! {
    Behaviours = "behaviours.md",
    Benchmarks = "benchmarks.md",
    Events = "events.md",
    Metrics = "metrics.md",
    Contents = "guide/README.md",
    Choose = "guide/choose.md",
    Cacheable = "guide/cacheable.md",
    Batch = "guide/batch.md",
    CacheInvalidate = "guide/cache_invalidate.md",
    CachePut = "guide/cache_put.md",
    CacheRefresh = "guide/cache_refresh.md",
    Lifetimes = "guide/lifetimes.md",
    Conditional = "guide/conditional.md",
    Bytes = "guide/bytes.md",
    CircuitBreaker = "guide/circuit_breaker.md",
    Retry = "guide/retry.md",
    Timeout = "guide/timeout.md",
    Bulkhead = "guide/bulkhead.md",
    RateLimit = "guide/rate_limit.md",
    Hedge = "guide/hedge.md",
    Erase = "guide/erase.md",
    Fallback = "guide/fallback.md",
    Timed = "guide/timed.md",
    Indexed = "guide/indexed.md",
    SlowQueries = "guide/slow-queries.md",
    Changes = "guide/changes.md",
    Http = "guide/http.md",
    HttpCache = "guide/http-cache.md",
    Idempotency = "guide/idempotency.md",
    Monitor = "guide/monitor.md",
    Provenance = "guide/provenance.md",
    Traces = "guide/traces.md",
    Demo = "guide/demo.md",
    Order = "guide/order.md",
    Settings = "guide/settings.md",
    BreakerDefaults = "guide/breaker-defaults.md",
    Keys = "guide/keys.md",
    Coherence = "guide/coherence.md",
    Direct = "guide/direct.md",
    Bypass = "guide/bypass.md",
    Transactions = "guide/transactions.md",
    Tags = "guide/tags.md",
    Testing = "guide/testing.md",
    Codecs = "guide/codecs.md",
    Encryption = "guide/encryption.md",
    Operations = "guide/operations.md",
    Troubleshooting = "guide/troubleshooting.md",
    FromSpring = "guide/coming-from/spring.md",
    FromCached = "guide/coming-from/cached.md",
    FromMoka = "guide/coming-from/moka.md",
    FromResilience = "guide/coming-from/resilience.md",
    FromDotnet = "guide/coming-from/dotnet.md",
    FromPython = "guide/coming-from/python.md",
    FromMongoose = "guide/coming-from/mongoose.md",
    DesignCoherence = "design/coherence.md",
    DesignLocalTier = "design/local-tier.md",
    DesignSharedTier = "design/shared-tier.md",
    DesignKeys = "design/keys-and-macros.md",
    DesignResilience = "design/resilience.md",
    DesignHttp = "design/http.md",
    DesignMongo = "design/mongodb.md",
    DesignMonitoring = "design/monitoring.md",
    DesignPerformance = "design/performance.md",
    DesignModules = "design/modules.md",
}
