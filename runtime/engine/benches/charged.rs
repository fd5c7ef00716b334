//! The fold with compiled charges, in memory and on one core: the policy of the developer guide, in-order events
//! without validation.

#![allow(missing_docs, clippy::unwrap_used, reason = "benches")]

use std::sync::Arc;

use aquarium_charging::input::{Source, read_text};
use aquarium_charging::posting::Postings;
use aquarium_charging::state::State;
use aquarium_charging::{Charger, Deployments, Ledger, Record, Version};
use aquarium_compiler::{EmitOptions, SourceFile, analyze, emit};
use aquarium_engine::{Engine, EngineOptions};
use aquarium_ir::Millis;
use divan::counter::ItemsCount;

const POLICY: &str = include_str!("../../../tests/corpus/valid/guide.aquarium");
/// 1 October 2011, a Saturday on which the guide's cheaper hours hold.
const START: i64 = 1_317_427_200_000;
const MONTH: i64 = 31 * 86_400_000;

/// Users whose events come in turns, and the events of a turn: about what a block of the log has of a user.
const USERS: i64 = 1_000;
const TURN: usize = 10;

fn deployments() -> Deployments {
    let file = SourceFile { path: "guide.aquarium".to_owned(), bytes: POLICY.as_bytes().to_vec() };
    let policy = analyze(vec![file]).into_policy().unwrap();
    let bytes = emit(&policy, EmitOptions { wide_arithmetic: true, ..EmitOptions::default() }).unwrap();
    let module = Engine::new(&EngineOptions::default()).unwrap().load(&bytes).unwrap();
    let (policy, hash) = (Arc::clone(module.policy()), module.hash().to_owned());
    let charger: Arc<dyn Charger> = Arc::new(module);
    Deployments::single(Version::new(policy, &hash, charger))
}

/// The events of a user in a month: data up and down, a machine that is switched, and a disk that grows.
fn records(user: i64, count: i64) -> Vec<Record<'static>> {
    let source =
        Source { received: Millis(1), keeps_received: false, writes_records: false, plausible: None };
    let text = |index: i64| {
        let (resource, value) = match index % 5 {
            0 => ("bandwidthup", "12.5"),
            1 => ("bandwidthdown", "3.75"),
            2 => ("vmtime", "1"),
            3 => ("diskspace", "0.25"),
            _ => ("vmtime", "0"),
        };
        let at = START + index * (MONTH / count);
        format!(
            r#"{{"id":"{user}-{index:014}","occurredMillis":{at},"clientID":"cyclades","userID":"{user}","resource":"{resource}","instanceID":"vm-1","eventVersion":"1.0","value":{value},"details":{{}}}}"#
        )
    };
    (0..count).map(|index| read_text(&text(index), &source).unwrap().record.into_owned()).collect()
}

/// What a shard does with the events of many users: each one's events of a block are folded at once, and what they
/// yield is handed on.
#[divan::bench]
fn in_order_events(bencher: divan::Bencher<'_, '_>) {
    let users: Vec<Vec<Record<'static>>> = (0..USERS).map(|user| records(user, 100)).collect();
    let mut deployments = deployments();
    let events: usize = users.iter().map(Vec::len).sum();
    bencher.counter(ItemsCount::new(events)).bench_local(|| {
        let mut states = vec![State::new(); users.len()];
        let mut posted = 0;
        for turn in 0..100 / TURN {
            for (state, records) in states.iter_mut().zip(&users) {
                let mut postings = Postings::default();
                let block = records.chunks(TURN).nth(turn).unwrap_or_default();
                state.fold(&mut deployments, block, &mut postings).unwrap();
                posted += postings.entries.len();
            }
        }
        (states, posted)
    });
}

#[divan::bench]
fn replay_of_a_month_of_10_000_events(bencher: divan::Bencher<'_, '_>) {
    let records = records(1, 10_000);
    let mut deployments = deployments();
    bencher.counter(ItemsCount::new(records.len())).bench_local(|| {
        let mut state = State::new();
        let mut postings = Postings::default();
        state.fold(&mut deployments, &records, &mut postings).unwrap();
        (state, postings)
    });
}

/// What a late event costs after histories of different lengths: it comes 50 events before their end.
#[divan::bench(args = [100, 1_000, 10_000, 100_000])]
fn a_late_event_50_before_the_end_of(bencher: divan::Bencher<'_, '_>, count: usize) {
    let records = records(1, i64::try_from(count).unwrap());
    let mut deployments = deployments();
    let mut late = records.get(count - 50).cloned().unwrap();
    late.id = "late".into();
    let mut ledger = Ledger::new("1");
    records.into_iter().for_each(|record| ledger.append(record));
    ledger.fold(&mut deployments, Millis(START + MONTH));
    let mut number = 0;
    // Each time another one is late, so that the history grows by no more than what is measured.
    bencher.bench_local(|| {
        number += 1;
        let mut late = late.clone();
        late.id = format!("late-{number}").into();
        ledger.append(late);
        ledger.fold(&mut deployments, Millis(START + MONTH))
    });
}

fn main() {
    divan::main();
}
