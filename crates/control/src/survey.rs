//! Reading that may take long, on threads that may wait.
//!
//! Whoever bounds how much of it goes on at once gives a place, which is held until the work itself has ended: a caller that
//! has given up leaves it running, and its place stays taken.

use std::{any::Any, sync::Arc};

use tokio::task::JoinHandle;

/// What is held while work goes on; dropping it gives it back.
pub type Place = Arc<dyn Any + Send + Sync>;

tokio::task_local! {
    static HELD: Place;
}

/// Holds a place for everything that `survey` does, on other threads too, until all of it has ended.
pub async fn holding<F: Future>(place: Place, survey: F) -> F::Output {
    HELD.scope(place, survey).await
}

/// Does something on a thread that may wait, holding the place of whoever asks for it.
pub(crate) fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let held = HELD.try_with(Arc::clone).ok();
    tokio::task::spawn_blocking(move || {
        let _held = held;
        work()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_place_is_held_until_the_work_has_ended_whoever_has_given_up() {
        let place: Place = Arc::new(());
        let (end, ended) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel::<()>();
        let survey = async move {
            let work = blocking(move || {
                begin.send(()).unwrap();
                ended.recv().unwrap();
            });
            drop(work);
        };
        holding(Arc::clone(&place), survey).await;
        begun.recv().unwrap();
        assert_eq!(Arc::strong_count(&place), 2, "nobody waits, and it goes on");
        end.send(()).unwrap();
        while Arc::strong_count(&place) > 1 {
            tokio::task::yield_now().await;
        }
    }
}
