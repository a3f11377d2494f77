//! Sizes of the futures of annotated functions: the bytes that each call moves, and that each waiting task holds.
//!
//! The bounds are those of the table in docs/design/performance.md. Each function has the same body, so that a row less the first is what
//! its attributes add.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use fastness::resilience::{Rejected, TimedOut};
use fastness::{bulkhead, cacheable, circuit_breaker, fallback, hedge, retry, timed, timeout};

#[derive(Clone, Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

type Answer = Result<Arc<u64>, Fault>;

async fn bare(id: u64) -> Answer {
    tokio::task::yield_now().await;
    Ok(Arc::new(id))
}

#[cacheable(ttl = 60, key = "size:{id}")]
async fn cached(id: u64) -> Answer {
    bare(id).await
}

#[cacheable(ttl = 60, key = "size:{name}")]
async fn by_text(name: &str) -> Answer {
    bare(name.len() as u64).await
}

#[cacheable(ttl = 60, key = "size:{id}", load = task)]
async fn in_a_task(id: u64) -> Answer {
    bare(id).await
}

#[cacheable(ttl = 60, key = "size:{id}", stale = 60, refresh = background)]
async fn in_the_background(id: u64) -> Answer {
    bare(id).await
}

#[cacheable(ttl = 60, key = "size:{ids}", batch(ids))]
async fn many(ids: &[u64]) -> Result<HashMap<u64, Arc<u64>>, Fault> {
    let mut found = HashMap::new();
    for &id in ids {
        found.insert(id, bare(id).await?);
    }
    Ok(found)
}

#[timed]
async fn clocked(id: u64) -> Answer {
    bare(id).await
}

#[circuit_breaker]
async fn broken(id: u64) -> Answer {
    bare(id).await
}

#[retry(attempts = 3)]
async fn tried(id: u64) -> Answer {
    bare(id).await
}

#[timeout("1s")]
async fn bounded(id: u64) -> Answer {
    bare(id).await
}

#[bulkhead(max = 8)]
async fn few(id: u64) -> Answer {
    bare(id).await
}

#[hedge(p95 = "10ms")]
async fn twice(id: u64) -> Answer {
    bare(id).await
}

async fn otherwise(id: u64, _: Fault) -> Answer {
    bare(id).await
}

#[fallback(otherwise)]
async fn saved(id: u64) -> Answer {
    bare(id).await
}

#[fallback(otherwise)]
#[cacheable(ttl = 60, key = "size:{id}")]
#[circuit_breaker]
#[retry(attempts = 3)]
#[timeout("1s")]
#[bulkhead(max = 8)]
async fn stack(id: u64) -> Answer {
    bare(id).await
}

/// The table of docs/design/performance.md: the largest allowed size of each future.
fn bounds() -> BTreeMap<String, usize> {
    let design =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/design/performance.md")).unwrap();
    let (_, table) = design.split_once("| future of | at most, bytes |").expect("the table of sizes");
    let rows = table.lines().skip(2).map_while(|line| line.strip_prefix("| "));
    let cells = rows.map(|row| row.split(" | ").map(|cell| cell.trim_matches([' ', '|', '`']).to_owned()).collect());
    cells.map(|cells: Vec<_>| (cells[0].clone(), cells[1].parse().expect("a number of bytes"))).collect()
}

#[test]
fn a_future_is_no_larger_than_the_table_says() {
    let sizes = [
        ("the bare function", size_of_val(&bare(1))),
        ("#[cacheable]", size_of_val(&cached(1))),
        ("#[cacheable], by &str", size_of_val(&by_text("1"))),
        ("#[cacheable(load = task)]", size_of_val(&in_a_task(1))),
        ("#[cacheable(refresh = background)]", size_of_val(&in_the_background(1))),
        ("#[cacheable(batch(ids))]", size_of_val(&many(&[1]))),
        ("#[timed]", size_of_val(&clocked(1))),
        ("#[circuit_breaker]", size_of_val(&broken(1))),
        ("#[retry]", size_of_val(&tried(1))),
        ("#[timeout]", size_of_val(&bounded(1))),
        ("#[bulkhead]", size_of_val(&few(1))),
        ("#[hedge]", size_of_val(&twice(1))),
        ("#[fallback]", size_of_val(&saved(1))),
        ("all six of the stack in the guide", size_of_val(&stack(1))),
    ];
    let table = sizes.map(|(name, size)| format!("{name}: {size}")).join("\n");
    println!("{table}");
    let bounds = bounds();
    assert_eq!(bounds.len(), sizes.len(), "the table has other rows");
    for (name, size) in sizes {
        let bound = bounds.get(name).unwrap_or_else(|| panic!("no row `{name}` in {bounds:?}"));
        assert!(size <= *bound, "{name}: {size} bytes, more than {bound}, of\n{table}");
    }
}
