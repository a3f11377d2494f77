//! The keys that are asked for: a few hot ones, or Zipf over all.
//!
//! Everything is drawn beforehand and seeded, so a case pays for reading the next key from an array and nothing else, and
//! two runs ask for the same keys.

use std::sync::LazyLock;

use fastrand::Rng;

use crate::origin::{self, USERS};

/// The exponent of the Zipf law: a few keys take most of the reads, and the tail is long.
pub const SKEW: f64 = 0.99;

/// Keys that are drawn before they repeat.
const DRAWN: usize = 1 << 20;

/// The distribution of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// The same 64 keys for all threads, each as often as the others: all in the CPU's caches.
    Hot,
    /// The same thousand keys, each as often as the others.
    Thousand,
    /// Zipf 0.99 over 100 000 keys: misses of the CPU's caches dominate.
    Zipf,
}

impl Traffic {
    /// The keys of one thread.
    pub fn draw(self, seed: u64) -> Vec<u64> {
        let mut rng = Rng::with_seed(seed);
        let mut of_few = |few| {
            let mut fixed = Rng::with_seed(64);
            let hot: Vec<u64> = (0..few).map(|_| fixed.u64(..USERS as u64)).collect();
            (0..DRAWN).map(|_| hot[rng.usize(..hot.len())]).collect()
        };
        match self {
            Self::Hot => of_few(64),
            Self::Thousand => of_few(1_000),
            Self::Zipf => Zipf::over(USERS, SKEW).take(DRAWN, &mut rng),
        }
    }

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hot => "hot64",
            Self::Thousand => "1 000 keys",
            Self::Zipf => "zipf",
        }
    }
}

/// Zipf's law over numbers, of which each has a rank of its own that its size does not tell.
#[derive(Clone, Debug)]
pub struct Zipf {
    cumulative: Vec<f64>,
    by_rank: Vec<u64>,
}

impl Zipf {
    /// The law over `0..keys`; the ranks are the same in every run.
    pub fn over(keys: usize, skew: f64) -> Self {
        let mut sum = 0.0;
        let cumulative = (1..=keys)
            .map(|rank| {
                sum += (rank as f64).powf(-skew);
                sum
            })
            .collect();
        let mut by_rank: Vec<u64> = (0..keys as u64).collect();
        Rng::with_seed(7).shuffle(&mut by_rank);
        Self { cumulative, by_rank }
    }

    /// The next key.
    pub fn draw(&self, rng: &mut Rng) -> u64 {
        let total = self.cumulative[self.cumulative.len() - 1];
        let drawn = rng.f64() * total;
        let rank = self.cumulative.partition_point(|&upto| upto <= drawn);
        self.by_rank[rank.min(self.by_rank.len() - 1)]
    }

    /// The next so many keys.
    pub fn take(&self, count: usize, rng: &mut Rng) -> Vec<u64> {
        (0..count).map(|_| self.draw(rng)).collect()
    }

    /// The share of reads that would hit if the best `kept` keys were always there: what no policy without foresight beats.
    pub fn best(&self, kept: usize) -> f64 {
        let total = self.cumulative[self.cumulative.len() - 1];
        self.cumulative[kept - 1] / total
    }
}

static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| (0..USERS as u64).map(origin::name_of).collect());

/// A user's name, from memory.
#[inline]
pub fn name(id: u64) -> &'static str {
    &NAMES[id as usize]
}

/// Reads all of a text and makes a number of it, as cheaply as that can be done.
#[inline]
pub fn read(text: &str) -> u64 {
    let mut sum = text.len() as u64;
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    for word in words {
        sum ^= u64::from_ne_bytes(*word);
    }
    rest.iter().fold(sum, |sum, &byte| sum ^ u64::from(byte))
}
