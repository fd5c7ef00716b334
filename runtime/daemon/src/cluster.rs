//! Several nodes on one store: which of them charges what, what each knows of the others, and how they ask each other.
//!
//! Without others there is one node that has everything, for ever; nothing else in the daemon knows the difference.

pub mod following;
pub mod member;
pub mod peers;
mod share;
pub mod tenure;

use aquarium_store::derived::Fence;
use aquarium_store::partition_of;

pub use following::{Following, Freshness};
pub use member::{Neighbourhood, Setting};
pub use peers::Peers;
pub use tenure::{Changes, Part, Standing, Tenure};

/// A task that one node at a time has: the one that charges a certain partition.
#[derive(Clone)]
pub struct Role {
    tenure: Tenure,
    partition: u16,
}

impl Role {
    /// The role of a name: names are spread over the nodes as users are.
    pub fn of_name(name: &str, partitions: u16, tenure: &Tenure) -> Self {
        Self { tenure: tenure.clone(), partition: partition_of(name, partitions) }
    }

    /// The leases to compare in what this node writes by it; `None`: it is another node's.
    pub fn fences(&self) -> Option<Vec<Fence>> {
        self.tenure.fences(self.partition)
    }

    /// The partition whose lease it goes with.
    pub fn partition(&self) -> u16 {
        self.partition
    }

    /// Whether this node has it.
    pub fn is_here(&self) -> bool {
        self.tenure.holds(self.partition)
    }

    /// Waits until this node has it.
    pub async fn taken(&self) {
        self.tenure.taken(self.partition).await;
    }

    /// Waits until this node has it no more.
    pub async fn gone(&self) {
        self.tenure.gone(self.partition).await;
    }
}
