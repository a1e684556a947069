//! Asking once for many (合并查询): where many ask the same at a time, one question is under way, and whoever comes meanwhile
//! waits for the next. Nobody is given an answer to a question that was asked before he came.

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use std::sync::{Arc, Mutex, PoisonError};

type Question<T> = Shared<BoxFuture<'static, T>>;

/// A question that many ask.
pub struct Asking<T: Clone> {
    /// The next one, which has not been asked yet.
    next: Arc<Mutex<Option<Question<T>>>>,
    /// One is under way at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl<T: Clone> Default for Asking<T> {
    fn default() -> Self {
        Self { next: Arc::default(), turn: Arc::default() }
    }
}

impl<T: Clone + Send + Sync + 'static> Asking<T> {
    /// The answer to a question that is asked from now on.
    pub async fn ask<F>(&self, question: impl FnOnce() -> F) -> T
    where
        F: Future<Output = T> + Send + 'static,
    {
        let joined = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            next.get_or_insert_with(|| {
                let (slot, turn, question) = (Arc::clone(&self.next), Arc::clone(&self.turn), question());
                let asked = async move {
                    let _turn = turn.lock().await;
                    // It is asked now: whoever comes later is not answered by it.
                    slot.lock().unwrap_or_else(PoisonError::into_inner).take();
                    question.await
                };
                asked.boxed().shared()
            })
            .clone()
        };
        joined.await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_answer_is_younger_than_its_asking_and_few_questions_are_asked() {
        let (asking, truth, asked) =
            (Arc::new(Asking::default()), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let changing = Arc::clone(&truth);
        let change = tokio::spawn(async move {
            for _ in 0..400 {
                changing.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
        });
        let askers = (0..32).map(|n| {
            let (asking, truth, asked) = (Arc::clone(&asking), Arc::clone(&truth), Arc::clone(&asked));
            tokio::spawn(async move {
                for round in 0..50u64 {
                    let before = truth.load(Ordering::SeqCst);
                    let (truth, asked) = (Arc::clone(&truth), Arc::clone(&asked));
                    let question = move || async move {
                        asked.fetch_add(1, Ordering::SeqCst);
                        let answer = truth.load(Ordering::SeqCst);
                        tokio::time::sleep(Duration::from_micros(300)).await;
                        answer
                    };
                    let answer = asking.ask(question);
                    // Some go away before they are answered.
                    if (n + round) % 7 == 0 {
                        let _ = tokio::time::timeout(Duration::from_micros(100), answer).await;
                    } else {
                        assert!(answer.await >= before);
                    }
                }
            })
        });
        for asker in askers.collect::<Vec<_>>() {
            asker.await.unwrap();
        }
        change.await.unwrap();
        let asked = asked.load(Ordering::SeqCst);
        assert!(asked > 10 && asked < 32 * 50 / 4, "{asked} questions for {} askings", 32 * 50);
    }
}
