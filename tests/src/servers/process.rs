//! A server process, and a shell that outlives us just long enough to kill it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// A running server.
#[derive(Debug)]
pub(super) struct Process {
    pid: Pid,
    /// Kills the server when its standard input closes, which it does when we end, however we end.
    shell: Child,
    /// Of the server, with its log.
    pub(super) folder: PathBuf,
}

/// Runs what follows `--` in the background, says its pid, and waits. When we end without a word, it also clears up.
const WATCH: &str = r#"shift; "$@" >>"$FOLDER/log" 2>&1 <&- & echo $!; read -r word; kill -9 $!; wait $!
    [ -n "$word" ] || rm -rf "$FOLDER""#;

impl Process {
    pub(super) fn start(program: &Path, arguments: &[String], folder: PathBuf) -> Self {
        fs::create_dir_all(&folder).expect("a folder for the server");
        let mut shell = Command::new("sh")
            .args(["-c", WATCH, "sh", "--"])
            .arg(program)
            .args(arguments)
            .env("FOLDER", &folder)
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh");
        let mut line = String::new();
        let output = shell.stdout.as_mut().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a pid");
        let pid = line.trim().parse().ok().and_then(Pid::from_raw).expect("a pid");
        Self { pid, shell, folder }
    }

    /// The last lines that the server logged.
    pub(super) fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }

    pub(super) fn is_running(&self) -> bool {
        rustix::process::test_kill_process(self.pid).is_ok()
    }

    /// Stops it in its tracks: it keeps its connections and answers nothing.
    pub(super) fn pause(&self) {
        kill_process(self.pid, Signal::STOP).expect("a running server");
    }

    pub(super) fn resume(&self) {
        kill_process(self.pid, Signal::CONT).expect("a running server");
    }

    /// Ends it, and leaves its folder as it is.
    pub(super) fn end_and_keep_folder(mut self) {
        self.kill();
        self.folder = PathBuf::new();
    }

    pub(super) fn kill(&mut self) {
        // The shell kills it, and waits for it, so that its port is free when this returns.
        if let Some(mut input) = self.shell.stdin.take() {
            let _ = input.write_all(b"keep\n");
        }
        let _ = self.shell.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if !self.folder.as_os_str().is_empty() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}
