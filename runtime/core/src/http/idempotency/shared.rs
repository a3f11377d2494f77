//! The part that all services of one layer have in common: its settings, and where answers are kept.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::StatusCode;
use http::request::Parts;

use super::table::Table;
use crate::direct::Cache;
use crate::handle::Fastness;
use crate::http::reading::Reader;
use crate::timed::Gate;

type Principal = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;
type Keeps = Arc<dyn Fn(StatusCode) -> bool + Send + Sync>;

/// The settings of a layer, and its tiers once a request has come.
#[derive(Clone)]
pub(super) struct Shared {
    on: Option<Fastness>,
    /// Shared by all clones of a layer.
    tiers: Arc<OnceLock<Tiers>>,
    pub(super) ttl: Duration,
    pub(super) claim: Duration,
    pub(super) memory: usize,
    pub(super) reader: Reader,
    pub(super) max_response_bytes: usize,
    pub(super) principal: Option<Principal>,
    pub(super) keep: Keeps,
    pub(super) required: bool,
    /// Lets through one line a second about answers that broke off.
    pub(super) broken: Arc<Gate>,
}

/// The places of answers: this process, and the cache with its shared tier.
#[derive(Clone)]
pub(super) struct Tiers {
    pub(super) table: Arc<Table>,
    pub(super) cache: Cache,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            on: None,
            tiers: Arc::default(),
            ttl: Duration::from_secs(24 * 60 * 60),
            claim: Duration::from_secs(60),
            memory: 64 << 20,
            reader: Reader::new(1 << 20, 64 << 20, Duration::from_secs(30)),
            max_response_bytes: 256 << 10,
            principal: None,
            keep: Arc::new(is_kept),
            required: false,
            broken: Arc::new(Gate::new()),
        }
    }

    pub(super) fn set_handle(&mut self, handle: &Fastness) {
        self.on = Some(handle.clone());
        self.tiers = Arc::default();
    }

    pub(super) fn tiers(&self) -> &Tiers {
        self.tiers.get_or_init(|| {
            let handle = self.on.clone().unwrap_or_else(Fastness::current);
            Tiers { table: Arc::new(Table::new(handle.clock().clone())), cache: handle.cache() }
        })
    }
}

/// Returns whether a later attempt would be answered with the same again. Too early, too slow and too often are no such answers.
fn is_kept(status: StatusCode) -> bool {
    (200..500).contains(&status.as_u16()) && ![408, 425, 429].contains(&status.as_u16())
}
