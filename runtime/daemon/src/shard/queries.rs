//! Questions that look at a user's ledger itself: what is worked out from it is the asker's business.

use aquarium_charging::ledger::View;
use aquarium_charging::{Deployments, Ledger};
use aquarium_ir::Millis;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::{Ask, Handle, Row, Unanswered};

/// What looks at a ledger: it is given none where there is no record of the user.
pub(super) type Look = Box<dyn FnOnce(Result<Option<Known<'_>>, Unanswered>) + Send>;

/// What looks at a user's state at an instant: it is given none where there is no record up to then.
pub(super) type LookAt = Box<dyn FnOnce(Result<Option<Seen<'_>>, Unanswered>) + Send>;

/// A user's state at an instant, and the policies that it was folded by.
pub struct Seen<'a> {
    /// The state.
    pub view: View,
    /// The policies; asking them changes nothing.
    pub deployments: &'a mut Deployments,
}

/// A user's ledger, folded up to the log's end, and the policies that it was folded by.
pub struct Known<'a> {
    /// The ledger.
    pub ledger: &'a Ledger,
    /// The policies; asking them changes nothing.
    pub deployments: &'a mut Deployments,
}

/// Which users are meant: those after one, in the order of their bytes, whose id contains a text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Which {
    /// The text; empty: all users.
    pub containing: String,
    /// Users after this one; `None`: from the first.
    pub after: Option<String>,
    /// Users at most.
    pub limit: usize,
}

impl Handle {
    /// How a user stands at an instant; `None` where there is no record of the user at or before it.
    pub async fn standing(&self, user: &str, at: Millis) -> Result<Option<Row>, Unanswered> {
        let name = user.to_owned();
        self.see(user, at, move |Seen { view, .. }| Row::of(name, &view)).await
    }

    /// What `look` makes of a user's state at an instant; `None` where there is no record up to then.
    pub async fn see<T: Send + 'static>(
        &self,
        user: &str,
        at: Millis,
        look: impl FnOnce(Seen<'_>) -> T + Send + 'static,
    ) -> Result<Option<T>, Unanswered> {
        self.ask_of(user, |reply: oneshot::Sender<Result<Option<T>, Unanswered>>| {
            let look = move |seen: Result<Option<Seen<'_>>, Unanswered>| {
                // Whoever asked may have gone away by now.
                let _ = reply.send(seen.map(|seen| seen.map(look)));
            };
            Ask::State { user: user.to_owned(), at, look: Box::new(look) }
        })
        .await
    }

    /// What `look` makes of a user's ledger; `None` where there is no record of the user. It runs on the
    /// shard: what takes long works on a clone, elsewhere.
    pub async fn examine<T: Send + 'static>(
        &self,
        user: &str,
        look: impl FnOnce(Known<'_>) -> T + Send + 'static,
    ) -> Result<Option<T>, Unanswered> {
        self.ask_of(user, |reply: oneshot::Sender<Result<Option<T>, Unanswered>>| {
            let look = move |known: Result<Option<Known<'_>>, Unanswered>| {
                // Whoever asked may have gone away by now.
                let _ = reply.send(known.map(|known| known.map(look)));
            };
            Ask::Ledger { user: user.to_owned(), look: Box::new(look) }
        })
        .await
    }

    /// Users by id, in the order of its bytes.
    pub async fn names(&self, which: &Which) -> Result<Vec<String>, Unanswered> {
        let mut names = self.ask_all(|reply| Ask::Names { which: which.clone(), reply }).await?;
        names.sort_unstable();
        names.truncate(which.limit);
        Ok(names)
    }
}
