//! A rolling deployment: two programs whose structs differ share one Redis.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use fastness_tests::servers::{Redis, prefix};

struct Program {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Program {
    fn start(path: &str, server: &Redis, prefix: &str) -> Self {
        let mut child = Command::new(path)
            .args([&server.url(), prefix])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a program");
        let (input, output) = (child.stdin.take().expect("its input"), child.stdout.take().expect("its output"));
        Self { child, input, output: BufReader::new(output) }
    }

    fn ask(&mut self, command: &str) -> String {
        writeln!(self.input, "{command}").expect("a reader");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("an answer");
        answer.trim().to_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn each_version_finds_its_own_values_and_invalidates_both() {
    let (server, prefix) = (Redis::start().await, prefix());
    let old = || Program::start(env!("CARGO_BIN_EXE_deploy_v1"), &server, &prefix);
    let new = || Program::start(env!("CARGO_BIN_EXE_deploy_v2"), &server, &prefix);
    let (mut first, mut second) = (old(), new());
    let (one, two) = (
        |load: u8| format!(r#"User {{ id: 7, name: "v1 load {load}", mail: "mail" }}"#),
        |load: u8| format!(r#"User {{ id: 7, mail: "mail", name: "v2 load {load}", admin: true }}"#),
    );
    assert_eq!(first.ask("get 7"), one(1));
    assert_eq!(second.ask("get 7"), two(1), "the new version does not read the old version's value");
    assert_eq!([first.ask("get 7"), second.ask("get 7")], [one(1), two(1)], "both entries exist");
    // Another process of each version finds them too.
    assert_eq!([old().ask("get 7"), new().ask("get 7")], [one(1), two(1)]);

    for (loads, pattern) in [(2, "user:7"), (3, "user:*")] {
        let by = if loads == 2 { &mut first } else { &mut second };
        assert_eq!(by.ask(&format!("invalidate {pattern}")), "Announced");
        assert_eq!([first.ask("get 7"), second.ask("get 7")], [one(loads), two(loads)], "{pattern}");
    }
}
