//! What others append: the log's end and the outbox's, looked at when there is a hint, every second without one, and
//! before a question is answered.
//!
//! A question is answered by everything that was durable when it was asked, whichever node stored it. So whoever asks
//! waits for a look that begins after that; questions that come at the same time wait for the same look.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aquarium_store::derived::OutboxPlace;
use aquarium_store::postgres::Heard;
use aquarium_store::{PostgresDerived, PostgresLog};
use tokio::sync::watch;

use crate::feed::Feed;
use crate::ingest;
use crate::outbox::Outbox;
use crate::shard::Unanswered;

/// The longest time between looks.
const LOOKED_EVERY: Duration = Duration::from_secs(1);

/// How those who ask come to know what others have appended. Without others nothing is waited for.
#[derive(Clone, Default)]
pub struct Freshness(Option<Arc<Looks>>);

struct Looks {
    /// Looks that began.
    begun: AtomicU64,
    /// The number of a look that somebody waits for.
    wanted: watch::Sender<u64>,
    /// The number of the last look that is over, and whether it has seen anything.
    done: watch::Sender<(u64, bool)>,
}

impl Freshness {
    /// There are others.
    pub fn shared() -> Self {
        let looks = Looks {
            begun: AtomicU64::new(0),
            wanted: watch::Sender::new(0),
            done: watch::Sender::new((0, true)),
        };
        Self(Some(Arc::new(looks)))
    }

    /// Waits until it is known here what is durable now.
    ///
    /// # Errors
    /// Where that cannot be known: an answer could be older than what whoever asks has seen elsewhere.
    pub async fn reached(&self) -> Result<(), Unanswered> {
        let Some(looks) = &self.0 else { return Ok(()) };
        let next = looks.begun.load(Ordering::SeqCst).saturating_add(1);
        let mut done = looks.done.subscribe();
        looks.wanted.send_if_modified(|wanted| {
            let more = *wanted < next;
            *wanted = next.max(*wanted);
            more
        });
        // The sender is among the looks.
        let seen = done.wait_for(|(done, _)| *done >= next).await.is_ok_and(|done| done.1);
        let unseen = || Unanswered::Broken("the store does not say what other nodes have stored".to_owned());
        seen.then_some(()).ok_or_else(unseen)
    }
}

/// Follows what others append.
pub struct Following {
    /// The log.
    pub log: Arc<PostgresLog>,
    /// Derived state, and with it the outbox.
    pub derived: Arc<PostgresDerived>,
    /// What is heard of others.
    pub heard: watch::Receiver<Heard>,
    /// Who is told of the log's end.
    pub ingest: ingest::Handle,
    /// Who is told of the outbox's end.
    pub outbox: Arc<Outbox>,
    /// Who waits for looks.
    pub freshness: Freshness,
    /// It ends with the feed.
    pub feed: Arc<Feed>,
}

impl Following {
    /// Follows until the feed is stopped. Blocks; must be called on a runtime's thread.
    pub fn run(&self) {
        let Some(looks) = &self.freshness.0 else { return };
        let runtime = tokio::runtime::Handle::current();
        let (mut heard, mut wanted) = (self.heard.clone(), looks.wanted.subscribe());
        while !self.feed.is_stopped() {
            let number = looks.begun.fetch_add(1, Ordering::SeqCst).saturating_add(1);
            let seen = self.look();
            looks.done.send_replace((number, seen));
            runtime.block_on(async {
                tokio::select! {
                    () = self.feed.stopped() => {}
                    _ = wanted.wait_for(|wanted| *wanted > number) => {}
                    _ = heard.wait_for(|heard| self.is_news(heard)) => {}
                    () = tokio::time::sleep(LOOKED_EVERY) => {}
                }
            });
        }
    }

    fn is_news(&self, heard: &Heard) -> bool {
        use aquarium_store::Log as _;
        heard.log > self.log.end().0 || OutboxPlace(heard.outbox) > *self.outbox.end().borrow()
    }

    /// Says whether the log could be looked at. What cannot be looked at now is looked at again.
    fn look(&self) -> bool {
        let end = self.log.refresh();
        match &end {
            Ok(end) => self.ingest.moved(*end),
            Err(error) => tracing::debug!(%error, "it is not known what others have appended"),
        }
        match self.derived.refresh() {
            Ok(end) => self.outbox.moved(end),
            Err(error) => tracing::debug!(%error, "it is not known what others have announced"),
        }
        end.is_ok()
    }
}
