//! Where a shard's users are while it waits: whoever asks then is answered at once, without waking it.
//!
//! Two threads that wake one another for each question halve what can be answered. What takes more than memory has
//! (something to be folded, read or written) is the shard's, which is asked for it.

use std::hint::spin_loop;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::users::Users;
use super::waiting::answer;
use super::{Ask, Question};

/// How often whoever asks looks whether nobody else is at the desk: others who ask are gone after a microsecond or two, and
/// to wake the shard and be woken by it takes more.
const LOOKS: usize = 128;

/// The place of a shard's users; none where it has not begun.
#[derive(Default)]
pub(super) struct Desk {
    users: Mutex<Option<Users>>,
    /// That an answer left something to do.
    left: Notify,
}

impl Desk {
    /// Puts users there, to be asked about.
    pub(super) fn put(&self, users: Users) {
        *self.take() = Some(users);
        self.users.clear_poison();
    }

    /// Drops the users that are there.
    pub(super) fn clear(&self) {
        let users = self.take().take();
        drop(users);
    }

    /// Has it alone: what the shard does while it works. Whoever answers meanwhile takes microseconds.
    pub(super) fn take(&self) -> MutexGuard<'_, Option<Users>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a question that what is in memory answers, unless the shard is at work; gives it back otherwise.
    pub(super) fn answer(&self, question: Question) -> Option<Question> {
        let Ask::State { user, at, .. } = &question.ask else { return Some(question) };
        let free = || self.users.try_lock().inspect_err(|_| spin_loop()).ok();
        let Some(mut desk) = (0..LOOKS).find_map(|_| free()) else { return Some(question) };
        match desk.as_mut() {
            Some(users) if users.has_at_hand(user, *at, question.not_before) => {
                let aside = users.aside();
                answer(users, question);
                if users.aside() > aside {
                    self.left.notify_one();
                }
                None
            }
            _ => Some(question),
        }
    }

    /// Waits until an answer has left something to do: a user whose charging failed meanwhile is written, and tried again
    /// after a while.
    pub(super) async fn left_something(&self) {
        self.left.notified().await;
    }
}
