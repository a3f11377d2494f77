//! A server process, and a shell that kills it if the test process is killed.

use std::fs::{self, File};
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::until;

/// A running server.
#[derive(Debug)]
pub(super) struct Process {
    server: Mutex<Child>,
    watch: Child,
    /// The folder of the server's data and log.
    pub(super) folder: PathBuf,
}

/// Script of the shell: it waits for a word on its input. If its input ends without one, the test process was killed, and the shell kills
/// the server and removes its folder.
const WATCH: &str = r#"read -r word && exit; kill -9 "$1"; sleep 1; rm -rf "$2""#;

impl Process {
    pub(super) fn start(program: &Path, arguments: &[String], folder: PathBuf) -> Self {
        fs::create_dir_all(&folder).expect("a folder for the server");
        let log = File::options().create(true).append(true).open(folder.join("log")).expect("a log");
        let server = Command::new(program)
            .args(arguments)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let watch = Command::new("sh")
            .args(["-c", WATCH, "sh", &server.id().to_string()])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh");
        Self { server: Mutex::new(server), watch, folder }
    }

    /// Starts the server, and waits until it accepts connections on this port.
    pub(super) async fn listening(program: &Path, arguments: &[String], folder: PathBuf, port: u16) -> Self {
        let process = Self::start(program, arguments, folder);
        until("the server takes connections, or ends", async || {
            !process.is_running() || TcpStream::connect(("127.0.0.1", port)).is_ok()
        })
        .await;
        assert!(process.is_running(), "{} ended at once:\n{}", program.display(), process.log());
        process
    }

    /// The last lines that the server logged.
    pub(super) fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }

    pub(super) fn is_running(&self) -> bool {
        self.server.lock().expect("a server").try_wait().is_ok_and(|ended| ended.is_none())
    }

    /// Pauses the server: it keeps its connections open and answers nothing.
    pub(super) fn pause(&self) {
        let pid = self.signal(Signal::STOP);
        // The signal may arrive later than `kill` returns: a thread that runs goes on for a moment.
        waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED).expect("a server that stops");
    }

    pub(super) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) -> Pid {
        let pid = Pid::from_child(&self.server.lock().expect("a server"));
        kill_process(pid, signal).expect("a running server");
        pid
    }

    /// Ends the server, and leaves its folder as it is.
    pub(super) fn end_and_keep_folder(mut self) {
        self.kill();
        self.folder = PathBuf::new();
    }

    /// Ends the server; its port is free when this returns.
    pub(super) fn kill(&mut self) {
        let server = self.server.get_mut().expect("a server");
        let _ = server.kill();
        let _ = server.wait();
        if let Some(mut word) = self.watch.stdin.take() {
            let _ = word.write_all(b"ended\n");
        }
        let _ = self.watch.wait();
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
