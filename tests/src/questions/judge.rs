//! Judgement of the advice: each question is put to it, its answer is followed, and the result is measured.

use std::fmt;

use bson::Document;
use fastness::mongo::IndexManager;
use fastness::mongo::advice::{AdviceSelection, MissingIndex};
use fastness::mongo::plan::Settings;
use fastness::mongo::slow::Query;
use mongodb::Database;

use super::proof::{create, drop_again, harm_without, is_accepted, set_up};
use super::{Answer, Asked, Cost, Flaw, Question};

/// Judgement of an answer of the advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The advice, once followed, costs at most half more than the best answer; or it names an index that can go, and no other.
    Right,
    /// No index helps, and none is suggested; or each is needed, and none is called needless.
    RightlySilent,
    /// An index helps, and none is suggested; or one can go, and none is named.
    Silent,
    /// The advice does not help, or far less than the answer.
    Wrong,
    /// The server refuses to follow the advice or a later write, or an index is called needless and is needed.
    Harmful,
}

/// Advice on a question, and its effect.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// Name of the question.
    pub name: &'static str,
    /// Page of the manual.
    pub source: &'static str,
    /// Judgement.
    pub verdict: Verdict,
    /// Advice, or the reason for which there is none.
    pub said: String,
    /// Cost of the command without the answer.
    pub before: Option<Cost>,
    /// Cost with the best answer.
    pub expected: Option<Cost>,
    /// Cost once the advice is followed.
    pub after: Option<Cost>,
}

/// Puts a question to the advice on an empty database, follows the advice, and judges it.
pub async fn judge(db: &Database, question: &Question) -> Judgement {
    set_up(db, &question.collections).await;
    let mut judgement = Judgement {
        name: question.name,
        source: question.source,
        verdict: Verdict::Silent,
        said: String::new(),
        before: None,
        expected: None,
        after: None,
    };
    match &question.asked {
        Asked::Command { command, answer } => judgement.judge_command(db, command, answer).await,
        Asked::Indexes { .. } => judgement.judge_indexes(db, question).await,
    }
    judgement
}

impl Judgement {
    async fn judge_command(&mut self, db: &Database, command: &Document, answer: &Answer) {
        let before = Cost::of(db, command).await.unwrap_or(Cost::FAILED);
        let best = best(db, command, answer).await;
        (self.before, self.expected) = (Some(before), best);
        let missing = match ask(db, command).await {
            Ok((missing, notes)) => {
                self.said = notes;
                missing
            }
            // A failure is no answer, also where nothing is to be said.
            Err(error) => {
                (self.said, self.verdict) = (error, Verdict::Silent);
                return;
            }
        };
        if missing.is_empty() {
            self.verdict = if best.is_none() { Verdict::RightlySilent } else { Verdict::Silent };
            return;
        }
        self.said = missing.iter().map(|missing| missing.shell.as_str()).collect::<Vec<_>>().join("; ");
        let refused = follow(db, &missing).await;
        let after = Cost::of(db, command).await.unwrap_or(Cost::FAILED);
        self.after = Some(after);
        self.verdict = match best {
            _ if refused || breaks(db, answer).await => Verdict::Harmful,
            Some(best) if is_as_good(&after, &best) => Verdict::Right,
            _ => Verdict::Wrong,
        };
    }

    async fn judge_indexes(&mut self, db: &Database, question: &Question) {
        let Asked::Indexes { commands, needless, needed, refused } = &question.asked else { return };
        let collection = question.collections[0].name;
        for _ in 0..10 {
            for command in commands {
                db.run_command(command.clone()).await.unwrap();
            }
        }
        let advice = IndexManager::new(db).collection(collection, &[]).advise(&[]).await.unwrap();
        let named: Vec<_> = advice.unneeded.iter().map(|unneeded| unneeded.index.as_str()).collect();
        self.said = named.join(", ");
        let harmed = !named.is_empty() && harm_without(db, collection, &named, commands, refused).await.is_some();
        let wrong = harmed || named.iter().any(|name| needed.contains(name));
        self.verdict = match (named.is_empty(), needless.iter().all(|index| named.contains(index))) {
            _ if wrong => Verdict::Harmful,
            (true, true) => Verdict::RightlySilent,
            (false, true) => Verdict::Right,
            (_, false) => Verdict::Silent,
        };
    }
}

/// Returns the least cost with one of the answer's choices; `None` if no index helps.
async fn best(db: &Database, command: &Document, answer: &Answer) -> Option<Cost> {
    let (Answer::Create(choices) | Answer::Instead { choices, .. }) = answer else { return None };
    let mut best: Option<Cost> = None;
    for choice in choices {
        create(db, choice).await.unwrap();
        let cost = Cost::of(db, command).await.unwrap();
        drop_again(db, choice).await;
        let better = best.is_none_or(|best| {
            (cost.sorts, cost.read_in_all()) < (best.sorts, best.read_in_all())
                || cost.read_in_all() * 2 < best.read_in_all()
        });
        best = if better { Some(cost) } else { best };
    }
    best
}

/// Returns whether a cost is at most half more than the best one.
fn is_as_good(after: &Cost, best: &Cost) -> bool {
    // A handful of reads is noise.
    after.read_in_all() * 2 <= best.read_in_all() * 3 + 20 && (best.sorts || !after.sorts || after.read_in_all() <= 200)
}

/// Asks for the indexes that a command lacks. Returns the notes, too.
async fn ask(db: &Database, command: &Document) -> Result<(Vec<MissingIndex>, String), String> {
    let query = Query::from_command(command).map_err(|error| error.to_string())?;
    let analysis = IndexManager::new(db).analyze_query(&query).await.map_err(|error| error.to_string())?;
    Ok((analysis.missing, analysis.notes.join("; ")))
}

/// Builds the suggested indexes; returns whether the server refuses one.
async fn follow(db: &Database, missing: &[MissingIndex]) -> bool {
    let chosen = missing.iter().fold(AdviceSelection::default(), AdviceSelection::create);
    let report = IndexManager::new(db).optimize_indexes(&chosen, &Settings::default()).await.unwrap();
    !report.is_complete()
}

/// Returns whether the server refuses a write that it accepts without the tempting indexes.
async fn breaks(db: &Database, answer: &Answer) -> bool {
    let (Answer::Instead { tempting, .. } | Answer::Nothing { tempting }) = answer else { return false };
    for tempting in tempting {
        if let Flaw::Breaks(write) = &tempting.flaw
            && !is_accepted(db, write).await
        {
            return true;
        }
    }
    false
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Right => "right",
            Self::RightlySilent => "rightly silent",
            Self::Silent => "silent",
            Self::Wrong => "wrong",
            Self::Harmful => "harmful",
        })
    }
}

/// Writes a row of a Markdown table: question, source, verdict, and the cost before, expected and after.
impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cost = |cost: &Option<Cost>| cost.map_or_else(String::new, |cost| cost.to_string());
        let Self { name, source, verdict, .. } = self;
        let said = self.said.replace('|', "\\|").replace('\n', " ");
        let [before, expected, after] = [&self.before, &self.expected, &self.after].map(cost);
        write!(f, "| `{name}` | {source} | {verdict} | {before} | {expected} | {after} | {said} |")
    }
}
