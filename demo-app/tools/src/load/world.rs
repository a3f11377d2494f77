//! The server's data: the ids to ask for, and the words to search for.

use std::time::Duration;

use reqwest::Client;
use serde_json::Value;

use super::mix::Zipf;
use crate::queries::rare_word;
use demo_app::config::Url;

/// The numbers of documents on a server, and words that its products have.
#[derive(Debug)]
pub(super) struct World {
    pub(super) url: String,
    pub(super) products: Zipf,
    pub(super) users: Zipf,
    pub(super) businesses: Zipf,
    /// Words that some product has, the most popular first.
    pub(super) words: Vec<String>,
    pub(super) popularity: Zipf,
}

impl World {
    /// The ids and words of the server at `at`. The popularity of each follows Zipf's law with this exponent.
    pub(super) async fn from_server(at: &Url, exponent: f64) -> Result<Self, String> {
        let client = client()?;
        let url = at.expose().trim_end_matches('/').to_owned();
        let total = async |what: &str| {
            let page = ask(&client, at, &format!("/api/{what}?limit=1")).await?;
            page["total"].as_u64().filter(|total| *total > 0).ok_or_else(|| {
                format!("{at} has no {what}; fill it first: `demo-tools seed`, or SEED=true for the embedded store")
            })
        };
        let (products, users, businesses) =
            (total("products").await?, total("users").await?, total("businesses").await?);
        let words = words(&ask(&client, at, "/api/products?limit=100").await?);
        Ok(Self {
            products: Zipf::new(products, exponent),
            users: Zipf::new(users, exponent),
            businesses: Zipf::new(businesses, exponent),
            popularity: Zipf::new(words.len() as u64, exponent),
            words,
            url,
        })
    }
}

/// A client with one connection at a time that is kept open.
pub(super) fn client() -> Result<Client, String> {
    let client = Client::builder().no_proxy().pool_max_idle_per_host(1).timeout(Duration::from_secs(10));
    client.build().map_err(|error| error.to_string())
}

async fn ask(client: &Client, at: &Url, path: &str) -> Result<Value, String> {
    let url = format!("{}{path}", at.expose().trim_end_matches('/'));
    let answer = client.get(url).send().await.and_then(reqwest::Response::error_for_status);
    let answer = match answer {
        Ok(answer) => answer.json().await,
        Err(error) => Err(error),
    };
    answer.map_err(|error| format!("{at} does not answer {path} as the demo does: {}", error.without_url()))
}

/// A rare word of the description of each product on the page, or the first of its name.
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
