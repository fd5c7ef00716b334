//! What the daemon is measured with: four seeded workloads. The same seed, size and end give the same bytes.

mod stream;
#[cfg(test)]
mod tests;

use stream::{Cost, Mix, Resource};
pub use stream::{Events, user_name};

/// Who sends events, and what happens to them on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Workload {
    /// 5 resources, 3 price lists, 2 algorithms, 5 agreements, 1,000 users, random events.
    Paper,
    /// 100,000 users, 20 resources, tiers, weekly ranges, 1 % of events late, 1 % twice.
    Cloud,
    /// A user whom half of all events are about.
    Meter,
    /// Users with two open instances each, who do nothing.
    Idle,
}

/// How much of a workload is made, and when.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// What draws everything.
    pub seed: u64,
    /// Events; of `idle`, two for each user.
    pub events: u64,
    /// Users.
    pub users: u64,
    /// The instant before which everything happens, in milliseconds since 1970.
    pub ends: i64,
}

/// Of events and users, what a workload has when nobody says otherwise.
const DEFAULTS: [(u64, u64); 4] =
    [(1_000_000, 1_000), (1_000_000, 100_000), (1_000_000, 1_000), (0, 1_000_000)];
/// The smallest that still shows everything.
const QUICK_SHARE: u64 = 50;
/// Agreements by role: users have them in turn.
const ROLES: u64 = 5;

const DAY: i64 = 86_400_000;
/// Four weeks, so that weekly ranges come round; at most one month ends within.
const SPAN: i64 = 28 * DAY;

impl Workload {
    /// The name for tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Cloud => "cloud",
            Self::Meter => "meter",
            Self::Idle => "idle",
        }
    }

    /// Events and users, where the command does not say otherwise.
    pub fn size(self, quick: bool) -> (u64, u64) {
        let (events, users) = DEFAULTS.get(self as usize).copied().unwrap_or_default();
        let users_quick = if users > 1_000 { users / QUICK_SHARE } else { users };
        if quick { (events / QUICK_SHARE, users_quick) } else { (events, users) }
    }

    /// The policy.
    pub fn policy(self) -> &'static str {
        match self {
            Self::Paper => include_str!("workload/paper.aquarium.yaml"),
            Self::Cloud => include_str!("workload/cloud.aquarium.yaml"),
            Self::Meter => include_str!("workload/meter.aquarium.yaml"),
            Self::Idle => include_str!("workload/idle.aquarium.yaml"),
        }
    }

    /// The policy with another price, so that what was charged is charged anew.
    pub fn revised(self) -> String {
        self.policy().replace("upload: 0.01\n", "upload: 0.012\n")
    }

    /// From when on its events are.
    pub fn begins(self, size: &Size) -> i64 {
        size.ends - if self == Self::Idle { DAY } else { SPAN }
    }

    /// Registrations of all users, an event a line.
    pub fn registrations(self, size: &Size) -> Vec<u8> {
        let mut lines = Vec::new();
        let at = self.begins(size) - 1;
        for user in 0..size.users {
            let (id, role) = (user_name(user), user % ROLES);
            lines.extend_from_slice(
                format!(
                    r#"{{"id":"made-{user}","occurredMillis":{at},"clientID":"astakos","userID":"{id}","isActive":true,"role":"role{role}","eventVersion":"1","eventType":"ACTIVE","details":{{}}}}"#
                )
                .as_bytes(),
            );
            lines.push(b'\n');
        }
        lines
    }

    /// The events in the order in which they arrive.
    pub fn events(self, size: Size) -> Events {
        Events::new(&self.mix(), size, self.begins(&size))
    }

    fn mix(self) -> Mix {
        let resource = |name, cost| Resource { name, cost, instances: 3 };
        let (discrete, switched, held) = (Cost::Discrete, Cost::Onoff, Cost::Continuous);
        let none = Mix {
            resources: Vec::new(),
            hot_percent: 0,
            late_permille: 0,
            twice_permille: 0,
            opens_once: false,
        };
        match self {
            Self::Paper => Mix {
                resources: vec![
                    resource("bandwidthup", discrete),
                    resource("bandwidthdown", discrete),
                    resource("requests", discrete),
                    resource("vmtime", switched),
                    Resource { name: "diskspace", cost: held, instances: 1 },
                ],
                ..none
            },
            Self::Cloud => {
                Mix { resources: cloud_resources(), late_permille: 10, twice_permille: 10, ..none }
            }
            Self::Meter => Mix {
                resources: vec![
                    resource("calls", discrete),
                    resource("uploads", discrete),
                    resource("disk", held),
                ],
                hot_percent: 50,
                ..none
            },
            Self::Idle => Mix {
                resources: vec![resource("vmtime", switched), resource("disk", held)],
                opens_once: true,
                ..none
            },
        }
    }
}

fn cloud_resources() -> Vec<Resource> {
    let counted = ["uploads", "downloads", "requests", "mails", "scans", "builds", "backups", "queries"];
    let switched = ["small", "medium", "large", "gpu", "address", "balancer"];
    let held = ["disk", "fastdisk", "archive", "snapshots", "images", "database"];
    let all = |names: &[&'static str], cost| {
        names.iter().map(|name| Resource { name, cost, instances: 2 }).collect::<Vec<_>>()
    };
    [all(&counted, Cost::Discrete), all(&switched, Cost::Onoff), all(&held, Cost::Continuous)].concat()
}
