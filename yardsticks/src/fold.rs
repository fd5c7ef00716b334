//! The fold with different charges: in-order events of a thousand users, ten of each at a time, as a block of the log
//! has them; on one core, without storing anything.

use std::hint::black_box;
use std::sync::Arc;

use aquarium_charging::input::{Source, read_text};
use aquarium_charging::posting::Postings;
use aquarium_charging::state::State;
use aquarium_charging::{Charger, Deployments, Interpreter, Record, Version};
use aquarium_ir::{Millis, Policy};

use crate::Failure;
use crate::chargers::{Cel, Native, QuickJs, Rhai};
use crate::measure::{Figure, processor_rounds};
use crate::policy::{module, resources_of_charges};

const USERS: i64 = 1_000;
const EVENTS: i64 = 100;
const TURN: usize = 10;
/// 1 October 2011.
const START: i64 = 1_317_427_200_000;
const MONTH: i64 = 31 * 86_400_000;
const GOAL: f64 = 3_000_000.0;
/// The reference interpreter is slow on purpose.
const ROUNDS_OF_INTERPRETER: usize = 3;

pub fn measure(rounds: usize) -> Result<(), Failure> {
    let module = module()?;
    let policy = Arc::clone(module.policy());
    let numbers = resources_of_charges(&policy)?;
    let users = (0..USERS).map(records).collect::<Result<Vec<_>, _>>()?;
    let rates = |charger: Arc<dyn Charger>, rounds| rates(&policy, &charger, &users, rounds);
    let ours = "fold with the module";
    let figure = Figure::new(ours, "events/s/core", rates(Arc::new(module), rounds)?);
    Figure { at_least: Some(GOAL), ..figure }.tell()?;
    let others: [(&str, Arc<dyn Charger>, usize); 5] = [
        ("fold with native charges", Arc::new(Native(numbers.clone())), rounds),
        (
            "fold with the reference interpreter",
            Arc::new(Interpreter(Arc::clone(&policy))),
            ROUNDS_OF_INTERPRETER,
        ),
        ("fold with rquickjs", Arc::new(QuickJs(numbers.clone())), rounds),
        ("fold with rhai", Arc::new(Rhai::new(numbers.clone())?), rounds),
        ("fold with CEL", Arc::new(Cel::new(numbers)?), rounds),
    ];
    for (name, charger, rounds) in others {
        let figure = Figure::new(name, "events/s/core", rates(charger, rounds.min(ROUNDS_MAX))?);
        Figure { beside: Some(ours), ..figure }.tell()?;
    }
    Ok(())
}

/// More rounds than this do not make the median any steadier.
const ROUNDS_MAX: usize = 9;

/// The events of a user in a month: data, a machine that is switched, a disk that grows.
fn records(user: i64) -> Result<Vec<Record<'static>>, Failure> {
    let source =
        Source { received: Millis(1), keeps_received: false, writes_records: false, plausible: None };
    let record = |index: i64| {
        let (resource, value) = match index % 5 {
            0 | 1 => ("bandwidth", "12.5"),
            2 => ("vmtime", "1"),
            3 => ("diskspace", "0.25"),
            _ => ("vmtime", "0"),
        };
        let at = START + index * (MONTH / EVENTS);
        let text = format!(
            r#"{{"id":"{user}-{index:014}","occurredMillis":{at},"clientID":"cyclades","userID":"{user}","resource":"{resource}","instanceID":"vm-1","eventVersion":"1.0","value":{value},"details":{{}}}}"#
        );
        Ok(read_text(&text, &source).map_err(|_| "an event cannot be read")?.record.into_owned())
    };
    (0..EVENTS).map(record).collect()
}

fn rates(
    policy: &Arc<Policy>,
    charger: &Arc<dyn Charger>,
    users: &[Vec<Record<'static>>],
    rounds: usize,
) -> Result<Vec<f64>, Failure> {
    let mut deployments = Deployments::single(Version::new(Arc::clone(policy), "00", Arc::clone(charger)));
    let mut entries = 0;
    let seconds = processor_rounds(rounds, || {
        entries = 0;
        let mut states = vec![State::new(); users.len()];
        for turn in 0..EVENTS as usize / TURN {
            for (state, records) in states.iter_mut().zip(users) {
                let mut postings = Postings::default();
                let block = records.chunks(TURN).nth(turn).unwrap_or_default();
                let folded = state.fold(&mut deployments, block, &mut postings);
                entries += if folded.is_ok() { postings.entries.len() } else { 0 };
            }
        }
        black_box(&states);
    });
    let events = USERS * EVENTS;
    if (entries as i64) < events / 2 {
        return Err(format!("{events} events brought only {entries} entries").into());
    }
    Ok(seconds.iter().map(|seconds| events as f64 / seconds).collect())
}
