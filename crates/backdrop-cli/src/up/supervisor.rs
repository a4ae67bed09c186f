//! Runs the services side by side, notices when one ends, and stops them in order.

use anyhow::anyhow;
use backdrop_service::serve::Stop;
use std::future::Future;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// How long a service may take to stop. It lets requests in flight end, within bounds of its own that are
/// shorter; this is for one that does not keep them.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// The services that run.
#[derive(Debug)]
pub(super) struct Supervisor {
    services: Vec<Service>,
    stop: Stop,
    ends: UnboundedReceiver<End>,
    /// Kept so that the channel never closes, and cloned for each service.
    end: UnboundedSender<End>,
}

#[derive(Debug)]
struct Service {
    name: &'static str,
    stop: Stop,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct End {
    name: &'static str,
    result: anyhow::Result<()>,
}

impl Supervisor {
    /// Of services that drain when this says so.
    pub(super) fn new(stop: Stop) -> Self {
        let (end, ends) = unbounded_channel();
        Self { services: Vec::new(), stop, ends, end }
    }

    /// Runs a service. `service` makes its future of the token that tells it to stop.
    pub(super) fn run<F, E>(&mut self, name: &'static str, service: impl FnOnce(Stop) -> F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<anyhow::Error> + Send + 'static,
    {
        let stop = self.stop.of_a_part();
        let running = tokio::spawn(service(stop.clone()));
        let end = self.end.clone();
        let task = tokio::spawn(async move {
            let result = match running.await {
                Ok(result) => result.map_err(Into::into),
                Err(panic) => Err(panic.into()),
            };
            if let Err(error) = &result {
                tracing::error!(service = name, error = format!("{error:#}"), "a service failed");
            }
            // There is no receiver only if the supervisor is gone, and then nobody asks.
            let _ = end.send(End { name, result });
        });
        self.services.push(Service { name, stop, task });
    }

    /// Waits until a service ends, which none does unless it is stopped or fails.
    pub(super) async fn end_of_any(&mut self) -> anyhow::Error {
        match self.ends.recv().await {
            Some(End { name, result: Err(error) }) => error.context(format!("the {name} failed")),
            Some(End { name, result: Ok(()) }) => anyhow!("the {name} ended by itself"),
            None => anyhow!("the supervisor has lost its services"),
        }
    }

    /// Stops all services, one after the other: the one that was started last stops first.
    pub(super) async fn stop_all(&mut self) {
        while let Some(Service { name, stop, mut task }) = self.services.pop() {
            stop.close();
            if tokio::time::timeout(STOP_WITHIN, &mut task).await.is_err() {
                tracing::warn!(service = name, "did not stop in time and is left behind");
                task.abort();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::{Arc, Mutex};

    #[tokio::test]
    async fn services_stop_in_the_opposite_order_each_after_the_other_has_ended() {
        let ended = Arc::new(Mutex::new(Vec::new()));
        let mut supervisor = Supervisor::new(Stop::default());
        for name in ["first", "second", "third"] {
            let ended = Arc::clone(&ended);
            supervisor.run(name, |stop| async move {
                stop.closing().cancelled().await;
                tokio::task::yield_now().await;
                ended.lock().expect("no panic").push(name);
                Ok::<(), Infallible>(())
            });
        }
        supervisor.stop_all().await;
        assert_eq!(*ended.lock().expect("no panic"), ["third", "second", "first"]);
    }

    #[tokio::test]
    async fn the_end_of_one_is_noticed_whatever_ends_it() {
        let mut supervisor = Supervisor::new(Stop::default());
        supervisor.run("steady", |stop| async move {
            stop.closing().cancelled().await;
            Ok::<(), Infallible>(())
        });
        supervisor.run("brief", |_| async { Ok::<(), Infallible>(()) });
        assert_eq!(supervisor.end_of_any().await.to_string(), "the brief ended by itself");
        supervisor.run("broken", |_| async { Err(anyhow!("no disk")) });
        assert_eq!(format!("{:#}", supervisor.end_of_any().await), "the broken failed: no disk");
        supervisor.run("panicking", |stop| async move {
            assert!(stop.is_draining(), "an invariant is broken");
            Ok::<(), Infallible>(())
        });
        assert!(supervisor.end_of_any().await.to_string().contains("the panicking failed"));
        supervisor.stop_all().await;
    }
}
