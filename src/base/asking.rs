//! Asking once for many (合并查询): where many ask the same at a time, one question is under way, and its answer is good for a
//! moment. Nobody is given an answer to a question that was asked longer than that before he came.

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

type Question<T> = Shared<BoxFuture<'static, T>>;

/// A question that many ask.
pub struct Asking<T: Clone> {
    good_for: Duration,
    state: Arc<Mutex<State<T>>>,
    /// One is under way at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
}

struct State<T: Clone> {
    /// The last answer, and when it was asked for.
    last: Option<(Instant, T)>,
    /// The next question, which has not been asked yet.
    next: Option<Question<T>>,
}

impl<T: Clone> State<T> {
    fn good(&self, good_for: Duration) -> Option<T> {
        self.last.as_ref().filter(|(asked, _)| asked.elapsed() < good_for).map(|(_, answer)| answer.clone())
    }
}

impl<T: Clone + Send + Sync + 'static> Asking<T> {
    /// A question whose answers are good for so long, from when it was asked.
    #[must_use]
    pub fn new(good_for: Duration) -> Self {
        Self { good_for, state: Arc::new(Mutex::new(State { last: None, next: None })), turn: Arc::default() }
    }

    /// The answer to a question that is asked from now on, or was asked a moment ago.
    pub async fn ask<F>(&self, question: impl FnOnce() -> F) -> T
    where
        F: Future<Output = T> + Send + 'static,
    {
        let joined = {
            let mut state = lock(&self.state);
            if let Some(answer) = state.good(self.good_for) {
                return answer;
            }
            state.next.get_or_insert_with(|| self.later(question())).clone()
        };
        joined.await
    }

    fn later(&self, question: impl Future<Output = T> + Send + 'static) -> Question<T> {
        let (good_for, state, turn) = (self.good_for, Arc::clone(&self.state), Arc::clone(&self.turn));
        let asked = async move {
            let _turn = turn.lock().await;
            {
                // It is asked now: whoever comes later is not answered by it, unless it is good for him too.
                let mut state = lock(&state);
                state.next = None;
                if let Some(answer) = state.good(good_for) {
                    return answer;
                }
            }
            let asked = Instant::now();
            let answer = question.await;
            lock(&state).last = Some((asked, answer.clone()));
            answer
        };
        asked.boxed().shared()
    }
}

fn lock<T: Clone>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

    /// Thirty-two ask what changes all the time, and are told nothing older than what was said to be so before they came;
    /// gives how many questions came of their askings.
    async fn asked_by_many(good_for: Duration) -> u64 {
        let asking = Arc::new(Asking::new(good_for));
        let (truth, said, asked) =
            (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let (changing, saying) = (Arc::clone(&truth), Arc::clone(&said));
        let change = tokio::spawn(async move {
            loop {
                let now = changing.fetch_add(1, SeqCst) + 1;
                tokio::time::sleep(good_for).await;
                saying.store(now, SeqCst);
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
        });
        let askers = (0..32).map(|n| {
            let (asking, truth, said, asked) =
                (Arc::clone(&asking), Arc::clone(&truth), Arc::clone(&said), Arc::clone(&asked));
            tokio::spawn(async move {
                for round in 0..50u64 {
                    let before = said.load(SeqCst);
                    let (truth, asked) = (Arc::clone(&truth), Arc::clone(&asked));
                    let question = move || async move {
                        asked.fetch_add(1, SeqCst);
                        let answer = truth.load(SeqCst);
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
                    tokio::time::sleep(Duration::from_micros(100)).await;
                }
            })
        });
        for asker in askers.collect::<Vec<_>>() {
            asker.await.unwrap();
        }
        change.abort();
        asked.load(SeqCst)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_answer_is_as_young_as_was_said_and_few_questions_are_asked() {
        let (askings, at_once) = (32 * 50, asked_by_many(Duration::ZERO).await);
        assert!(at_once > 10 && at_once < askings / 4, "{at_once} questions for {askings} askings");
        let for_a_moment = asked_by_many(Duration::from_millis(4)).await;
        assert!(for_a_moment > 2 && for_a_moment < at_once, "{for_a_moment} questions, and {at_once} without");
    }
}
