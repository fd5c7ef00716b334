//! A ledger that is saved, dropped and restored, or shed, at any point gives what one gives that lives on.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use aquarium_charging::input::{Source, read_text};
use aquarium_charging::ledger::{Part, Saved, View, WalletLine};
use aquarium_charging::packed::Unreadable;
use aquarium_charging::posting::{Entry, Finding, Refill};
use aquarium_charging::{Deployments, Ledger, Record};
use aquarium_ir::instant::Millis;
use common::cases::{self, Case, Event};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

const END: i64 = 1_714_780_800_000;

fn records(events: &[Event]) -> Vec<Record<'static>> {
    let source = Source { received: Millis(1), keeps_received: true, writes_records: true, plausible: None };
    events.iter().map(|event| read_text(&event.json(), &source).unwrap().record.into_owned()).collect()
}

/// The events some times over, a little later each time: enough for checkpoints within a month.
fn many(case: &Case, times: i64) -> Vec<Event> {
    let again = |time: i64| {
        case.events.iter().map(move |event| Event {
            id: format!("{}-{time}", event.id),
            at: event.at + time * 47_123_000,
            ..event.clone()
        })
    };
    (0..times).flat_map(again).collect()
}

/// What is written of a ledger, wherever it is kept.
#[derive(Debug, Clone, Default)]
struct Shelf {
    head: Vec<u8>,
    parts: Vec<Vec<u8>>,
    findings: Vec<bool>,
    wallet: Vec<WalletLine>,
}

impl Shelf {
    fn put(&mut self, saved: Saved) {
        assert_eq!(saved.parts_before as usize, self.parts.len());
        self.parts.truncate(saved.first_part as usize);
        self.findings.truncate(saved.first_part as usize);
        assert_eq!(saved.first_part as usize, self.parts.len());
        self.findings.extend(saved.parts.iter().map(|part| part.findings));
        self.parts.extend(saved.parts.into_iter().map(|part| part.bytes));
        self.head = saved.head;
    }

    fn parts(&self, from: usize, to: usize) -> Vec<Part> {
        self.parts[from..to].iter().map(|bytes| Part::read(bytes).unwrap()).collect()
    }

    /// Takes parts back, more and more of them, until there is enough.
    fn take_back(&self, ledger: &mut Ledger, enough: impl Fn(&Ledger) -> bool) {
        let mut wanted = 1;
        while !enough(ledger) {
            let first = ledger.parts_elsewhere() as usize;
            assert!(first > 0, "there is no more");
            ledger.take_back(self.parts(first.saturating_sub(wanted), first));
            wanted *= 2;
        }
    }
}

/// What happens between arrivals.
#[derive(Debug, Clone, Copy)]
enum Step {
    Append(usize),
    Fold(i64),
    Sweep(i64),
    Save,
    Shed,
    Restore,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_usize..60).prop_map(Step::Append),
        3 => cases::at().prop_map(Step::Fold),
        1 => cases::at().prop_map(Step::Sweep),
        2 => Just(Step::Save),
        2 => Just(Step::Shed),
        3 => Just(Step::Restore),
    ]
}

/// A ledger that lives on, beside one that is saved and restored all the time.
struct Pair {
    living: Ledger,
    wallet: Vec<WalletLine>,
    restored: Ledger,
    shelf: Shelf,
    mark: u64,
}

impl Pair {
    fn new() -> Self {
        let (living, restored) = (Ledger::new("u"), Ledger::new("u"));
        Self { living, wallet: Vec::new(), restored, shelf: Shelf::default(), mark: 0 }
    }

    fn append(&mut self, record: &Record<'static>) {
        self.living.append(record.clone());
        self.restored.append(record.clone());
    }

    fn redeploy(&mut self, from: Millis) {
        self.living.refold_from(from);
        self.restored.refold_from(from);
    }

    fn fold(&mut self, deployments: &mut Deployments, now: i64, sweep: bool) {
        let fold = |ledger: &mut Ledger, deployments: &mut Deployments| {
            if sweep { ledger.sweep(deployments, Millis(now)) } else { ledger.fold(deployments, Millis(now)) }
        };
        let lived = fold(&mut self.living, deployments);
        self.shelf.take_back(&mut self.restored, |ledger| !ledger.lacks());
        let restored = fold(&mut self.restored, deployments);
        assert_eq!(restored.lines, lived.lines);
        let lines = WalletLine::unpack(&WalletLine::pack(&restored.lines)).unwrap();
        assert_eq!(lines, restored.lines);
        self.wallet.extend(lived.lines);
        self.shelf.wallet.extend(restored.lines);
        assert_eq!(self.restored.lines(), self.shelf.wallet.len() as u64);
    }

    fn save(&mut self) {
        self.mark += 1;
        self.shelf.put(self.restored.save(self.mark));
    }

    fn step(
        &mut self,
        deployments: &mut Deployments,
        step: Step,
        coming: &mut impl Iterator<Item = Record<'static>>,
    ) {
        match step {
            Step::Append(count) => coming.by_ref().take(count).for_each(|record| self.append(&record)),
            Step::Fold(now) => self.fold(deployments, now, false),
            Step::Sweep(now) => self.fold(deployments, now, true),
            Step::Save => self.save(),
            Step::Shed => {
                self.save();
                self.restored.shed();
            }
            Step::Restore => {
                self.save();
                let (restored, mark) = Ledger::restore("u", &self.shelf.head).unwrap();
                assert_eq!(mark, self.mark);
                self.restored = restored;
            }
        }
        assert_eq!(self.restored.state(), self.living.state());
        assert_eq!(self.restored.pending(), self.living.pending());
    }

    fn run(&mut self, deployments: &mut Deployments, records: Vec<Record<'static>>, steps: &[Step]) {
        let mut coming = records.into_iter();
        for step in steps {
            self.step(deployments, *step, &mut coming);
        }
        coming.for_each(|record| self.append(&record));
        self.fold(deployments, END, true);
    }

    /// Takes everything back.
    fn whole(&mut self) -> &Ledger {
        self.shelf.take_back(&mut self.restored, |ledger| ledger.parts_elsewhere() == 0);
        &self.restored
    }
}

/// Everything that a ledger says: records, entries, refills, findings.
type All = (Vec<Record<'static>>, Vec<(Entry, u32)>, Vec<Refill>, Vec<Finding>);

fn all(ledger: &Ledger) -> All {
    let entries = ledger.entries().map(|(entry, revision)| (entry.clone(), revision)).collect();
    (ledger.records().cloned().collect(), entries, ledger.refills().to_vec(), ledger.findings().to_vec())
}

/// The state at an instant, from saved parts alone where they are needed.
fn at(pair: &Pair, deployments: &mut Deployments, at: i64) -> Option<View> {
    let at = Millis(at);
    if !pair.restored.at_is_elsewhere(at) {
        return pair.restored.at(deployments, at);
    }
    let parts = pair.shelf.parts(0, pair.restored.parts_elsewhere() as usize);
    let mut first = parts.partition_point(|part| part.reached().is_none_or(|reached| reached <= at)) - 1;
    let end = first + 1;
    while !parts[first].has_checkpoint() {
        first -= 1;
    }
    Ledger::at_in(&parts[first..end], deployments, at)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn saving_and_restoring_changes_nothing(
        case in cases::case(),
        times in 1_i64..12,
        keys in vec(any::<u32>(), 300),
        mostly_in_order in any::<bool>(),
        steps in vec(step(), 0..40),
        instants in vec(cases::at(), 6),
    ) {
        let mut deployments = case.deployments();
        let mut events = many(&case, times);
        if mostly_in_order {
            events.sort_by_key(|event| event.at);
            for (place, key) in (0..events.len()).zip(&keys).step_by(9) {
                let last = events.len() - 1;
                events.swap(place, last.min(place + *key as usize % 40));
            }
        } else {
            let mut keyed: Vec<_> = events.into_iter().zip(keys.iter().cycle()).collect();
            keyed.sort_by_key(|(_, key)| **key);
            events = keyed.into_iter().map(|(event, _)| event).collect();
        }
        let mut pair = Pair::new();
        pair.run(&mut deployments, records(&events), &steps);
        for instant in &instants {
            prop_assert_eq!(at(&pair, &mut deployments, *instant), pair.living.at(&mut deployments, Millis(*instant)));
        }
        prop_assert_eq!(&pair.wallet, &pair.shelf.wallet);
        prop_assert_eq!(all(pair.whole()), all(&pair.living));
        prop_assert_eq!(pair.restored.digest(), pair.living.digest());
        pair.save();
        let flags = pair.shelf.parts(0, pair.shelf.parts.len());
        let flags: Vec<bool> = flags.iter().map(|part| !part.findings().is_empty()).collect();
        prop_assert_eq!(&pair.shelf.findings, &flags);
        let fresh = Ledger::restore("u", &pair.shelf.head).unwrap().0;
        prop_assert_eq!(fresh.records_in_memory(), fresh.pending());
        for (at, known) in instants.iter().zip(instants.iter().skip(1)) {
            let (at, known) = (Millis(*at), Millis(*known));
            let expected = pair.living.at_known(&mut deployments, at, known);
            prop_assert_eq!(pair.restored.at_known(&mut deployments, at, known), expected.clone());
            if fresh.known_is_elsewhere(&deployments, at, known) {
                prop_assert_eq!(fresh.at_known(&mut deployments, at, known), None);
            } else {
                prop_assert_eq!(fresh.at_known(&mut deployments, at, known), expected);
            }
        }
    }

    #[test]
    fn a_deployment_folds_again_only_what_it_can_change(
        case in cases::case(),
        times in 1_i64..6,
        steps in vec(step(), 0..20),
    ) {
        let mut events = many(&case, times);
        events.sort_by_key(|event| event.at);
        let mut expected_deployments = case.deployments();
        let mut expected = Ledger::new("u");
        records(&events).into_iter().for_each(|record| expected.append(record));
        expected.sweep(&mut expected_deployments, Millis(END));

        let mut deployments = Deployments::new();
        let mut pair = Pair::new();
        let mut coming = records(&events).into_iter();
        let mut steps = steps.into_iter();
        for (version, index) in case.versions.iter().zip(0..) {
            deployments.deploy(version.version(index), version.span()).unwrap();
            if let Some(from) = pair.living.outdated_from(&deployments) {
                pair.redeploy(from);
            }
            for step in steps.by_ref().take(6) {
                pair.step(&mut deployments, step, &mut coming);
            }
        }
        coming.for_each(|record| pair.append(&record));
        pair.fold(&mut deployments, END, true);
        prop_assert_eq!(pair.living.state(), expected.state());
        let entries = |ledger: &Ledger| ledger.entries().map(|(entry, _)| entry.clone()).collect::<Vec<_>>();
        prop_assert_eq!(entries(&pair.living), entries(&expected));
        prop_assert_eq!(all(pair.whole()), all(&pair.living));
    }
}

/// A ledger with a part and an open month, saved.
fn some() -> Shelf {
    let event = |number: i64| Event {
        id: format!("e{number}"),
        client: "c".to_owned(),
        at: cases::window_start() + number * 60_000,
        received: cases::window_start() + number * 60_000,
        what: cases::What::Usage { resource: "net".to_owned(), instance: String::new(), nano: 1_000_000_000 },
    };
    let mut ledger = Ledger::new("u");
    records(&(0..200).map(event).collect::<Vec<_>>()).into_iter().for_each(|record| ledger.append(record));
    ledger.fold(&mut Deployments::new(), Millis(END));
    let mut shelf = Shelf::default();
    shelf.put(ledger.save(7));
    shelf
}

#[test]
fn damaged_bytes_are_refused_at_every_place() {
    let shelf = some();
    assert!(shelf.parts.len() > 2);
    for place in 0..shelf.head.len() {
        let mut damaged = shelf.head.clone();
        damaged[place] ^= 0x10;
        assert!(matches!(Ledger::restore("u", &damaged), Err(Unreadable::Damaged)), "{place}");
    }
    let part = &shelf.parts[1];
    for place in (0..part.len()).step_by(7) {
        let mut damaged = part.clone();
        damaged[place] ^= 0x01;
        assert_eq!(Part::read(&damaged), Err(Unreadable::Damaged));
    }
}

#[test]
fn an_idle_user_with_two_open_instances_is_a_few_hundred_bytes() {
    let case_event = |id: &str, resource: &str, nano: i64| Event {
        id: id.to_owned(),
        client: "c".to_owned(),
        at: cases::window_start(),
        received: cases::window_start(),
        what: cases::What::Usage { resource: resource.to_owned(), instance: "one".to_owned(), nano },
    };
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let case = cases::case().new_tree(&mut runner).unwrap().current();
    let mut deployments = case.deployments();
    let mut ledger = Ledger::new("user-123456");
    let events = [case_event("a", "vmtime", 1_000_000_000), case_event("b", "disk", 5_000_000_000)];
    records(&events).into_iter().for_each(|record| ledger.append(record));
    ledger.fold(&mut deployments, Millis(cases::window_start() + 60_000));
    let saved = ledger.save(1);
    assert!(saved.head.len() < 300, "{} bytes", saved.head.len());
    let (restored, _) = Ledger::restore("user-123456", &saved.head).unwrap();
    assert_eq!(restored.state(), ledger.state());
}
