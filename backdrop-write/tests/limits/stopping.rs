//! A service is told to stop while it is used.

use crate::wire::Wire;
use backdrop_testing::{Process, Stack, StackOptions, eventually};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const GRACE: Duration = Duration::from_millis(1_500);

async fn stack(grace: &str) -> Stack {
    let environment = vec![("BACKDROP_DRAIN_GRACE".to_owned(), grace.to_owned())];
    let options = StackOptions { environment, ..StackOptions::default() };
    Stack::start_with(options).await.expect("a stack")
}

/// What a load balancer knows, and those do who go by it.
struct Balancer {
    address: SocketAddr,
    sends: AtomicBool,
    ended: AtomicBool,
}

impl Balancer {
    /// Looks whether the service is ready, over a new connection each time, until it can no longer be reached. How long
    /// it was still answered after it was first told that the service is not.
    fn look(&self) -> Duration {
        let mut not_ready = None;
        while let Ok(ready) = Wire::connect(self.address).and_then(|mut wire| wire.get("/_status/ready")) {
            match (ready.status, not_ready) {
                (200, None) => {}
                (503, None) => {
                    assert!(ready.body.contains("stopping"), "{ready:?}");
                    assert!(ready.closes(), "{ready:?}");
                    not_ready = Some(Instant::now());
                    self.sends.store(false, Ordering::SeqCst);
                }
                (503, Some(_)) => {}
                _ => panic!("{ready:?}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.ended.store(true, Ordering::SeqCst);
        not_ready.expect("told that it is not ready before it cannot be reached").elapsed()
    }

    /// Sends requests as long as the service is ready, each over a connection of its own. How many.
    fn send_each_apart(&self) -> usize {
        let mut count = 0;
        while self.sends.load(Ordering::SeqCst) {
            let reply = Wire::connect(self.address).and_then(|mut wire| wire.get("/_status"));
            assert_eq!(reply.expect("an answer").status, 200);
            count += 1;
        }
        count
    }

    /// Sends requests over one connection as long as it lasts, whatever the balancer says.
    fn send_over_one(&self) -> usize {
        let mut wire = Wire::connect(self.address).expect("a connection");
        for count in 1.. {
            let reply =
                wire.get("/_status").expect("an answer, as long as the connection was not said to end");
            assert_eq!(reply.status, 200);
            if reply.closes() {
                return count;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        0
    }

    /// Sends a request over a connection that was idle while the service began to drain.
    fn send_late(&self) {
        let mut wire = Wire::connect(self.address).expect("a connection");
        assert_eq!(wire.get("/_status").expect("an answer").status, 200);
        while self.sends.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(GRACE / 2);
        let reply = wire.get("/_status").expect("an answer on a kept connection");
        assert!(reply.status == 200 && reply.closes(), "{reply:?}");
    }
}

/// Stops a service under the eyes of a load balancer.
fn stop(process: &mut Process) {
    let balancer =
        Balancer { address: process.address(), sends: AtomicBool::new(true), ended: AtomicBool::new(false) };
    let began = Instant::now();
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| balancer.look());
        let apart = scope.spawn(|| balancer.send_each_apart());
        let over_one = scope.spawn(|| balancer.send_over_one());
        let late = scope.spawn(|| balancer.send_late());
        std::thread::sleep(Duration::from_millis(300));
        let status = process.terminate().expect("it stops");
        assert!(status.success(), "{status}");
        let answered = looking.join().expect("the balancer");
        assert!(answered > GRACE.mul_f64(0.8), "only {answered:?} to notice");
        let (apart, over_one) =
            (apart.join().expect("no request failed"), over_one.join().expect("none failed"));
        assert!(apart > 10 && over_one > 10, "{apart} and {over_one} requests");
        late.join().expect("answered late");
    });
    let took = began.elapsed();
    println!("stopped within {took:?}");
    assert!(took < GRACE + Duration::from_secs(5), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_behind_a_drain() {
    let mut stack = stack(&GRACE.as_secs_f64().to_string()).await;
    tokio::task::block_in_place(|| {
        stop(&mut stack.write);
        stop(&mut stack.read);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_waits_is_answered_and_a_second_signal_ends_the_grace() {
    let mut stack = stack("600").await;
    stack.create_data_set("group", "kind");
    let writer = stack.writer().with_token("token-for-kind").with_header("Prefer", "wait=60");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| writer.post("/data/group/kind", &json!({"count": 1})).status);
        eventually("the write is in the queue", Duration::from_secs(10), || {
            stack.writer().get("/_status").expect(200).json()["queue"]["backlog"]["entries"] == 1
        });
        stack.write.ask_to_stop();
        eventually("it drains", Duration::from_secs(5), || {
            stack.writer().get("/_status/ready").status == 503
        });
        let began = Instant::now();
        assert!(stack.write.terminate().expect("it stops").success());
        assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
        assert_eq!(waiting.join().expect("an answer"), 202);
    });
}
