//! The fold against the one that is done by hand, over generated policies and events.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use aquarium_charging::simulate::{Entries, Options, Report, simulate};
use aquarium_ir::instant::Millis;
use common::cases::{self, Case};
use common::naive::{Figures, Line, World, fold};
use proptest::prelude::*;

fn figures(report: &Report) -> Figures {
    let Some(user) = report.users.get("u") else { return Figures::default() };
    let Entries::List(entries) = &user.entries else { panic!("a list of entries") };
    let line = |entry: &aquarium_charging::view::EntryView| Line {
        resource: entry.resource.clone(),
        instance: entry.instance.clone(),
        from: entry.from.0,
        to: entry.to.0,
        volume: entry.volume.parse().unwrap(),
        agreement: entry.agreement.clone(),
        credits: entry.credits,
        uncovered: entry.uncovered,
        module: entry.module.clone(),
    };
    assert_eq!(user.balance, user.refilled - user.charged - user.accrued);
    Figures {
        refilled: user.refilled,
        charged: user.charged,
        accrued: user.accrued,
        entries: entries.iter().map(line).collect(),
    }
}

fn real(case: &Case, at: i64) -> Figures {
    let texts = case.lines();
    let options = Options { at: Some(Millis(at)), ..Options::default() };
    figures(&simulate(&case.deployments(), cases::lines(&texts), &options))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_fold_and_the_one_by_hand_agree(case in cases::case(), at in cases::at()) {
        let world = World::new(&case);
        prop_assert_eq!(real(&case, at), fold(&world, at));
        let end = cases::window_end();
        prop_assert_eq!(real(&case, end), fold(&world, end));
    }
}
