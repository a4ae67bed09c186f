//! Only a primary is talked to.
//!
//! **Invariant.** A replica takes nothing and may show what is no longer so. A primary may become one at any time: its
//! address moves to another server then, and the connections to it stay. So it is not enough to look when a
//! connection is opened: the pool looks whenever it hands one out, scripts that read over a connection that is kept look
//! themselves, and one over which a replica has refused to write is not used again.

use crate::QueueError;
use crate::connection::info_field;
use redis::aio::ConnectionLike;
use redis::{ErrorKind, RedisError, Script, ServerErrorKind};

/// For scripts: whether the server follows another one.
const IS_REPLICA: &str = r"
local function is_replica()
    return string.find(redis.call('INFO', 'replication'), 'role:slave', 1, true)
end
local function refused() return redis.error_reply('READONLY the server is a replica') end
";

/// A script that can ask `is_replica()`, and answer `refused()`.
pub(crate) fn script_that_knows_replicas(code: &str) -> Script {
    Script::new(&format!("{IS_REPLICA}{code}"))
}

/// Refuses a connection to a replica; else gives the id of the server's life.
pub(crate) async fn refuse_replica(connection: &mut impl ConnectionLike) -> Result<String, QueueError> {
    let info: String = redis::cmd("INFO").arg("server").arg("replication").query_async(connection).await?;
    if info_field(&info, "role") == Some("slave") {
        let kind = ErrorKind::Server(ServerErrorKind::ReadOnly);
        return Err(
            RedisError::from((kind, "the server is a replica, which takes no writes and may lag")).into()
        );
    }
    info_field(&info, "run_id")
        .map(str::to_owned)
        .ok_or_else(|| QueueError::Corrupt { what: "INFO server".into() })
}

/// Whether only a replica answers so. One that loads what its primary has says `LOADING`, as does a server that
/// starts; when it is done, it is told apart.
pub(crate) fn is_of_replica(error: &RedisError) -> bool {
    use ServerErrorKind::{MasterDown, ReadOnly};
    matches!(error.kind(), ErrorKind::Server(ReadOnly | MasterDown))
}
