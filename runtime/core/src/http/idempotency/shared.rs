//! State that all services of one layer share: its settings, and the stores of answers.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::StatusCode;

use super::table::RequestTable;
use crate::direct::Cache;
use crate::handle::Fastness;
use crate::http::reading::BodyReader;
use crate::http::types::RequestNameFn;
use crate::timed::LogThrottle;

type StatusFn = Arc<dyn Fn(StatusCode) -> bool + Send + Sync>;

/// Settings of a layer, and its tiers, which are created by the first request.
#[derive(Clone)]
pub(super) struct IdempotencyConfig {
    on: Option<Fastness>,
    /// Shared by all clones of a layer.
    tiers: Arc<OnceLock<AnswerTiers>>,
    pub(super) ttl: Duration,
    pub(super) claim: Duration,
    pub(super) memory: usize,
    pub(super) reader: BodyReader,
    pub(super) max_response_bytes: usize,
    pub(super) principal: Option<RequestNameFn>,
    pub(super) is_stored: StatusFn,
    pub(super) required: bool,
    /// Limits log lines about answers that broke off to one per second.
    pub(super) broken: Arc<LogThrottle>,
}

/// Stores of answers: the table of this process, and the cache with its shared tier.
#[derive(Clone)]
pub(super) struct AnswerTiers {
    pub(super) table: Arc<RequestTable>,
    pub(super) cache: Cache,
}

impl IdempotencyConfig {
    pub(super) fn new() -> Self {
        Self {
            on: None,
            tiers: Arc::default(),
            ttl: Duration::from_secs(24 * 60 * 60),
            claim: Duration::from_secs(60),
            memory: 64 << 20,
            reader: BodyReader::new(1 << 20, 64 << 20, Duration::from_secs(30)),
            max_response_bytes: 256 << 10,
            principal: None,
            is_stored: Arc::new(is_final),
            required: false,
            broken: Arc::new(LogThrottle::new()),
        }
    }

    pub(super) fn set_handle(&mut self, handle: &Fastness) {
        self.on = Some(handle.clone());
        self.tiers = Arc::default();
    }

    pub(super) fn tiers(&self) -> &AnswerTiers {
        self.tiers.get_or_init(|| {
            let handle = self.on.clone().unwrap_or_else(Fastness::current);
            AnswerTiers { table: Arc::new(RequestTable::new(handle.clock().clone())), cache: handle.cache() }
        })
    }
}

/// Returns whether a later attempt would get the same answer. 408, 425 and 429 depend on the time of the attempt.
fn is_final(status: StatusCode) -> bool {
    (200..500).contains(&status.as_u16()) && ![408, 425, 429].contains(&status.as_u16())
}
