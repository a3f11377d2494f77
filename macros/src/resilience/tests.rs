use super::{bulkhead, circuit_breaker, fallback, hedge, rate_limit, retry, timeout};
use crate::snapshot::{expand, matches};

const METHOD: &str =
    "async fn rating(&self, id: u64, region: &str) -> Result<Rating, Error> { self.ask(id, region).await }";

#[test]
fn every_attribute_of_resilience_expands_as_its_snapshot() {
    let breaker = "name = \"supplier\", failure_rate = 40, window = 100, open_for = \"2s\", timeout = \"1s\", ignore = |e| e.is_ours()";
    matches("circuit_breaker", &expand(circuit_breaker::attribute, breaker, METHOD));
    let per = "name = \"host\", per = \"{region}\", fallback = Self::last_known";
    matches("circuit_breaker_per", &expand(circuit_breaker::attribute, per, METHOD));
    matches("retry", &expand(retry::attribute, "attempts = 5, wait = \"10ms\", when = |e| e.is_busy()", METHOD));
    matches("timeout", &expand(timeout::attribute, "\"2s\"", METHOD));
    matches("bulkhead", &expand(bulkhead::attribute, "max = 8, wait = \"5ms\"", METHOD));
    matches("rate_limit", &expand(rate_limit::attribute, "calls = 10, per = \"1s\", key = region", METHOD));
    matches("hedge", &expand(hedge::attribute, "p95 = \"20ms\", budget = 50", METHOD));
    matches("timeout_each_call", &expand(timeout::attribute, "self.timeout", METHOD));
    let varies = "attempts = self.attempts, wait = \"10ms\", backoff = constant, budget = BUDGET";
    matches("retry_each_call", &expand(retry::attribute, varies, METHOD));
    matches("bulkhead_evaluated", &expand(bulkhead::attribute, "max = PLACES, wait = self.timeout", METHOD));
    let rate = "calls = self.calls, per = \"1s\", key = region, keys = KEYS";
    matches("rate_limit_each_call", &expand(rate_limit::attribute, rate, METHOD));
    matches("fallback", &expand(fallback::attribute, "Self::last_known", METHOD));
    let lent = "async fn save(&mut self, conn: &mut Conn, id: u64, name: &str) -> Result<(), Error> { self.put(conn, id, name).await }";
    matches("retry_lent", &expand(retry::attribute, "when = |e| e.is_busy()", lent));
    let lent = "fn save(mut conn: &mut Conn, id: u64) -> Result<(), Error> { conn.put(id) }";
    matches("retry_lent_sync", &expand(retry::attribute, "", lent));
    let sync = "fn sum(mut values: Vec<u64>) -> Result<u64, Error> { values.sort(); total(values) }";
    matches("retry_sync", &expand(retry::attribute, "", sync));
}
