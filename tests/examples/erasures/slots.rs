//! The slots that move.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::sleep;

use crate::Servers;

/// Moves slots from one master to another, without end. Only with `log`, the slot of the log is among them.
pub(crate) async fn run(servers: Arc<Servers>, kind: String, prefix: String, moved: Arc<AtomicU64>) {
    let Servers::Many(cluster) = &*servers else { return };
    if kind == "cluster" {
        return;
    }
    let log = cluster.slot_of(&format!("{prefix}log")).await;
    let mut owners: HashMap<u16, u16> = cluster
        .slots()
        .await
        .into_iter()
        .flat_map(|(port, slots)| slots.into_iter().map(move |slot| (slot, port)))
        .collect();
    let masters: Vec<u16> = owners.values().copied().collect::<HashSet<_>>().into_iter().collect();
    for round in 0_u64.. {
        let moves_log = kind == "log" && round.is_multiple_of(100);
        let slot = if moves_log { log } else { fastrand::u16(0..16_384) };
        let from = owners[&slot];
        let others: Vec<_> = masters.iter().filter(|port| **port != from).collect();
        let to = **fastrand::choice(&others).expect("another master");
        if slot != log || moves_log {
            match cluster.move_slot(slot, from, to).await {
                Ok(()) => {
                    owners.insert(slot, to);
                    moved.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => panic!("slot {slot} does not move from {from} to {to}: {error}"),
            }
        }
        #[expect(clippy::disallowed_methods, reason = "clients have to learn of a move before the next one")]
        sleep(Duration::from_millis(30)).await;
    }
}
