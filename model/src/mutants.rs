//! Mistakes in the protocol, each of which some scenario catches. Each is one condition in a step, so that the protocol is written
//! only once.

use crate::takeover::Takeover;

/// The rules that a run follows: the protocol, or the protocol with one mistake.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    mutant: Option<Mutant>,
    takeover: Option<Takeover>,
}

impl Rules {
    /// Returns the protocol with this mistake.
    pub fn with(mutant: Mutant) -> Self {
        Self { mutant: Some(mutant), takeover: None }
    }

    pub(crate) fn has(self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    pub(crate) fn mutant(self) -> Option<Mutant> {
        self.mutant
    }

    /// Returns whether nodes enter a promoted server without a wait.
    pub(crate) fn enters_at_once(self) -> bool {
        [Mutant::EnterAtOnce, Mutant::LeaveAlone, Mutant::ReplayAlone].iter().any(|mutant| self.has(*mutant))
    }

    /// Adds the settings of a scenario.
    pub(crate) fn with_takeover(self, takeover: Option<Takeover>) -> Self {
        Self { takeover, ..self }
    }

    /// Returns the settings of the change of master, if the scenario has two writable servers.
    pub(crate) fn takeover(self) -> Option<Takeover> {
        self.takeover
    }
}

macro_rules! mutants {
    ($($name:ident: $text:literal, $scenario:literal;)*) => {
        /// A mistake in the protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutant {
            $(#[doc = $text] $name,)*
        }

        impl Mutant {
            /// Every mutant.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns the description.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Returns the scenario that catches the mutant. Empty if it does not break the contract; its description says why.
            pub fn scenario(self) -> &'static str {
                match self { $(Self::$name => $scenario,)* }
            }
        }
    };
}

mutants! {
    FillPositionAfterJudging: "an L1 fill from the shared tier takes the local position after judging", "invalidate";
    FillPositionAtReply: "an L1 fill takes the local position when the reply arrives instead of before GET is sent", "time, shared";
    JudgeIgnoresIncarnation: "a value of the shared tier is judged without its incarnation", "failover";
    IncarnationWithoutRun: "the incarnation is the nonce alone", "failover";
    IncarnationWithoutNonce: "the incarnation is the run id alone", "flush alone";
    RunOfProcess: "an incarnation names the server process, which may become primary again", "failback";
    OldReplyJudged: "a GET reply of a lost connection is judged: the tables know at least as much as when it was sent", "";
    OldReplyAccepted: "replies of a lost connection are handled on the next one", "failover alone";
    DoubtReadsShared: "scopes in doubt do not keep the node from reading the shared tier", "doubt";
    RaiseBeforeDoubt: "the local raise comes before the mark of doubt", "doubt";
    DoubtWithoutLocalRaise: "`LocalOnly` raises nothing locally", "doubt";
    NoReplay: "the replay is omitted", "doubt";
    ForgetBeforeReply: "the ring forgets an entry when its replay is sent", "doubt";
    FoldWithoutMax: "a record that was folded already is folded again, not by max", "two links, two writes";
    FoldTwice: "a record that was folded already raises the local table again: costs hits and a put's value", "";
    PositionBeforeTables: "a fold publishes the position before it raises", "partition, two links";
    LocalBeforeGlobal: "a fold raises the local table before the global one: a fill's local position is older than its GET, so it is invalid either way", "";
    EvictWithoutFloor: "an evicted pair does not raise the floor", "evict";
    ResetWithoutGlobalFloor: "a reset leaves the global floor at zero", "after a failover";
    ResetWithoutLocalFloor: "a reset leaves the local floor", "failover, two reads";
    ResetKeepsTable: "a reset keeps the ids of the former incarnation", "failover alone";
    ResetToRetired: "an incarnation that was left is entered again", "partition";
    OtherRunStaysConnected: "links to a former server stay in use after a reset", "partition, two links";
    GapUnnoticed: "a delta that does not begin with the known position counts as complete", "trim";
    GapWithoutLocalFloor: "a gap leaves the local floor", "trim and time";
    DeltaExclusive: "the delta is requested from after the known position, so that a gap is not noticed", "trim";
    PartialDelta: "the connection is used after a part of the delta", "resync";
    GenesisMissing: "an empty delta counts as complete", "flush and time";
    BeganAfterOrigin: "the start of a load is noted after the origin was read", "load";
    SharedPositionAtStore: "the shared tier gets the position of the time of storing", "load";
    JoinInvalidFlight: "a reader joins a flight that was overtaken", "load";
    TakeOverWithoutRead: "the next leader after a dropped one goes on from where that one was, under a new epoch", "cancel";
    TakeOverOldEpoch: "the next leader after a dropped one keeps the flight's old epoch, with a new read: fewer reads may join", "";
    PutStoresPosition: "a put stores the feed's position instead of its own id", "puts";
    PutWithoutVerdict: "a put stores its value although its key was invalidated since its body began", "puts";
    VerdictAfterRaise: "a put's verdict is asked after its own raise: nothing is ever stored", "";
    PutIgnoresTime: "a put's L1 entry counts as loaded when the reply arrives, not when the script was sent", "time and put";
    JoinRefreshedFlight: "a reader joins a flight that began before a refresh", "refresh";
    FillForgetsRefresh: "a value that is expired in the shared tier is fresh in L1", "refresh";
    RefreshTakesPair: "a scope has one pair, so that a refresh hides the invalidation before it", "refresh and invalidate";
    RefreshInDoubtIsFresh: "a refresh in doubt does not concern values of the shared tier", "refresh in doubt";
    ReplayAsRefresh: "an invalidation in doubt beside a refresh is replayed as a refresh", "refresh and invalidate in doubt";
    PutIgnoresRefresh: "a put stores its value although its key was refreshed since its body began", "put and refresh";
    TrustFromReceipt: "trust counts from the receipt of the heartbeat's reply", "slow heartbeat";
    SampleBeforeBump: "the ticker records the counter before it increments it", "time";
    SampleOfOlderTime: "the floor is raised to the sample of one tick too early", "time";
    SilentFloorStays: "a silent link does not raise the floor", "time";
    EnterAtOnce: "a promoted server is entered at once: no life names a server, or the mark does not name it and is inherited", "promotion";
    LeaveAlone: "instead of waiting, processes leave a former master once most Sentinels name another", "promotion";
    ReplayAlone: "instead of waiting, processes send recent announcements again on entering another server", "promotion";
    WaitNotLonger: "the wait is not longer than the time for which the former master goes on", "promotion";
    NewcomerEntersAtOnce: "a process that starts in the wait enters at once", "promotion, newcomer";
    EnterWithoutReset: "entering resets nothing: values that were loaded in the wait are served", "promotion, two reads";
    AppendInWait: "the reply of an unsettled server counts as `Announced`", "promotion, answer in the wait";
    HeartbeatsInWait: "heartbeats of an unsettled server feed the trust", "promotion, memory";
    WaitGoesOnElsewhere: "the wait for one server goes on with the next", "two promotions";
    WaitWithoutMark: "each process waits for itself, and the log gets no new life", "return";
    SettleUnconditionally: "the script gives a new life without comparing the last one: costs a cold cache for each process that waited", "";
    ReenterOldLife: "a server that was left is entered again under its old life", "return";
    EmptyLogIsFirst: "an empty log counts as the first one, although another server was there before", "promotion, empty";
    HeartbeatWithoutBacking: "heartbeats count without the Sentinels' backing", "lease, read";
    TrustWithoutBacking: "heartbeats without the Sentinels' backing feed the trust", "lease, memory";
    LeaseFromReceipt: "the lease counts from the receipt of the heartbeat's reply", "lease";
    LeaseByEntering: "entering counts as the Sentinels' backing", "lease, newcomer";
    AppendWithoutLease: "the script is sent without a lease", "lease";
    ReadWithoutLease: "GET is sent without a lease", "lease, read";
    EnterWithoutReplay: "announcements on a former master that goes on for longer are not sent again", "replay";
    ReplayAfterBelieving: "announcements are in doubt again only after the log was entered", "replay";
}
