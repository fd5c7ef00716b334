//! Questions that a shard was asked: those about one user are answered at once.
//!
//! Those about many wait where that is soon over: for the end of the log where it is near, and for lists of what is
//! stored. Where records come in faster than they are folded they are answered by what is folded, which they say.

use aquarium_store::Position;

use super::users::Users;
use super::{Ask, Question, Unanswered};

/// Questions about everybody that wait; more are turned away.
const WAITING_MAX: usize = 1_024;

/// Records that are folded before a question about many users is answered: it takes some milliseconds. Whoever is idle
/// has come to the log's end when it answers.
pub const NEAR_THE_END: u64 = 256;

/// Lists of what is stored that are made some at a time, once a shard has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lists {
    /// Users by name.
    Names,
    /// Events without effect.
    Findings,
}

impl Lists {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Names, Self::Findings];
}

/// The questions that wait.
#[derive(Default)]
pub(super) struct Waiting(Vec<Question>);

impl Waiting {
    /// Answers a question, or has it wait.
    pub(super) fn take(&mut self, users: &mut Users, question: Question) {
        if question.ask.user().is_some() || is_ready(users, &question) {
            return answer(users, question);
        }
        if self.0.len() >= WAITING_MAX {
            self.0.retain(|question| !question.ask.is_abandoned());
        }
        if self.0.len() < WAITING_MAX {
            self.0.push(question);
        } else {
            question.ask.refuse(Unanswered::Late);
        }
    }

    /// Whether a question needs a list that may not be made yet.
    pub(super) fn needs(&self, lists: Lists) -> bool {
        self.0.iter().any(|question| match question.ask {
            Ask::Names { .. } => lists == Lists::Names,
            Ask::Findings { .. } => lists == Lists::Findings,
            _ => false,
        })
    }

    /// Answers what need not wait any longer.
    pub(super) fn answer(&mut self, users: &mut Users) {
        if self.0.is_empty() {
            return;
        }
        let all = std::mem::take(&mut self.0);
        let (ready, waiting) = all.into_iter().partition(|question| is_ready(users, question));
        self.0 = waiting;
        ready.into_iter().for_each(|question| answer(users, question));
    }
}

/// Whether everything is there that the question asks for, or nothing more can be.
fn is_ready(users: &Users, question: &Question) -> bool {
    let end = question.not_before;
    let far = |place: Position| end.0.saturating_sub(place.0) > NEAR_THE_END && users.has_looked_ahead();
    let come = |place: Position| place >= end || far(place);
    users.check().is_err()
        || match &question.ask {
            Ask::Names { which, .. } if which.whole => users.cursor() >= end && users.names_are_listed(),
            Ask::Names { .. } => come(users.read_up_to()) && users.names_are_listed(),
            Ask::Findings { .. } => come(users.cursor()) && users.findings_are_read(),
            Ask::Standings { .. } => come(users.cursor()),
            Ask::Everybody { .. } | Ask::State { .. } | Ask::Ledger { .. } | Ask::Digest { .. } => {
                users.cursor() >= end
            }
        }
}

/// Answers a question by what there is.
pub(super) fn answer(users: &mut Users, question: Question) {
    if question.ask.user().is_some_and(|user| !users.has_partition_of(user)) {
        return question.ask.refuse(Unanswered::Moving);
    }
    if let Some(user) = question.ask.user()
        && let Err(why) = users.fold_ahead(user, question.not_before)
    {
        return question.ask.refuse(why);
    }
    let end = question.not_before;
    // Whoever asked may have gone away by now.
    let gone = match question.ask {
        Ask::State { user, at, look } => {
            users.see(&user, at, look);
            false
        }
        Ask::Everybody { at, reply } => reply.send(users.everybody(at)).is_err(),
        Ask::Findings { which, reply } => reply.send(users.without_effect(&which, end)).is_err(),
        Ask::Ledger { user, look } => {
            users.show(&user, look);
            false
        }
        Ask::Names { which, reply } => reply.send(users.names(&which, end)).is_err(),
        Ask::Standings { users: asked, at, reply } => reply.send(users.standings(&asked, at, end)).is_err(),
        Ask::Digest { user, at, reply } => reply.send(users.digest(&user, at)).is_err(),
    };
    if gone {
        tracing::debug!("nobody waits for an answer any more");
    }
}

impl Ask {
    /// The user whom the question is about; `None`: about all of them.
    fn user(&self) -> Option<&str> {
        match self {
            Self::State { user, .. } | Self::Ledger { user, .. } | Self::Digest { user, .. } => Some(user),
            Self::Everybody { .. } | Self::Findings { .. } | Self::Names { .. } | Self::Standings { .. } => {
                None
            }
        }
    }

    /// Whether nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Everybody { reply, .. } => reply.is_closed(),
            Self::Findings { reply, .. } => reply.is_closed(),
            Self::Names { reply, .. } => reply.is_closed(),
            Self::Standings { reply, .. } => reply.is_closed(),
            Self::Digest { reply, .. } => reply.is_closed(),
            Self::State { .. } | Self::Ledger { .. } => false,
        }
    }

    /// Says why there is no answer, to whoever still waits for it.
    fn refuse(self, why: Unanswered) {
        let gone = match self {
            Self::Everybody { reply, .. } => reply.send(Err(why)).is_err(),
            Self::Findings { reply, .. } => reply.send(Err(why)).is_err(),
            Self::Names { reply, .. } => reply.send(Err(why)).is_err(),
            Self::Standings { reply, .. } => reply.send(Err(why)).is_err(),
            Self::Digest { reply, .. } => reply.send(Err(why)).is_err(),
            Self::State { look, .. } => {
                look(Err(why));
                false
            }
            Self::Ledger { look, .. } => {
                look(Err(why));
                false
            }
        };
        if gone {
            tracing::debug!("nobody waits for an answer any more");
        }
    }
}
