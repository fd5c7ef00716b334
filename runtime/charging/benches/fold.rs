//! The fold by itself: in-order events of a user's month, without validation, charged by a stand-in.

#![allow(missing_docs, clippy::unwrap_used, reason = "benches")]

use std::sync::Arc;

use aquarium_charging::input::{Source, read_text};
use aquarium_charging::posting::Postings;
use aquarium_charging::state::State;
use aquarium_charging::{Charger, Deployments, Ledger, Record, Trap, Version};
use aquarium_ir::slot::Slot;
use aquarium_ir::{Credits, Millis, Policy};
use divan::counter::ItemsCount;

/// The policy of the benches: a discrete, a continuous and an on/off resource at flat prices.
const POLICY: &str = include_str!("policy.json");

struct Volume;

impl Charger for Volume {
    fn charge(&self, slots: &[Slot], charges: &mut Vec<Result<Credits, Trap>>) {
        charges.extend(slots.iter().map(|slot| Ok(Credits(slot.volume))));
    }
}

fn deployments() -> Deployments {
    let policy: Policy = serde_json::from_str(POLICY).unwrap();
    Deployments::single(Version::new(Arc::new(policy), "00", Arc::new(Volume)))
}

fn text(index: i64) -> String {
    let (resource, value) = match index % 4 {
        0 => ("bandwidth", "12.5"),
        1 => ("disk", "0.25"),
        2 => ("vmtime", "1"),
        _ => ("vmtime", "0"),
    };
    let at = 1_704_067_200_000 + index * 250_000;
    format!(
        r#"{{"id":"{index:020}","occurredMillis":{at},"clientID":"c","userID":"u","resource":"{resource}","instanceID":"one","eventVersion":"1.0","value":{value},"details":{{}}}}"#
    )
}

fn records(count: i64) -> Vec<Record<'static>> {
    let source =
        Source { received: Millis(1), keeps_received: false, writes_records: false, plausible: None };
    (0..count).map(|index| read_text(&text(index), &source).unwrap().record.into_owned()).collect()
}

#[divan::bench]
fn read_a_message(bencher: divan::Bencher<'_, '_>) {
    let source =
        Source { received: Millis(1), keeps_received: false, writes_records: false, plausible: None };
    let text = text(1);
    bencher.counter(ItemsCount::new(1_usize)).bench(|| {
        let message = read_text(divan::black_box(&text), &source).unwrap();
        (message.key(), message.content())
    });
}

#[divan::bench]
fn replay_a_month_of_10_000_events(bencher: divan::Bencher<'_, '_>) {
    let records = records(10_000);
    let mut deployments = deployments();
    bencher.counter(ItemsCount::new(records.len())).bench_local(|| {
        let mut state = State::new();
        let mut postings = Postings::default();
        state.fold(&mut deployments, &records, &mut postings).unwrap();
        (state, postings)
    });
}

#[divan::bench]
fn append_and_fold_one_by_one(bencher: divan::Bencher<'_, '_>) {
    let records = records(10_000);
    let mut deployments = deployments();
    bencher.counter(ItemsCount::new(records.len())).with_inputs(|| records.clone()).bench_local_values(
        |records| {
            let mut ledger = Ledger::new("u");
            for record in records {
                let now = record.occurred;
                ledger.append(record);
                ledger.fold(&mut deployments, now);
            }
            ledger
        },
    );
}

#[divan::bench]
fn a_late_event_after_10_000(bencher: divan::Bencher<'_, '_>) {
    let records = records(10_000);
    let mut deployments = deployments();
    let mut whole = Ledger::new("u");
    let late = records.get(9_900).cloned();
    records.into_iter().for_each(|record| whole.append(record));
    whole.fold(&mut deployments, Millis::LIMIT);
    bencher.with_inputs(|| (whole.clone(), late.clone().unwrap())).bench_local_values(
        |(mut ledger, mut late)| {
            late.id = "late".into();
            ledger.append(late);
            ledger.fold(&mut deployments, Millis::LIMIT);
            ledger
        },
    );
}

fn main() {
    divan::main();
}
