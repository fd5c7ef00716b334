//! Whole streams of events under generated policies: the module with wide arithmetic, the module without it and
//! the interpreter charge the same slots the same, to the last digit.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../../charging/tests/common/mod.rs"]
mod common;

use std::sync::Arc;

use aquarium_charging::simulate::{Entries, Options, Report, simulate};
use aquarium_charging::{Charger, Deployments, Interpreter, Version};
use aquarium_compiler::{EmitOptions, emit};
use aquarium_engine::{Engine, EngineOptions};
use aquarium_ir::Policy;
use aquarium_ir::instant::Millis;
use common::cases::{self, Event, Kind, VersionCase};
use proptest::collection::vec;
use proptest::prelude::*;

/// Streams that are charged by each set of compiled policies: compiling is what takes long.
const STREAMS: u32 = 10;

/// What charges a policy's slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Wide,
    Plain,
    Interpreter,
}

fn charger(engine: &Engine, policy: &Arc<Policy>, by: By) -> Arc<dyn Charger> {
    if by == By::Interpreter {
        return Arc::new(Interpreter(Arc::clone(policy)));
    }
    let module =
        emit(policy, EmitOptions { wide_arithmetic: by == By::Wide, ..EmitOptions::default() }).unwrap();
    Arc::new(engine.load(&module).unwrap())
}

fn deployments(engine: &Engine, versions: &[VersionCase], by: By) -> Deployments {
    let mut deployments = Deployments::new();
    for (case, index) in versions.iter().zip(0..) {
        let charger = charger(engine, &case.policy, by);
        let version = Version::new(Arc::clone(&case.policy), &format!("{index:02}"), charger);
        deployments.deploy(version, case.span()).unwrap();
    }
    deployments
}

fn report(deployments: &Deployments, events: &[Event]) -> Report {
    let texts: Vec<String> = events.iter().map(Event::json).collect();
    let options = Options { at: Some(Millis(cases::window_end())), ..Options::default() };
    simulate(deployments, cases::lines(&texts), &options)
}

/// Why entries are 0 although they are covered.
fn reasons(report: &Report) -> Vec<String> {
    let entries = report.users.values().flat_map(|user| match &user.entries {
        Entries::List(entries) => entries.as_slice(),
        Entries::Count(_) => &[],
    });
    entries.filter_map(|entry| entry.reason.clone()).collect()
}

proptest! {
    #![proptest_config(common::fewer(STREAMS))]

    #[test]
    fn modules_and_the_interpreter_charge_every_slot_of_a_stream_the_same(
        versions in cases::versions(Kind::Any),
        streams in vec(cases::events(), STREAMS as usize),
    ) {
        let engine = Engine::new(&EngineOptions::default()).unwrap();
        let [wide, plain, interpreted] =
            [By::Wide, By::Plain, By::Interpreter].map(|by| deployments(&engine, &versions, by));
        for events in streams {
            let expected = report(&interpreted, &events);
            // What is proven of a slot's limits holds of every slot that the fold makes: none traps.
            prop_assert_eq!(reasons(&expected), Vec::<String>::new());
            prop_assert_eq!(&report(&wide, &events).users, &expected.users, "with wide arithmetic");
            prop_assert_eq!(&report(&plain, &events).users, &expected.users, "without wide arithmetic");
        }
    }
}
