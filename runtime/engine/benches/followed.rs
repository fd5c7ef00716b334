//! What a shard does for each record, without the log and the store: the ledger is read back, the record is folded with
//! compiled charges, what is to be announced is looked for, the next look is timed, and the ledger is saved.
//!
//! The workloads have the policies and the shape of those that the daemon is measured with: four weeks of random
//! events, which come now, so that after each of them time passes up to now.

#![allow(missing_docs, clippy::unwrap_used, reason = "benches")]

use std::collections::BTreeMap;
use std::sync::Arc;

use aquarium_charging::input::{Source, read_text};
use aquarium_charging::{Announcements, Charger, Deployments, Ledger, Record, Version};
use aquarium_compiler::{EmitOptions, SourceFile, analyze, emit};
use aquarium_engine::{Engine, EngineOptions};
use aquarium_ir::Millis;
use aquarium_ir::policy::{CostPolicy, Policy};
use divan::counter::ItemsCount;

const CLOUD: &str = include_str!("../../../xtask/src/bench/workload/cloud.aquarium.yaml");
const PAPER: &str = include_str!("../../../xtask/src/bench/workload/paper.aquarium.yaml");
/// 10 March 2026: a month ends within the four weeks.
const START: i64 = 1_773_100_800_000;
const SPAN: i64 = 28 * 86_400_000;
/// Agreements by role: users have them in turn.
const ROLES: u64 = 5;

/// A policy, and how much is folded by it.
struct Workload {
    policy: &'static str,
    users: u64,
    /// Events of each user.
    each: u64,
    /// Instances of a resource that allows several.
    instances: u64,
    late_permille: u64,
    /// Records of a user that come together.
    together: usize,
}

/// Many users to whom little happens.
const OF_CLOUD: Workload =
    Workload { policy: CLOUD, users: 500, each: 10, instances: 2, late_permille: 10, together: 1 };
/// Few users to whom much happens.
const OF_PAPER: Workload =
    Workload { policy: PAPER, users: 10, each: 1_000, instances: 3, late_permille: 0, together: 8 };

impl Workload {
    fn deployments(&self) -> Deployments {
        let file = SourceFile { path: "bench.aquarium".to_owned(), bytes: self.policy.as_bytes().to_vec() };
        let policy = analyze(vec![file]).into_policy().unwrap();
        let options = EmitOptions { wide_arithmetic: true, ..EmitOptions::default() };
        let bytes = emit(&policy, options).unwrap();
        let module = Engine::new(&EngineOptions::default()).unwrap().load(&bytes).unwrap();
        let (policy, hash) = (Arc::clone(module.policy()), module.hash().to_owned());
        let charger: Arc<dyn Charger> = Arc::new(module);
        Deployments::single(Version::new(policy, &hash, charger))
    }

    /// The users' records in the order in which they come: the user's number, and what comes together.
    fn records(&self, policy: &Policy) -> Vec<(usize, Vec<Record<'static>>)> {
        let mut random = Random(7);
        let mut states = BTreeMap::new();
        let mut coming: Vec<(u64, u64, Record<'static>)> = Vec::new();
        for user in 0..self.users {
            coming.push((0, user, registration(user)));
        }
        let count = self.users * self.each;
        for number in 0..count {
            let user = random.below(self.users);
            let text = self.event(policy, (number, user), &mut random, &mut states);
            let late = random.below(1_000) < self.late_permille;
            let due = number + 1 + if late { random.below(count / 20) } else { 0 };
            coming.push((due, user, record(&text)));
        }
        coming.sort_by_key(|(due, ..)| *due);
        let mut groups: Vec<(usize, Vec<Record<'static>>)> = Vec::new();
        let mut open: BTreeMap<u64, Vec<Record<'static>>> = BTreeMap::new();
        for (_, user, record) in coming {
            let group = open.entry(user).or_default();
            group.push(record);
            if group.len() >= self.together {
                groups.push((usize::try_from(user).unwrap(), std::mem::take(group)));
            }
        }
        groups
    }

    fn event(
        &self,
        policy: &Policy,
        (number, user): (u64, u64),
        random: &mut Random,
        states: &mut BTreeMap<(u64, String, u64), i64>,
    ) -> String {
        let kind = usize::try_from(random.below(policy.resources.len() as u64)).unwrap();
        let resource = policy.resources.get(kind).unwrap();
        let instance = if resource.complex { random.below(self.instances) } else { 0 };
        let amount = i64::try_from(random.below(20_000)).unwrap() + 1;
        let state = states.entry((user, resource.name.clone(), instance)).or_default();
        let value = match resource.cost_policy {
            CostPolicy::Onoff => {
                *state = 1 - *state;
                format!("{state}")
            }
            CostPolicy::Discrete => format!("{}.{:02}", amount / 100, amount % 100),
            CostPolicy::Continuous => {
                let less = amount % 3 == 0 && *state > 0;
                let change = if less { -(amount % *state) } else { amount };
                *state += change;
                format!("{}{}.{:02}", if less { "-" } else { "" }, change.abs() / 100, change.abs() % 100)
            }
        };
        let at = START + SPAN / 1_000 * i64::try_from(number * 1_000 / (self.users * self.each)).unwrap();
        let at = at + i64::try_from(number % 1_000).unwrap();
        let resource = &resource.name;
        format!(
            r#"{{"id":"{number:020x}","occurredMillis":{at},"clientID":"cyclades","userID":"user-{user}","resource":"{resource}","instanceID":"{resource}-{instance}","eventVersion":"1.0","value":{value},"details":{{}}}}"#
        )
    }
}

fn registration(user: u64) -> Record<'static> {
    let role = user % ROLES;
    let at = START - 1;
    record(&format!(
        r#"{{"id":"made-{user}","occurredMillis":{at},"clientID":"astakos","userID":"user-{user}","isActive":true,"role":"role{role}","eventVersion":"1","eventType":"ACTIVE","details":{{}}}}"#
    ))
}

fn record(text: &str) -> Record<'static> {
    let received = Millis(START + SPAN);
    let source = Source { received, keeps_received: false, writes_records: false, plausible: None };
    read_text(text, &source).unwrap().record.into_owned()
}

/// Numbers that look random (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }
}

/// A user, as it is stored.
struct Stored {
    head: Vec<u8>,
    parts: Vec<Vec<u8>>,
    announcements: Announcements,
}

impl Stored {
    fn new(user: usize) -> Self {
        let mut ledger = Ledger::new(&format!("user-{user}"));
        let head = ledger.save(0).head;
        Self { head, parts: Vec::new(), announcements: Announcements::new() }
    }

    fn ledger(&self, user: usize) -> Ledger {
        Ledger::restore(&format!("user-{user}"), &self.head).unwrap().0
    }

    fn save(&mut self, ledger: &mut Ledger) {
        let saved = ledger.save(0);
        self.head = saved.head;
        self.parts.truncate(usize::try_from(saved.first_part).unwrap());
        self.parts.extend(saved.parts.into_iter().map(|part| part.bytes));
    }
}

/// Folds everything as it comes. `kept`: users stay in memory, as those do that much happens to.
fn follow(
    deployments: &mut Deployments,
    coming: Vec<(usize, Vec<Record<'static>>)>,
    users: u64,
    kept: bool,
) -> usize {
    let mut stored: Vec<Stored> = (0..usize::try_from(users).unwrap()).map(Stored::new).collect();
    let mut ledgers: Vec<Option<Ledger>> = stored.iter().map(|_| None).collect();
    let mut lines = 0;
    for ((user, records), number) in coming.into_iter().zip(0_i64..) {
        let now = Millis(START + SPAN + number / 100);
        let (Some(place), Some(slot)) = (stored.get_mut(user), ledgers.get_mut(user)) else { continue };
        let mut ledger = slot.take().unwrap_or_else(|| place.ledger(user));
        records.into_iter().for_each(|record| ledger.append(record));
        if ledger.lacks() {
            let elsewhere = usize::try_from(ledger.parts_elsewhere()).unwrap();
            let parts = place.parts.iter().take(elsewhere);
            ledger.take_back(
                parts.map(|bytes| aquarium_charging::ledger::Part::read(bytes).unwrap()).collect(),
            );
        }
        let (changes, news) = place.announcements.fold(&mut ledger, deployments, now);
        lines += changes.lines.len() + news.len();
        divan::black_box(place.announcements.due(&mut ledger, deployments));
        place.save(&mut ledger);
        ledger.shed();
        if kept {
            *slot = Some(ledger);
        }
    }
    lines
}

fn measure(bencher: divan::Bencher<'_, '_>, workload: &Workload, kept: bool) {
    let mut deployments = workload.deployments();
    let policy = Arc::clone(&deployments.versions().next().unwrap().0.policy);
    let coming = workload.records(&policy);
    let records: usize = coming.iter().map(|(_, records)| records.len()).sum();
    bencher
        .counter(ItemsCount::new(records))
        .with_inputs(|| coming.clone())
        .bench_local_values(|coming| follow(&mut deployments, coming, workload.users, kept));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn cloud_of_users_who_are_read_back_for_each_record(bencher: divan::Bencher<'_, '_>) {
    measure(bencher, &OF_CLOUD, false);
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn cloud_of_users_who_stay_in_memory(bencher: divan::Bencher<'_, '_>) {
    measure(bencher, &OF_CLOUD, true);
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn paper(bencher: divan::Bencher<'_, '_>) {
    measure(bencher, &OF_PAPER, true);
}

fn main() {
    divan::main();
}
