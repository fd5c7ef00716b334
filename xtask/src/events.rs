//! Realistic events for the quickstart: a seeded generator, the same bytes on every machine.
//!
//! Two months of a small cloud: users register, start and stop machines, fill and empty disks, move
//! data. Some events come late, some twice. At the end everything is stopped, so that balances stay.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::command::Outcome;

/// What to generate.
#[derive(Args, Clone)]
pub struct Options {
    /// How many users.
    #[arg(long, default_value_t = USERS)]
    users: u32,
    /// The seed: the same seed gives the same events.
    #[arg(long, default_value_t = SEED)]
    seed: u64,
    /// Where to write, as NDJSON.
    #[arg(long, default_value = QUICKSTART)]
    out: PathBuf,
}

impl Options {
    /// That many users, the usual seed.
    pub fn with_users(users: u32, out: PathBuf) -> Self {
        Self { users, seed: SEED, out }
    }
}

const QUICKSTART: &str = "examples/quickstart/events.ndjson";

/// The quickstart's users and seed.
const USERS: u32 = 40;
const SEED: u64 = 2012;

/// 2011-11-01T00:00:00Z: the first instant of the generated events.
const FROM: i64 = 1_320_105_600_000;
/// 2011-12-31T22:00:00Z: when everything is stopped.
const TO: i64 = 1_325_368_800_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Of a thousand events, how many arrive twice, and how many arrive hours late.
const DUPLICATES: u32 = 10;
const LATE: u32 = 10;

/// Writes the events.
pub fn write(options: &Options) -> Outcome {
    let path = crate::root().join(&options.out);
    std::fs::write(&path, generate(options))
        .map_err(|error| format!("cannot write `{}`: {error}", path.display()))
}

/// Fails where the committed events are not what the generator gives.
pub fn check() -> Outcome {
    let path = crate::root().join(QUICKSTART);
    let committed =
        std::fs::read_to_string(&path).map_err(|error| format!("cannot read `{QUICKSTART}`: {error}"))?;
    let options = Options::with_users(USERS, path);
    if committed == generate(&options) {
        Ok(())
    } else {
        Err(format!("`{QUICKSTART}` is stale: run `cargo xtask gen-events`"))
    }
}

fn generate(options: &Options) -> String {
    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    let mut arrivals = BTreeMap::new();
    for user in 0..options.users {
        for event in User::new(user, &mut random).life() {
            arrive(event, &mut random, &mut arrivals);
        }
    }
    arrivals.into_values().map(|line| line + "\n").collect()
}

/// Puts an event where it arrives: mostly within seconds, sometimes hours late, sometimes twice.
fn arrive(event: Event, random: &mut ChaCha8Rng, arrivals: &mut BTreeMap<(i64, String), String>) {
    let delay = |random: &mut ChaCha8Rng| match random.random_range(0..1000) < LATE {
        true => random.random_range(HOUR..30 * HOUR),
        false => random.random_range(50..4000),
    };
    let copies = if random.random_range(0..1000) < DUPLICATES { 2 } else { 1 };
    for copy in 0..copies {
        let at = event.occurred + delay(random);
        arrivals.insert((at, format!("{}-{copy}", event.id)), event.body.to_string());
    }
}

struct Event {
    id: String,
    occurred: i64,
    body: Value,
}

/// One user: what they own, and what happened to it.
struct User<'r> {
    id: String,
    random: &'r mut ChaCha8Rng,
    events: Vec<Event>,
}

impl<'r> User<'r> {
    fn new(number: u32, random: &'r mut ChaCha8Rng) -> Self {
        Self { id: (1001 + number).to_string(), random, events: Vec::new() }
    }

    fn life(mut self) -> Vec<Event> {
        self.account();
        for machine in 0..self.random.random_range(1..=3) {
            self.machine(machine);
        }
        self.disk();
        for resource in ["bandwidthup", "bandwidthdown"] {
            self.transfers(resource);
        }
        self.events
    }

    /// Registration, now and then a change of role or a suspension, and the end.
    fn account(&mut self) {
        let registered = FROM + self.random.random_range(0..48 * HOUR);
        let role = *self.choose(&["student", "student", "student", "RESEARCHER", "staff"]);
        self.user_event(registered, true, role);
        if self.random.random_range(0..4) == 0 {
            let changed = self.random.random_range(registered..TO - 10 * 24 * HOUR);
            self.user_event(changed, true, "researcher");
        }
        self.user_event(TO + 2 * HOUR - MINUTE, false, role);
    }

    /// A machine that is switched on and off.
    fn machine(&mut self, number: u32) {
        let instance = format!("vm-{}-{number}", self.id);
        let mut at = FROM + self.random.random_range(HOUR..72 * HOUR);
        while at < TO - HOUR {
            let off = (at + self.random.random_range(20 * MINUTE..60 * HOUR)).min(TO);
            self.resource_event("cyclades", at, "vmtime", &instance, json!(1));
            self.resource_event("cyclades", off, "vmtime", &instance, json!(0));
            at = off + self.random.random_range(MINUTE..40 * HOUR);
        }
    }

    /// Files that come and go, in tenths of a megabyte; in the end the disk is empty.
    fn disk(&mut self) {
        let mut held = 0_i64;
        let mut at = FROM + self.random.random_range(HOUR..48 * HOUR);
        while at < TO - HOUR {
            let change = if held > 0 && self.random.random_range(0..3) == 0 {
                -self.random.random_range(1..=held)
            } else {
                self.random.random_range(1..20_000)
            };
            held += change;
            self.resource_event("pithos", at, "diskspace", "1", tenths(change));
            at += self.random.random_range(HOUR..70 * HOUR);
        }
        self.resource_event("pithos", TO, "diskspace", "1", tenths(-held));
    }

    /// Uploads and downloads.
    fn transfers(&mut self, resource: &str) {
        let mut at = FROM + self.random.random_range(HOUR..48 * HOUR);
        while at < TO {
            let megabytes = tenths(self.random.random_range(1..3_000));
            self.resource_event("pithos", at, resource, "1", megabytes);
            at += self.random.random_range(10 * MINUTE..120 * HOUR);
        }
    }

    fn user_event(&mut self, occurred: i64, active: bool, role: &str) {
        let event_type = if active { "ACTIVE" } else { "SUSPENDED" };
        let id = self.event_id();
        let body = json!({
            "id": id, "occurredMillis": occurred, "clientID": "astakos", "userID": self.id,
            "isActive": active.to_string(), "role": role, "eventVersion": "1", "eventType": event_type, "details": {},
        });
        self.events.push(Event { id, occurred, body });
    }

    fn resource_event(&mut self, client: &str, occurred: i64, resource: &str, instance: &str, value: Value) {
        let id = self.event_id();
        let body = json!({
            "id": id, "occurredMillis": occurred, "clientID": client, "userID": self.id,
            "resource": resource, "instanceID": instance, "eventVersion": "1.0", "value": value, "details": {},
        });
        self.events.push(Event { id, occurred, body });
    }

    /// Forty hexadecimal digits, as the guide recommends.
    fn event_id(&mut self) -> String {
        (0..5).map(|_| format!("{:08x}", self.random.random::<u32>())).collect()
    }

    fn choose<'a, T>(&mut self, options: &'a [T]) -> &'a T {
        let index = self.random.random_range(0..options.len());
        #[expect(clippy::indexing_slicing, reason = "the index is drawn from the range of the slice")]
        &options[index]
    }
}

/// A number of tenths as a JSON number.
fn tenths(count: i64) -> Value {
    let sign = if count < 0 { "-" } else { "" };
    let magnitude = count.unsigned_abs();
    let text = format!("{sign}{}.{}", magnitude / 10, magnitude % 10);
    serde_json::from_str(&text).unwrap_or(Value::Null)
}
