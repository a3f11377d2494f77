//! Prometheus' view of several processes that are killed and started again while they work: no counter falls within a life of a
//! process, rates are between 0 and 1, and the outcomes of calls add up to them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use fastness_tests::servers::{Redis, prefix};

/// Every series that may only grow, by its name with its labels.
type Counters = BTreeMap<String, f64>;

struct Scrape {
    /// Calls that had ended before the scrape, and that had begun after it.
    calls: (f64, f64),
    rates: Vec<f64>,
    /// Counters on the crate's own page, and on that of another exporter behind the facade.
    pages: [Counters; 2],
}

struct Program {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    last: [Counters; 2],
}

impl Program {
    fn start(server: &Redis, prefix: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_scraped"))
            .args([&server.url(), prefix])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a program");
        let (input, output) = (child.stdin.take().expect("its input"), child.stdout.take().expect("its output"));
        Self { child, input, output: BufReader::new(output), last: [Counters::new(), Counters::new()] }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.output.read_line(&mut line).expect("an answer") > 0, "the program ended");
        line.trim_end().to_owned()
    }

    fn page(&mut self) -> Counters {
        let mut text = Vec::new();
        loop {
            let line = self.line();
            if line == "---" {
                return counters(&text);
            }
            text.push(line);
        }
    }

    /// Scrapes the process, and compares with the scrape before.
    fn scrape(&mut self) -> Scrape {
        writeln!(self.input, "scrape").expect("a reader");
        let head = self.line();
        let mut parts = head.splitn(3, ' ');
        let mut number = || parts.next().expect("a number").parse::<f64>().expect("a number");
        let calls = (number(), number());
        let rates = parts.next().expect("a list").trim_matches(['[', ']']).split(", ");
        let rates = rates.filter(|rate| !rate.is_empty()).map(|rate| rate.parse().expect("a rate")).collect();
        let pages = [self.page(), self.page()];
        for (last, page) in self.last.iter().zip(&pages) {
            for (series, before) in last {
                let now = page.get(series).unwrap_or_else(|| panic!("{series} is gone"));
                assert!(now >= before, "{series} fell from {before} to {now}");
            }
        }
        self.last.clone_from(&pages);
        Scrape { calls, rates, pages }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn counters(text: &[String]) -> Counters {
    let mut kinds = BTreeMap::new();
    let mut counters = Counters::new();
    for line in text {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            kinds.extend(kind.split_once(' '));
        } else if let Some((series, value)) = line.rsplit_once(' ')
            && !line.starts_with('#')
        {
            let name = series.split('{').next().unwrap_or(series);
            let of = |part: &str| name.strip_suffix(part).and_then(|family| kinds.get(family)).copied();
            let grows = kinds.get(name) == Some(&"counter")
                || of("_count").or_else(|| of("_sum")).is_some_and(|kind| ["histogram", "summary"].contains(&kind))
                || of("_bucket") == Some("histogram");
            if grows {
                counters.insert(series.to_owned(), value.parse().expect("a number"));
            }
        }
    }
    counters
}

/// The sum of all exported calls of cached functions.
fn calls(page: &Counters) -> f64 {
    let names = ["hits", "misses", "coalesced", "bypassed"].map(|name| format!("fastness_cache_{name}_total{{"));
    page.iter().filter(|(series, _)| names.iter().any(|name| series.starts_with(name))).map(|(_, calls)| calls).sum()
}

/// Scrapes of one process, the calls that it counted, and the series that it exported.
fn check(scrape: &Scrape) -> f64 {
    let (ended, begun) = scrape.calls;
    let counted = scrape.pages.each_ref().map(calls);
    for counted in counted {
        assert!(ended <= counted && counted <= begun, "{counted} calls counted, {ended} ended and {begun} begun");
    }
    for rate in &scrape.rates {
        assert!((0.0..=1.0).contains(rate), "{rate}");
    }
    counted[0]
}

/// Scrapes these processes in turns until each has made 2000 calls.
fn live(programs: &mut [Program]) -> (u32, f64) {
    const CALLS: f64 = 2_000.0;
    let (mut looks, mut all) = (0, vec![0.0; programs.len()]);
    while looks < 40 || all.iter().any(|calls| *calls < CALLS) {
        for (program, calls) in programs.iter_mut().zip(&mut all) {
            let scrape = program.scrape();
            *calls = check(&scrape);
            looks += 1;
        }
    }
    (looks, all.iter().sum())
}

#[tokio::test]
async fn no_counter_of_a_process_falls_while_others_are_killed_and_started() {
    const LIVES: u32 = 3;
    let (server, prefix) = (Redis::start().await, prefix());
    let start = || Program::start(&server, &prefix);
    let mut programs: Vec<_> = (0..4).map(|_| start()).collect();
    let (mut looks, mut counted) = (0, 0.0);
    for life in 1..=LIVES {
        let (more, calls) = live(&mut programs);
        (looks, counted) = (looks + more, counted + calls);
        if life < LIVES {
            // Kills each process while it makes calls, one after another, while the others go on.
            for program in &mut programs {
                let _ = program.child.kill();
                *program = start();
            }
        }
    }
    for program in &mut programs {
        writeln!(program.input, "stop").expect("a reader");
        assert_eq!(program.line(), "stopped");
        let scrape = program.scrape();
        assert_eq!(scrape.calls.0.to_bits(), scrape.calls.1.to_bits(), "all calls ended");
        assert_eq!(check(&scrape).to_bits(), scrape.calls.1.to_bits(), "each call is counted once");
        // Every kind of series that the traffic should cause, on the page of the crate.
        for part in [
            "cache_hits_total{function=\"scraped.item\",tier=\"local\"}",
            "cache_misses_total{function=\"scraped.item\"}",
            "cache_hits_total{function=\"scraped.in_redis\",tier=\"shared\"}",
            "cache_bypassed_total{function=\"scraped.guarded\"}",
            "policy_calls_total{policy=\"breaker\",name=\"by hand\",outcome=\"failure\"}",
            "timed_seconds_count{name=\"scraped::guarded\",outcome=\"ok\"}",
            "shared_reads_total{result=\"miss\"}",
        ] {
            let series = format!("fastness_{part}");
            assert!(scrape.pages[0].get(&series).is_some_and(|count| *count > 0.0), "{series}: {:?}", scrape.pages[0]);
        }
    }
    println!("{} lives, {looks} looks, {counted} calls", 4 * LIVES);
}
