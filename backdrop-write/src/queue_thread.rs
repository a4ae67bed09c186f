//! The thread on which everything between the queue and the requests runs: calls that append, the connection they go over,
//! and the announcements of outcomes.
//!
//! Requests are answered on threads of their own. What they share runs here, on one thread that does nothing else: there a
//! call, its connection and all that wait for it wake each other without the kernel; on the runtime of several threads that
//! the store is asked from, each step of the way woke another thread.

use std::io;
use std::sync::mpsc;
use std::thread;
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The thread; it ends, with all that runs on it, when this is dropped.
#[derive(Debug)]
pub(crate) struct QueueThread {
    handle: Handle,
    _until: DropGuard,
}

impl QueueThread {
    pub(crate) fn start() -> io::Result<Self> {
        let dropped = CancellationToken::new();
        let until = dropped.clone().drop_guard();
        let (tell, told) = mpsc::channel();
        thread::Builder::new().name("queue".into()).spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            // Who starts the thread waits for this.
            let _ = tell
                .send(runtime.as_ref().map(|runtime| runtime.handle().clone()).map_err(|error| error.kind()));
            if let Ok(runtime) = runtime {
                runtime.block_on(dropped.cancelled());
            }
        })?;
        let handle = told.recv().map_err(io::Error::other)??;
        Ok(Self { handle, _until: until })
    }

    /// Does something so that what it spawns runs on the thread.
    pub(crate) fn enter<T>(&self, work: impl FnOnce() -> T) -> T {
        let _entered = self.handle.enter();
        work()
    }
}
