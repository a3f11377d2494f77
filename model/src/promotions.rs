//! Scenarios in which two servers take writes, because a former master goes on after a promotion.

use crate::catalogue::{A, B, EXACT, NONE, PUT, READ};
use crate::scenario::{Begin, Scenario, Warm};
use crate::state::Faults;
use crate::takeover::Takeover;

/// The former master goes on for a tick, with all nodes that are connected to it.
const PLANNED: Takeover = Takeover { wait: 2, goes_on: Some(1), lease: None, lag: 0, single: false, replay: false };
/// The former master goes on until the next tick.
const SHORT: Takeover = Takeover { wait: 1, goes_on: Some(0), ..PLANNED };
/// The former master goes on for ever, together with processes that are cut off with it.
const ALONE: Takeover = Takeover { wait: 1, goes_on: None, lease: Some(0), ..PLANNED };
/// The former master goes on for longer than the wait.
const REPLAY: Takeover = Takeover { wait: 1, goes_on: Some(1), replay: true, ..PLANNED };
/// The Sentinels learn of the promotion a tick late, and a lease lasts for another tick.
const LATER: Takeover = Takeover { wait: 3, lease: Some(1), lag: 1, ..ALONE };

impl Scenario {
    /// Scenarios in which two servers take writes: an announcement on either binds every node.
    pub fn takeovers() -> Vec<Self> {
        let stores = [(A, EXACT), (B, READ), (B, READ)];
        let moves = [(A, EXACT), (B, READ), (A, READ)];
        let reads = [(A, EXACT), (B, READ)];
        let announces = [(A, READ), (B, EXACT)];
        vec![
            Self::new("promotion", &stores).takes_over(PLANNED, 2).without_heartbeats(),
            Self::new("promotion, newcomer", &stores)
                .takes_over(SHORT, 3)
                .begin(Begin::PromotedNewcomer)
                .without_heartbeats(),
            Self::new("promotion, answer in the wait", &reads).takes_over(SHORT, 2).shared().without_heartbeats(),
            Self::new("promotion, memory", &reads).takes_over(PLANNED, 4).warm().steady(A),
            Self::new("promotion, two reads", &stores).takes_over(SHORT, 3).steady(A),
            Self::new("promotion, two links", &reads).takes_over(SHORT, 1).shared().links(1, 2).without_heartbeats(),
            Self::new("promotion, put", &[(A, PUT), (B, READ), (A, READ)]).takes_over(SHORT, 1).without_heartbeats(),
            Self::new("promotion, empty", &moves).takes_over(SHORT, 1).begin(Begin::PromotedEmpty).without_heartbeats(),
            Self::new("return", &reads).takes_over(PLANNED, 2).begin(Begin::Returned).without_heartbeats(),
            Self::new("first", &stores)
                .takes_over(Takeover { single: true, ..SHORT }, 1)
                .begin(Begin::First)
                .without_heartbeats(),
            Self::new("lease", &stores).takes_over(ALONE, 3).begin(Begin::PromotedLeft).steady(A),
            Self::new("lease, newcomer", &[(A, EXACT), (B, READ)])
                .takes_over(ALONE, 2)
                .begin(Begin::PromotedNewcomer)
                .shared()
                .steady(B),
            Self::new("lease, read", &announces).takes_over(ALONE, 2).begin(Begin::PromotedLeft).shared().steady(A),
            Self::new("lease, memory", &announces).takes_over(ALONE, 3).begin(Begin::PromotedLeft).warm().steady(A),
        ]
    }

    /// Larger scenarios of this kind, with some hundred thousand to some million states each.
    pub fn large_takeovers() -> Vec<Self> {
        let moves = [(A, EXACT), (B, READ), (A, READ)];
        vec![
            Self::new("two promotions", &moves).takes_over(SHORT, 2).handovers(1).without_heartbeats(),
            Self::new("replay", &moves).takes_over(REPLAY, 2).without_heartbeats(),
            Self::new("promotion, two writers", &[(A, EXACT), (B, EXACT), (A, READ), (B, READ)])
                .takes_over(SHORT, 1)
                .without_heartbeats(),
            Self::new("two promotions, newcomer", &moves)
                .takes_over(SHORT, 2)
                .begin(Begin::PromotedNewcomer)
                .handovers(1)
                .without_heartbeats(),
            Self::new("lease, later", &[(A, EXACT), (B, READ), (B, READ)])
                .takes_over(LATER, 4)
                .begin(Begin::PromotedLeft)
                .steady(A),
        ]
    }

    /// Scenarios outside the contract, in which the protocol allows a stale read.
    pub fn limits() -> Vec<Self> {
        vec![
            Self::new("one address, a successor that begins empty", &[(A, EXACT), (B, READ), (A, READ)])
                .takes_over(Takeover { single: true, ..SHORT }, 1)
                .begin(Begin::PromotedEmpty)
                .without_heartbeats(),
            Self::new("one address, back to a server that a newcomer does not know was left", &[(A, EXACT), (B, READ)])
                .takes_over(Takeover { single: true, ..SHORT }, 1)
                .begin(Begin::ReturnedNewcomer)
                .without_heartbeats(),
        ]
    }

    /// Begins with a promotion: no value is stored, and each node makes its calls one by one.
    fn takes_over(self, takeover: Takeover, ticks: u8) -> Self {
        let faults = Faults { ticks, ..NONE };
        let takeover = Some(takeover);
        Self { takeover, begin: Begin::Promoted, warm: Warm::Nothing, sequential: true, faults, ..self }
    }

    fn handovers(self, handovers: u8) -> Self {
        Self { faults: Faults { handovers, ..self.faults }, ..self }
    }

    fn warm(self) -> Self {
        Self { warm: Warm::All, ..self }
    }

    fn without_heartbeats(self) -> Self {
        Self { heartbeats: false, ..self }
    }
}
