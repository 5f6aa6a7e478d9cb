//! Waiting for a future on a thread that runs nothing else: for tools that have no runtime.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The future's output, or none if it takes longer than `most`.
pub(crate) fn block_on<F: Future>(most: Duration, future: F) -> Option<F::Output> {
    // On a thread that a runtime is running on (a mistake, but a quiet one) a future that has used up its share would
    // wait for the runtime, which waits for this thread.
    let mut future = pin!(tokio::task::unconstrained(future));
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let start = Instant::now();
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        let left = most.checked_sub(start.elapsed()).filter(|left| !left.is_zero())?;
        thread::park_timeout(left);
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[test]
    fn a_future_ends_by_itself_or_by_its_deadline() {
        assert_eq!(block_on(Duration::ZERO, ready(1)), Some(1));
        assert_eq!(block_on(Duration::from_millis(1), pending::<()>()), None);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let sending = thread::spawn(move || sender.send(2));
        assert_eq!(block_on(Duration::from_secs(60), receiver), Some(Ok(2)));
        sending.join().unwrap().unwrap();
    }

    #[test]
    fn a_runtime_on_the_same_thread_does_not_hold_it_up() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for number in 0..1_000 {
                let (sender, receiver) = tokio::sync::oneshot::channel();
                sender.send(number).unwrap();
                assert_eq!(block_on(Duration::from_secs(60), receiver), Some(Ok(number)));
            }
        });
    }
}
