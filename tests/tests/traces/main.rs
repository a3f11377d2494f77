//! Spans, as OpenTelemetry exports them: a program of its own, because the subscriber is that of the whole process.

mod calls;
mod page;
mod policies;
mod responses;
mod shared;

use std::sync::LazyLock;

use fastness::{Fastness, with_cache};
use opentelemetry::trace::{SpanId, TraceContextExt, TraceId, TracerProvider};
use opentelemetry::{Key, Value};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing::{Instrument, Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The exporter of this process, which is set up with its subscriber.
static EXPORTED: LazyLock<InMemorySpanExporter> = LazyLock::new(|| {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("traces"));
    tracing_subscriber::registry().with(layer).init();
    exporter
});

/// The trace of one test: all spans below one.
struct Trace {
    id: TraceId,
    root: Span,
}

impl Trace {
    fn begin() -> Self {
        LazyLock::force(&EXPORTED);
        let root = info_span!("test");
        let id = root.context().span().span_context().trace_id();
        assert_ne!(id, TraceId::INVALID);
        Self { id, root }
    }

    /// Runs a future inside of the trace, on a cache of its own.
    async fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.run_on(&Fastness::builder().build().unwrap(), future).await
    }

    async fn run_on<T>(&self, fast: &Fastness, future: impl Future<Output = T>) -> T {
        with_cache(fast, future).instrument(self.root.clone()).await
    }

    /// The spans of this name that have ended, in their order.
    fn spans(&self, name: &str) -> Vec<Exported> {
        self.all().into_iter().filter(|span| span.0.name == name).collect()
    }

    /// The span of this name.
    fn span(&self, name: &str) -> Exported {
        let mut spans = self.spans(name);
        assert_eq!(spans.len(), 1, "`{name}` in {:?}", self.names());
        spans.remove(0)
    }

    fn names(&self) -> Vec<String> {
        self.all().iter().map(|span| span.0.name.to_string()).collect()
    }

    fn all(&self) -> Vec<Exported> {
        exported().into_iter().filter(|span| span.0.span_context.trace_id() == self.id).collect()
    }

    fn root(&self) -> SpanId {
        self.root.context().span().span_context().span_id()
    }
}

/// All spans of this process that have ended.
fn exported() -> Vec<Exported> {
    EXPORTED.get_finished_spans().unwrap().into_iter().map(Exported).collect()
}

/// A span as it was exported.
#[derive(Debug)]
struct Exported(SpanData);

impl Exported {
    /// The value of an attribute, of which there is one at most.
    fn get(&self, key: &'static str) -> Option<Value> {
        let key = Key::from_static_str(key);
        let mut values = self.0.attributes.iter().filter(|attribute| attribute.key == key);
        let value = values.next().map(|attribute| attribute.value.clone());
        assert!(values.next().is_none(), "`{key}` twice in {self:?}");
        value
    }

    /// The text of an attribute; empty if there is none.
    fn text(&self, key: &'static str) -> String {
        self.get(key).map(|value| value.to_string()).unwrap_or_default()
    }

    fn outcome(&self) -> String {
        self.text("fastness.outcome")
    }

    fn number(&self, key: &'static str) -> Option<i64> {
        self.get(key).map(|value| match value {
            Value::I64(number) => number,
            other => panic!("`{key}` is no number: {other:?}"),
        })
    }

    fn is_failed(&self) -> bool {
        matches!(self.0.status, opentelemetry::trace::Status::Error { .. })
    }

    fn id(&self) -> SpanId {
        self.0.span_context.span_id()
    }

    fn parent(&self) -> SpanId {
        self.0.parent_span_id
    }

    /// The messages of the events in this span.
    fn events(&self) -> Vec<String> {
        self.0.events.iter().map(|event| event.name.to_string()).collect()
    }
}
