//! What is remembered of a balance's course against balances that are worked out anew.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use aquarium_charging::course::Course;
use aquarium_charging::crossing::look;
use aquarium_charging::input::{Source, read_text};
use aquarium_charging::meter::Meter;
use aquarium_charging::{Deployments, Ledger, Record, Span};
use aquarium_ir::instant::Millis;
use aquarium_ir::policy::{CostPolicy, Plan};
use aquarium_ir::time::{Frame, Range};
use common::cases::{self, Case};
use common::{Builder, Formula, Rates, flat, instant, number, usage};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

fn read(text: &str) -> Record<'static> {
    let source = Source { received: Millis(1), keeps_received: true, writes_records: true, plausible: None };
    read_text(text, &source).unwrap().record.into_owned()
}

/// The case, where less fits into the month's total of what is held or runs once later versions are in force.
fn with_less_room(mut case: Case, max: &str) -> Case {
    for version in case.versions.iter_mut().skip(1) {
        let resources = &mut Arc::make_mut(&mut version.policy).resources;
        resources.iter_mut().filter(|it| it.name != "bandwidth").for_each(|it| it.max = number(max));
    }
    case
}

/// Compares what a course says that goes on with a meter with what the state alone says.
fn compare(
    ledger: &Ledger,
    deployments: &mut Deployments,
    meter: Meter,
    ats: &[i64],
) -> Result<Meter, TestCaseError> {
    let state = ledger.state();
    let mut course = Course::from(state, deployments, meter);
    let reached = state.reached().unwrap();
    for at in ats.iter().map(|at| Millis(*at)).filter(|at| *at >= reached) {
        prop_assert_eq!(course.look(deployments, at), look(state, deployments, at), "at {}", at);
    }
    Ok(course.into_meter())
}

proptest! {
    #![proptest_config(common::fewer(2))]

    #[test]
    fn what_is_known_of_open_intervals_is_what_they_come_to(
        case in cases::case(),
        ats in vec(cases::at(), 6),
        later in any::<Index>(),
        max in prop::option::of(prop::sample::select(&["0.02", "0.2", "1"][..])),
    ) {
        let case = max.map_or(case.clone(), |max| with_less_room(case, max));
        let mut deployments = Deployments::new();
        let mut ledger = Ledger::new("u");
        let mut meter = Meter::default();
        let mut ats = ats;
        ats.push(cases::window_end());
        ats.sort_unstable();
        let mut versions = case.versions.iter().zip(0..);
        let first = versions.next().unwrap();
        deployments.deploy(first.0.version(first.1), first.0.span()).unwrap();
        let later = later.index(case.events.len() + 1);
        for (event, number) in case.events.iter().zip(0..) {
            if number == later {
                // Other policies hold from now on, some of them in the past.
                for (version, index) in versions.by_ref() {
                    deployments.deploy(version.version(index), version.span()).unwrap();
                }
                ledger.refold();
            }
            // Many of them are late.
            ledger.append(read(&event.json()));
            ledger.fold(&mut deployments, Millis(cases::window_end()));
            meter = compare(&ledger, &mut deployments, meter, &ats)?;
        }
    }
}

#[test]
fn what_is_over_comes_to_nothing_once_more_before_it_passes_the_limit_of_the_total() {
    // Each night is a slot of its own.
    let rates: Rates = vec![(Some(0), flat("1"), Formula::Plain), (None, flat("2"), Formula::Plain)];
    let night = Range { start: "0 2 * * *".parse().unwrap(), end: "0 6 * * *".parse().unwrap() };
    let version = |max: &str| {
        let mut builder = Builder::new("UTC").resource("vmtime", "hr", CostPolicy::Onoff, true);
        builder.frame(Frame {
            from: Millis::MIN,
            to: Millis::MAX,
            repeat: vec![night.clone()],
            except: vec![],
        });
        builder.agreement("default", std::slice::from_ref(&rates), Plan::default());
        builder.max("vmtime", max).version(max)
    };
    let mut deployments = Deployments::new();
    deployments.deploy(version("1000000000000"), Span::from(Millis::MIN)).unwrap();
    // From then on no more than 300 hours fit into a month.
    let from = Millis(instant("2024-03-03"));
    deployments.deploy(version("0.3"), Span::from(from)).unwrap();
    let mut ledger = Ledger::new("u");
    for instance in ["one", "two"] {
        let text = usage(instance, "2024-03-02", "vmtime", instance, "1");
        ledger.append(read(&text));
    }
    ledger.fold(&mut deployments, from);
    let ats = ["2024-03-05", "2024-03-08", "2024-03-09T13:00", "2024-03-14", "2024-03-20"].map(instant);
    compare(&ledger, &mut deployments, Meter::default(), &ats).unwrap();
}
