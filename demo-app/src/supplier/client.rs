use std::sync::Arc;

use fastness::resilience::{Rejected, TimedOut};
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::StandIn;
use crate::config::Url;

/// What the supplier says of a product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rating {
    /// From 1 to 5; nothing if nobody could be asked.
    pub stars: Option<f32>,
    /// How many people rated it.
    pub reviews: u32,
}

impl Rating {
    /// What is said where nothing is known.
    pub const UNKNOWN: Self = Self { stars: None, reviews: 0 };
}

/// Why there is no rating.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SupplierError {
    /// The supplier has no such product. That is an answer, and says that the supplier works.
    #[error("the supplier knows no such product")]
    NoSuchProduct,
    /// It answers with errors.
    #[error("the supplier answered {0}")]
    Refused(StatusCode),
    /// It cannot be reached, or says nothing that makes sense.
    #[error("the supplier cannot be reached: {0}")]
    Unreachable(Arc<reqwest::Error>),
    /// It takes too long.
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
    /// It was not asked.
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

impl SupplierError {
    /// Whether the question was at fault, and not the supplier.
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::NoSuchProduct)
    }

    /// Whether it may go better a moment later.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Unreachable(_) | Self::TimedOut(_))
    }
}

impl From<reqwest::Error> for SupplierError {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(Arc::new(error.without_url()))
    }
}

/// Asks a supplier.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    url: Url,
}

impl Client {
    /// The supplier at `url`, such as `http://ratings.example:4000`, by the system's proxy if there is one.
    pub fn new(url: impl Into<Url>) -> Self {
        Self { http: reqwest::Client::new(), url: url.into() }
    }

    /// The supplier in this process.
    pub(super) fn of(stand_in: &StandIn) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap_or_default();
        Self { http, url: stand_in.url().into() }
    }

    /// Where the supplier is. Printed, it shows neither user nor password.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Asks for one rating, once.
    ///
    /// # Errors
    ///
    /// All that can go wrong between two computers.
    pub async fn rating(&self, product: u64) -> Result<Rating, SupplierError> {
        let response = self.http.get(format!("{}/ratings/{product}", self.url.expose())).send().await?;
        match response.status() {
            StatusCode::NOT_FOUND => Err(SupplierError::NoSuchProduct),
            status if status.is_success() => Ok(response.json().await?),
            status => Err(SupplierError::Refused(status)),
        }
    }
}
