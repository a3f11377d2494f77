//! One Redis server.

use std::path::PathBuf;

use redis::{AsyncConnectionConfig, Client, FromRedisValue, RedisResult};
use tokio::sync::OnceCell;

use super::process::Process;
use super::{PATIENCE, binary, free_port};

/// A Redis server, without persistence.
#[derive(Debug)]
pub struct Redis {
    process: Option<Process>,
    port: u16,
    arguments: Vec<String>,
}

/// One server for all tests of this process; each uses a [`prefix`](super::prefix) of its own.
pub async fn shared_redis() -> &'static Redis {
    static SHARED: OnceCell<Redis> = OnceCell::const_new();
    SHARED.get_or_init(Redis::start).await
}

impl Redis {
    /// Starts a server and waits until it answers.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts a server with further arguments, such as `["--requirepass", "secret"]`.
    pub async fn with(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        let mut server = Self { process: None, port: free_port(), arguments };
        server.restart().await;
        server
    }

    /// Kills the server, if it runs, and starts it again on the same port, empty.
    pub async fn restart(&mut self) {
        self.kill();
        let options = [
            ("--port", self.port.to_string()),
            ("--bind", "127.0.0.1".to_owned()),
            ("--save", String::new()),
            ("--appendonly", "no".to_owned()),
            ("--repl-diskless-sync-delay", "0".to_owned()),
        ];
        let mut arguments: Vec<_> = options.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect();
        arguments.extend_from_slice(&self.arguments);
        let program = binary("redis-server");
        self.process = Some(Process::listening(&program, &arguments, folder(self.port), self.port).await);
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder in which the server saves its data, if it is configured to save.
    pub fn folder(&self) -> PathBuf {
        folder(self.port)
    }

    /// The address, without a password.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Pauses the server: it keeps its connections open and answers nothing.
    pub fn pause(&self) {
        self.process.as_ref().expect("a running server").pause();
    }

    /// Resumes the server.
    pub fn resume(&self) {
        self.process.as_ref().expect("a running server").resume();
    }

    /// Kills the server at once.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Returns whether the server has not been killed.
    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Sends one command over a new connection.
    ///
    /// # Errors
    ///
    /// Fails with the server's error.
    pub async fn ask<T: FromRedisValue>(&self, command: &[&str]) -> RedisResult<T> {
        let client = Client::open(self.url()).expect("an address");
        let asked = async {
            // The driver gives up after half a second by default.
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(PATIENCE))
                .set_response_timeout(Some(PATIENCE));
            let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
            let (name, arguments) = command.split_first().expect("a command");
            redis::cmd(name).arg(arguments).query_async(&mut connection).await
        };
        tokio::time::timeout(PATIENCE, asked).await.expect("an answer")
    }

    /// Sends one command like [`ask`](Self::ask); an error fails the test.
    pub async fn command<T: FromRedisValue>(&self, command: &[&str]) -> T {
        self.ask(command).await.unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }
}

fn folder(port: u16) -> PathBuf {
    std::env::temp_dir().join(format!("fastness-redis-{}-{port}", std::process::id()))
}
