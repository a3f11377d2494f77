//! What the server has: how much there is to ask for, and which words to search for.

use std::ops::Sub;
use std::time::Duration;

use reqwest::Client;
use serde_json::Value;

use super::mix::Zipf;
use crate::cli::queries::rare_word;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct World {
    pub(super) url: String,
    client: Client,
    pub(super) products: Zipf,
    pub(super) users: Zipf,
    pub(super) businesses: Zipf,
    /// Words that some product has, the most popular first.
    pub(super) words: Vec<String>,
    pub(super) popularity: Zipf,
}

/// What caches were asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LookUps {
    pub(super) hits: u64,
    pub(super) misses: u64,
}

impl Sub for LookUps {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self { hits: self.hits.saturating_sub(earlier.hits), misses: self.misses.saturating_sub(earlier.misses) }
    }
}

impl World {
    /// Asks the server at `url`.
    pub(super) async fn look(url: &str, exponent: f64) -> Result<Self, String> {
        let client = client()?;
        let url = url.trim_end_matches('/').to_owned();
        let total = async |what: &str| {
            let page = ask(&client, &format!("{url}/api/{what}?limit=1")).await?;
            page["total"].as_u64().filter(|total| *total > 0).ok_or_else(|| {
                format!("{url} has no {what}; fill it first: `demo-app seed`, or SEED=true for the embedded store")
            })
        };
        let (products, users, businesses) =
            (total("products").await?, total("users").await?, total("businesses").await?);
        let words = words(&ask(&client, &format!("{url}/api/products?limit=100")).await?);
        Ok(Self {
            products: Zipf::new(products, exponent),
            users: Zipf::new(users, exponent),
            businesses: Zipf::new(businesses, exponent),
            popularity: Zipf::new(words.len() as u64, exponent),
            words,
            client,
            url,
        })
    }

    /// What the server's caches were asked for since it started.
    pub(super) async fn look_ups(&self) -> Result<LookUps, String> {
        let stats = ask(&self.client, &format!("{}/api/cache/stats", self.url)).await?;
        let count = |name: &str| stats[name].as_u64();
        match (count("hits"), count("misses")) {
            (Some(hits), Some(misses)) => Ok(LookUps { hits, misses }),
            _ => Err(format!("{}/api/cache/stats does not tell hits and misses", self.url)),
        }
    }
}

/// A client with one connection at a time that is kept open.
pub(super) fn client() -> Result<Client, String> {
    let client = Client::builder().no_proxy().pool_max_idle_per_host(1).timeout(Duration::from_secs(10));
    client.build().map_err(|error| error.to_string())
}

async fn ask(client: &Client, url: &str) -> Result<Value, String> {
    let answer = client.get(url).send().await.and_then(reqwest::Response::error_for_status);
    let answer = match answer {
        Ok(answer) => answer.json().await,
        Err(error) => Err(error),
    };
    answer.map_err(|error| format!("{url} does not answer as the demo does: {error}"))
}

/// Of each product on the page a rare word of its description, or the first of its name.
fn words(page: &Value) -> Vec<String> {
    let products = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut words: Vec<String> = Vec::new();
    for product in products {
        let rare = product["description"].as_str().and_then(rare_word);
        let first = || product["name"].as_str()?.split_whitespace().next().map(str::to_lowercase);
        words.extend(rare.or_else(first).filter(|word| word.bytes().all(|byte| byte.is_ascii_alphanumeric())));
    }
    let mut seen = std::collections::HashSet::new();
    words.retain(|word| seen.insert(word.clone()));
    words
}
