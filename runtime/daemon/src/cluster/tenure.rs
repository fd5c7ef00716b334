//! Which partitions this node charges, by which epochs of their leases, and until when.
//!
//! The member ([`super::member`]) says what is held; shards say what they have taken up and let go. Whoever acts asks
//! here first: after the time by this machine's monotonic clock nothing is held, whatever else is known. What is
//! written all the same is refused by the epoch.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aquarium_store::derived::Fence;
use tokio::sync::watch;

/// What is held.
#[derive(Clone)]
pub struct Tenure {
    state: Arc<watch::Sender<State>>,
    /// `None`: for ever.
    /// Locked before `state` where both are, never while that is.
    until: Arc<Mutex<Option<Instant>>>,
    shards: usize,
}

struct State {
    /// It grows with each change.
    version: u64,
    held: BTreeMap<u16, Holding>,
    /// By shard: as of which version it charges.
    entered: Vec<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Holding {
    /// `None`: nobody else can hold it.
    epoch: Option<u64>,
    /// Since which version it is on its way to another node.
    leaving: Option<u64>,
}

/// What a shard charges, as of a version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    version: u64,
    /// The partitions.
    pub partitions: Vec<u16>,
    /// Their leases, where they have any.
    pub fences: Vec<Fence>,
}

/// What has become of a shard's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is as it was.
    Same,
    /// There is more, or less: it is to be written, and taken up anew.
    Changed,
    /// Some of it is another's by now: nothing of it may be written any more.
    Lost,
}

impl Tenure {
    /// All partitions, for ever: there is no other node.
    pub fn whole(partitions: u16, shards: usize) -> Self {
        let holding = Holding { epoch: None, leaving: None };
        let held = (0..partitions).map(|partition| (partition, holding)).collect();
        Self::new(held, None, shards)
    }

    /// No partitions yet.
    pub fn shared(shards: usize) -> Self {
        Self::new(BTreeMap::new(), Some(Instant::now()), shards)
    }

    fn new(held: BTreeMap<u16, Holding>, until: Option<Instant>, shards: usize) -> Self {
        let shards = shards.max(1);
        let state = State { version: 1, held, entered: vec![0; shards] };
        Self { state: Arc::new(watch::Sender::new(state)), until: Arc::new(Mutex::new(until)), shards }
    }

    /// Whether it is not over.
    pub fn is_in_time(&self) -> bool {
        self.left() != Some(Duration::ZERO)
    }

    /// How long it lasts unless it is renewed; `None`: for ever.
    pub fn left(&self) -> Option<Duration> {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.map(|until| until.saturating_duration_since(Instant::now()))
    }

    /// As which holding a partition is charged here now; another one if it was another's meanwhile.
    pub fn holding(&self, partition: u16) -> Option<Fence> {
        let holding = self.state.borrow().held.get(&partition).copied();
        let holding = holding.filter(|holding| holding.leaving.is_none() && self.is_in_time())?;
        Some(Fence { partition, epoch: holding.epoch.unwrap_or_default() })
    }

    /// The leases to compare where a partition's holder writes, none where there are no others; `None`: it is not held.
    pub fn fences(&self, partition: u16) -> Option<Vec<Fence>> {
        let holding = self.state.borrow().held.get(&partition).copied()?;
        Some(holding.epoch.into_iter().map(|epoch| Fence { partition, epoch }).collect())
    }

    /// Whether a partition is charged here now.
    pub fn holds(&self, partition: u16) -> bool {
        self.holding(partition).is_some()
    }

    /// The partitions that are charged here now.
    pub fn partitions(&self) -> Vec<u16> {
        let in_time = self.is_in_time();
        let state = self.state.borrow();
        let staying = state.held.iter().filter(|(_, holding)| in_time && holding.leaving.is_none());
        staying.map(|(partition, _)| *partition).collect()
    }

    /// Tells when anything changes.
    pub fn changes(&self) -> Changes {
        Changes(self.state.subscribe())
    }

    /// Waits until a partition is charged here.
    pub async fn taken(&self, partition: u16) {
        let mut changes = self.changes();
        while !self.holds(partition) {
            changes.next().await;
        }
    }

    /// Waits until a partition is not charged here any more.
    pub async fn gone(&self, partition: u16) {
        let mut changes = self.changes();
        while self.holds(partition) {
            let left = self.left();
            tokio::select! {
                () = changes.next() => {}
                () = after(left) => {}
            }
        }
    }

    /// The version as of which all shards charge what is held; `None`: some are about to take something up.
    pub fn settled(&self) -> Option<u64> {
        let in_time = self.is_in_time();
        let state = self.state.borrow();
        let settled = state.entered.iter().all(|entered| *entered == state.version);
        (settled && in_time).then_some(state.version)
    }

    // What shards say.

    /// What a shard is to charge now.
    pub fn part_of(&self, shard: usize) -> Part {
        let in_time = self.is_in_time();
        let state = self.state.borrow();
        let mut part = Part { version: state.version, ..Part::default() };
        for (partition, holding) in &state.held {
            if in_time && holding.leaving.is_none() && usize::from(*partition) % self.shards == shard {
                part.partitions.push(*partition);
                part.fences.extend(holding.epoch.map(|epoch| Fence { partition: *partition, epoch }));
            }
        }
        part
    }

    /// A shard charges its part from now on, and nothing else.
    pub fn enter(&self, shard: usize, part: &Part) {
        self.state.send_if_modified(|state| {
            let Some(entered) = state.entered.get_mut(shard) else { return false };
            std::mem::replace(entered, part.version) != part.version
        });
    }

    /// What has become of a shard's part; where it is as it was it counts as entered anew.
    pub fn standing(&self, shard: usize, part: &mut Part) -> Standing {
        if self.is_in_time() && self.state.borrow().version == part.version {
            return Standing::Same;
        }
        if !part.partitions.is_empty() && !self.is_in_time() {
            return Standing::Lost;
        }
        let is_held = |fence: &Fence| {
            let held = self.state.borrow().held.get(&fence.partition).copied();
            held.is_some_and(|holding| holding.epoch == Some(fence.epoch))
        };
        if !part.fences.iter().all(is_held) {
            return Standing::Lost;
        }
        let now = self.part_of(shard);
        if now.partitions != part.partitions || now.fences != part.fences {
            return Standing::Changed;
        }
        *part = now;
        self.enter(shard, part);
        Standing::Same
    }

    // What the member says.

    /// It lasts until then. What was held is lost where it was over.
    pub fn extend(&self, until: Instant) {
        let mut known = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_some_and(|known| known <= Instant::now()) {
            // Shards may have dropped what was theirs, with writes on their way: only under other epochs it is safe to
            // take it up again.
            self.lose_all();
        }
        *known = Some(until);
    }

    /// These are held as well.
    pub fn grant(&self, fences: &[Fence]) {
        self.change(|held, _| {
            for fence in fences {
                held.insert(fence.partition, Holding { epoch: Some(fence.epoch), leaving: None });
            }
            !fences.is_empty()
        });
    }

    /// These are to be let go, in order.
    pub fn part_from(&self, partitions: &[u16]) {
        self.change(|held, version| {
            let mut changed = false;
            for partition in partitions {
                if let Some(holding) = held.get_mut(partition).filter(|holding| holding.leaving.is_none()) {
                    holding.leaving = Some(version);
                    changed = true;
                }
            }
            changed
        });
    }

    /// Those that were to be let go, and that no shard charges any more.
    pub fn let_go(&self) -> Vec<Fence> {
        let state = self.state.borrow();
        let entered = |partition: u16| state.entered.get(usize::from(partition) % self.shards).copied();
        let gone = state.held.iter().filter(|(partition, holding)| {
            holding
                .leaving
                .is_some_and(|leaving| entered(**partition).is_some_and(|entered| entered >= leaving))
        });
        gone.map(|(partition, holding)| Fence {
            partition: *partition,
            epoch: holding.epoch.unwrap_or_default(),
        })
        .collect()
    }

    /// These are another's by now, or nobody's.
    pub fn lose(&self, fences: &[Fence]) {
        self.change(|held, _| {
            let before = held.len();
            held.retain(|partition, holding| {
                !fences
                    .iter()
                    .any(|fence| fence.partition == *partition && holding.epoch == Some(fence.epoch))
            });
            held.len() < before
        });
    }

    /// Nothing is held any more.
    pub fn lose_all(&self) {
        self.change(|held, _| !std::mem::take(held).is_empty());
    }

    /// Everything that is held, also what is on its way to others.
    pub fn all(&self) -> Vec<Fence> {
        let state = self.state.borrow();
        let fence = |(partition, holding): (&u16, &Holding)| Fence {
            partition: *partition,
            epoch: holding.epoch.unwrap_or_default(),
        };
        state.held.iter().map(fence).collect()
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<u16, Holding>, u64) -> bool) {
        self.state.send_if_modified(|state| {
            let next = state.version.saturating_add(1);
            let changed = change(&mut state.held, next);
            if changed {
                state.version = next;
            }
            changed
        });
    }
}

/// When something changes in what is held.
pub struct Changes(watch::Receiver<State>);

impl Changes {
    /// Waits for the next change; where nothing can change any more, for ever.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Waits for a time, or for ever.
async fn after(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fences(epoch: u64, partitions: &[u16]) -> Vec<Fence> {
        partitions.iter().map(|partition| Fence { partition: *partition, epoch }).collect()
    }

    fn lasting(shards: usize) -> Tenure {
        let tenure = Tenure::shared(shards);
        tenure.extend(Instant::now() + Duration::from_secs(600));
        tenure
    }

    #[test]
    fn without_others_everything_is_held_for_ever_under_no_lease() {
        let tenure = Tenure::whole(5, 2);
        let part = tenure.part_of(1);
        assert_eq!((part.partitions, part.fences), (vec![1, 3], vec![]));
        assert!(tenure.holds(4) && !tenure.holds(5));
        assert_eq!(tenure.left(), None);
    }

    #[test]
    fn what_is_granted_is_a_change_and_what_is_another_shards_is_none() {
        let tenure = lasting(2);
        tenure.grant(&fences(7, &[0, 2]));
        let (mut even, mut odd) = (tenure.part_of(0), tenure.part_of(1));
        assert_eq!(even.fences, fences(7, &[0, 2]));
        assert_eq!(tenure.settled(), None);
        tenure.enter(0, &even);
        tenure.enter(1, &odd);
        assert!(tenure.settled().is_some());
        tenure.grant(&fences(3, &[1]));
        assert_eq!(tenure.settled(), None);
        assert_eq!(tenure.standing(0, &mut even), Standing::Same);
        assert_eq!(tenure.standing(1, &mut odd), Standing::Changed);
        tenure.enter(1, &tenure.part_of(1));
        assert!(tenure.settled().is_some());
    }

    #[test]
    fn what_is_to_go_is_let_go_once_its_shard_has_written_it() {
        let tenure = lasting(1);
        tenure.grant(&fences(1, &[0, 1]));
        let mut part = tenure.part_of(0);
        tenure.enter(0, &part);
        tenure.part_from(&[1]);
        assert!(!tenure.holds(1));
        assert_eq!(tenure.let_go(), []);
        assert_eq!(tenure.standing(0, &mut part), Standing::Changed);
        assert_eq!(tenure.let_go(), []);
        tenure.enter(0, &tenure.part_of(0));
        assert_eq!(tenure.let_go(), fences(1, &[1]));
        tenure.lose(&fences(1, &[1]));
        assert_eq!(tenure.all(), fences(1, &[0]));
    }

    #[test]
    fn what_is_lost_may_not_be_written_whatever_is_granted_after_it() {
        let tenure = lasting(1);
        tenure.grant(&fences(1, &[0, 1]));
        let mut part = tenure.part_of(0);
        tenure.lose(&fences(1, &[1]));
        tenure.grant(&fences(3, &[1]));
        assert_eq!(tenure.standing(0, &mut part), Standing::Lost);
        assert_eq!(tenure.part_of(0).fences, [fences(1, &[0]), fences(3, &[1])].concat());
    }

    #[test]
    fn after_its_time_nothing_is_held() {
        let tenure = lasting(1);
        tenure.grant(&fences(1, &[0]));
        let mut part = tenure.part_of(0);
        tenure.enter(0, &part);
        tenure.extend(Instant::now());
        assert_eq!(tenure.standing(0, &mut part), Standing::Lost);
        assert!(!tenure.holds(0) && tenure.partitions().is_empty() && tenure.settled().is_none());
        assert!(tenure.part_of(0).partitions.is_empty());
        tenure.extend(Instant::now() + Duration::from_secs(600));
        assert_eq!((tenure.all(), tenure.part_of(0).fences), (vec![], vec![]));
    }
}
