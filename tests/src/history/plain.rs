//! A naive cache, as a first version of a program has it: look in memory, look in Redis, load, store in both; to invalidate, delete the key
//! and publish it. Its histories show its faults, and that the judge finds them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use fastness::Reach;
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, AsyncConnectionConfig, PushInfo, PushKind, Value};

use super::run::Origin;
use super::{Scope, Subject, is_near, name};

type Memory = Arc<Mutex<HashMap<String, u64>>>;

/// One node.
#[derive(Clone)]
pub struct Plain {
    prefix: String,
    memory: Memory,
    connection: MultiplexedConnection,
}

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plain").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Plain {
    /// Makes a node, connected through this address.
    pub async fn new(url: &str, prefix: &str) -> Self {
        let memory = Memory::default();
        let heard = memory.clone();
        let config = AsyncConnectionConfig::new().set_push_sender(move |push: PushInfo| {
            if let (PushKind::Message, Some(Value::BulkString(key))) = (push.kind, push.data.get(1)) {
                forget(&heard, &String::from_utf8_lossy(key));
            }
            Ok::<(), redis::aio::SendError>(())
        });
        let client = redis::Client::open(format!("{url}?protocol=resp3")).expect("an address");
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await.expect("a connection");
        connection.subscribe(format!("{prefix}gone")).await.expect("a subscription");
        Self { prefix: prefix.to_owned(), memory, connection }
    }

    fn key(&self, key: usize) -> String {
        format!("{}{}", self.prefix, name(key))
    }
}

fn forget(memory: &Memory, key: &str) {
    memory.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
}

impl Subject for Plain {
    async fn read(&self, key: usize, origin: Origin) -> u64 {
        let (text, mut connection) = (self.key(key), self.connection.clone());
        let known = self.memory.lock().unwrap_or_else(PoisonError::into_inner).get(&text).copied();
        if let Some(version) = known.filter(|_| is_near(key)) {
            return version;
        }
        let shared: redis::RedisResult<Option<u64>> = connection.get(&text).await;
        let version = if let Ok(Some(version)) = shared {
            version
        } else {
            let version = origin.load(key).await;
            let _: redis::RedisResult<()> = connection.set(&text, version).await;
            version
        };
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).insert(text, version);
        version
    }

    async fn invalidate(&self, scope: Scope) -> Reach {
        let mut connection = self.connection.clone();
        for key in scope.keys().map(|key| self.key(key)) {
            forget(&self.memory, &key);
            let _: redis::RedisResult<()> = connection.del(&key).await;
            let _: redis::RedisResult<()> = connection.publish(format!("{}gone", self.prefix), &key).await;
        }
        Reach::Announced
    }

    async fn refresh(&self, scope: Scope) -> Reach {
        self.invalidate(scope).await
    }

    async fn put(&self, key: usize, origin: Origin) {
        let version = origin.write(key);
        self.invalidate(Scope::Key(key)).await;
        let _: redis::RedisResult<()> = self.connection.clone().set(self.key(key), version).await;
    }

    fn is_clear(&self) -> bool {
        true
    }
}
