//! A server that may open no more files.

use std::fs::{File, read_to_string};

use fastness_tests::servers::until;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use tokio::net::TcpStream;

use crate::stop::{Server, get};

#[tokio::test]
async fn no_more_files_is_said_once_a_second_and_passes() {
    let path = std::env::temp_dir().join(format!("fastness-demo-{}.log", std::process::id()));
    let log = File::create(&path).expect("a file");
    let server = Server::start_logging_to(log.into(), &[("RUST_LOG", "warn")]).await;
    assert!(get(&server.address, "/health/live").await.unwrap().starts_with("HTTP/1.1 200 "));

    let pid = Pid::from_child(&server.child);
    // It has this process's hard limit, which must stay.
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let none_left = Rlimit { current: Some(0), maximum };
    let before = prlimit(Some(pid), Resource::Nofile, none_left).expect("it is our child");
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(TcpStream::connect(&server.address).await.expect("it listens"));
    }
    let lines = || -> Vec<u64> {
        let log = read_to_string(&path).expect("a log");
        let of_accept = log.lines().filter(|line| line.contains("a connection cannot be accepted"));
        of_accept.filter_map(|line| line.split("left_out=").nth(1)?.trim().parse().ok()).collect()
    };
    until("it was said three times", async || lines().len() >= 3).await;
    // It waits a tenth of a second between two attempts, so a line stands for some ten of them, and not for thousands.
    assert!(lines()[1..].iter().all(|left_out| *left_out <= 15), "{:?}", lines());

    prlimit(Some(pid), Resource::Nofile, before).expect("it is our child");
    drop(clients);
    until("it serves again", async || {
        get(&server.address, "/api/users/1").await.is_some_and(|answer| answer.starts_with("HTTP/1.1 200 "))
    })
    .await;
    server.signal();
    assert_eq!(server.ended().await, Some(0));
    std::fs::remove_file(&path).expect("it is there");
}
