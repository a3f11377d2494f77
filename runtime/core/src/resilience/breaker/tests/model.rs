//! A model of a breaker, which stores every call, and random histories in which the real breaker must behave as the model.

use proptest::prelude::*;

use super::*;

const SLOW: u64 = 300;
const PROBES: usize = 3;
const WINDOW: usize = 6;

fn settings() -> Settings {
    Settings::new()
        .failure_threshold(n(3))
        .failure_rate(Percent::new(60))
        .slow_rate(Percent::new(80), Duration::from_millis(SLOW))
        .min_calls(n(4))
        .window(Window::Count(n(6)))
        .open_for(SECOND)
        .max_open(SECOND * 3)
        .probes(n(3))
        .probe_timeout(SECOND * 5)
}

#[derive(Clone, Debug)]
enum Step {
    Begin,
    /// The end of a call in flight, by its index and its verdict; `None`: dropped.
    End(prop::sample::Index, Option<Verdict>),
    /// A wait, in milliseconds.
    Wait(u64),
    Ask(State),
}

fn step() -> impl Strategy<Value = Step> {
    let verdict = prop_oneof![
        4 => Just(Some(Verdict::Success)),
        4 => Just(Some(Verdict::Failure)),
        1 => Just(Some(Verdict::Ignored)),
        1 => Just(None),
    ];
    let state = prop_oneof![
        3 => Just(State::Closed),
        1 => Just(State::ForcedOpen),
        1 => Just(State::ForcedClosed),
        1 => Just(State::Disabled),
    ];
    prop_oneof![
        12 => Just(Step::Begin),
        12 => (any::<prop::sample::Index>(), verdict).prop_map(|(which, how)| Step::End(which, how)),
        4 => (1_u64..700).prop_map(Step::Wait),
        1 => (1_000_u64..6_000).prop_map(Step::Wait),
        1 => state.prop_map(Step::Ask),
    ]
}

/// A call that was admitted.
#[derive(Clone, Copy, PartialEq)]
struct Call {
    era: usize,
    began: u64,
}

/// The end of a call of the current era.
#[derive(Clone, Copy)]
struct Ended {
    failed: bool,
    slow: bool,
}

/// The model of a breaker. An era lasts from one change of state to the next, and only its own calls count in it.
struct Model {
    now: u64,
    era: usize,
    state: State,
    under_way: Vec<Call>,
    ended: Vec<Ended>,
    last_admitted: u64,
    /// Probes that ended before their companions were given up.
    carried: Vec<Ended>,
    opened_at: u64,
    open_for: u64,
    failed_openings: u32,
}

impl Model {
    fn change(&mut self, state: State) {
        (self.state, self.carried) = (state, Vec::new());
        self.era += 1;
        self.ended.clear();
        if matches!(state, State::Closed) {
            self.failed_openings = 0;
        }
    }

    fn open(&mut self) {
        self.change(State::Open);
        self.opened_at = self.now;
        self.open_for = (1_000 * 2_u64.pow(self.failed_openings.min(10))).min(3_000);
    }

    fn probes(&self) -> Vec<Ended> {
        [&self.carried[..], &self.ended].concat()
    }

    /// 60 % of three probes are two, and 80 % are three.
    fn opens_again(&self) -> bool {
        let count = |which: fn(&Ended) -> bool| self.probes().iter().filter(|ended| which(ended)).count();
        count(|ended| ended.failed) >= 2 || count(|ended| ended.slow) >= 3
    }

    /// Admits or rejects a call. `waited` is true if the time of the real breaker, which has a random part, is up.
    fn begin(&mut self, waited: bool) -> bool {
        let probing = self.under_way.iter().filter(|call| call.era == self.era).count();
        match self.state {
            State::ForcedOpen => return false,
            State::Open if !waited => return false,
            State::Open => self.change(State::HalfOpen),
            State::HalfOpen if probing + self.probes().len() < PROBES => {}
            State::HalfOpen if self.now < self.last_admitted + 5_000 => return false,
            State::HalfOpen => {
                let carried = self.probes();
                self.change(State::HalfOpen);
                self.carried = carried;
            }
            _ => {}
        }
        self.last_admitted = self.now;
        self.under_way.push(Call { era: self.era, began: self.now });
        true
    }

    fn end(&mut self, index: usize, verdict: Option<Verdict>) {
        let call = self.under_way.remove(index);
        let (Some(verdict @ (Verdict::Success | Verdict::Failure)), true) = (verdict, call.era == self.era) else {
            return;
        };
        let ended = Ended { failed: verdict == Verdict::Failure, slow: self.now - call.began >= SLOW };
        match self.state {
            State::HalfOpen => {
                self.ended.push(ended);
                if self.opens_again() {
                    self.failed_openings += 1;
                    self.open();
                } else if self.probes().len() == PROBES {
                    self.change(State::Closed);
                }
            }
            State::Closed => {
                self.ended.push(ended);
                if self.opens() {
                    self.open();
                }
            }
            State::ForcedClosed => self.ended.push(ended),
            _ => {}
        }
    }

    fn window(&self) -> (u64, u64, u64) {
        if !matches!(self.state, State::Closed | State::ForcedClosed) {
            return (0, 0, 0);
        }
        let last: Vec<_> = self.ended.iter().rev().take(WINDOW).collect();
        let count = |which: fn(&Ended) -> bool| last.iter().filter(|ended| which(ended)).count() as u64;
        (last.len() as u64, count(|ended| ended.failed), count(|ended| ended.slow))
    }

    /// Ends a good call. It never opens the breaker, even if it is the call that completes the minimum number.
    fn opens(&self) -> bool {
        let good = self.ended.last().is_some_and(|ended| !ended.failed && !ended.slow);
        let failed_in_a_row = self.ended.iter().rev().take_while(|ended| ended.failed).count();
        let (calls, failed, slow) = self.window();
        !good && (failed_in_a_row >= 3 || calls >= 4 && (failed * 10 >= calls * 6 || slow * 10 >= calls * 8))
    }
}

fn check(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (breaker, clock) = made(settings());
    let mut permits = Vec::new();
    let mut model = Model {
        now: 0,
        era: 0,
        state: State::Closed,
        under_way: Vec::new(),
        ended: Vec::new(),
        last_admitted: 0,
        carried: Vec::new(),
        opened_at: 0,
        open_for: 0,
        failed_openings: 0,
    };
    for step in steps {
        match step {
            Step::Wait(millis) => {
                clock.advance(Duration::from_millis(millis));
                model.now += millis;
            }
            Step::Begin => {
                let waited = breaker.snapshot().retry_after.is_some_and(|after| after.is_zero());
                let permit = breaker.try_acquire();
                prop_assert_eq!(permit.is_ok(), model.begin(waited));
                permits.extend(permit);
            }
            Step::End(which, verdict) if !permits.is_empty() => {
                let index = which.index(permits.len());
                let permit = permits.remove(index);
                match verdict {
                    Some(verdict) => permit.settle(verdict),
                    None => drop(permit),
                }
                model.end(index, verdict);
            }
            Step::End(..) => {}
            Step::Ask(state) => {
                match state {
                    State::ForcedOpen => breaker.force_open(),
                    State::ForcedClosed => breaker.force_closed(),
                    State::Disabled => breaker.disable(),
                    _ => breaker.automatic(),
                }
                // A closed breaker that an operator sets back to automatic forgets its counts.
                if state != model.state || state == State::Closed {
                    model.failed_openings = 0;
                    model.change(state);
                }
            }
        }
        let seen = breaker.snapshot();
        prop_assert_eq!(seen.state, model.state);
        if seen.state == State::Open {
            let stays = seen.retry_after.unwrap().as_millis() + u128::from(model.now - model.opened_at);
            let (least, most) = (u128::from(model.open_for), u128::from(model.open_for * 6 / 5));
            prop_assert!(seen.retry_after.unwrap().is_zero() || (least - 1..=most).contains(&stays), "{stays} ms");
        }
        if matches!(seen.state, State::Closed | State::ForcedClosed) {
            prop_assert_eq!((seen.window_calls, seen.window_failures, seen.window_slow), model.window());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn a_breaker_behaves_like_the_model(steps in prop::collection::vec(step(), 0..120)) {
        check(steps)?;
    }
}
