//! The way to a price leads where the resolved timelines say, at every instant at which something changes.

#![allow(clippy::disallowed_methods, reason = "the test reads the policies of the corpus and the examples")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use aquarium_compiler::chain::{Chain, Step, Tracer};
use aquarium_compiler::items::EntryId;
use aquarium_compiler::{Analysis, SourceFile, analyze};
use aquarium_ir::Millis;
use aquarium_ir::time::{Calendar, Timeline};

/// How many changes of one timeline are followed.
const STEPS: usize = 60;

fn policies() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = vec![root.join("examples/quickstart/policy.aquarium.yaml")];
    for entry in root.join("tests/corpus/valid").read_dir().unwrap() {
        found.push(entry.unwrap().path());
    }
    found
}

fn read(path: &Path) -> Analysis {
    let bytes = std::fs::read(path).unwrap();
    analyze(vec![SourceFile { path: path.file_name().unwrap().to_string_lossy().into_owned(), bytes }])
}

/// Follows the timeline and asks the tracer before, at and after every change.
fn compare(
    analysis: &Analysis,
    timeline: &Timeline<EntryId>,
    mut trace: impl FnMut(Millis) -> Chain,
) -> usize {
    let mut calendar = Calendar::new(analysis.zone.clone(), &analysis.items.frames);
    let mut instant = Millis::EPOCH;
    for step in 0..STEPS {
        for at in [instant.0 - 1, instant.0, instant.0 + 1].map(Millis) {
            let chain = trace(at);
            let expected = timeline.at(&mut calendar, at).0.copied();
            assert_eq!(chain.entry, expected, "at {at}: {chain:?}");
            let gives = chain.links.last().map(|link| &link.step);
            assert_eq!(gives.is_some_and(|step| matches!(step, Step::Gives(_))), expected.is_some());
        }
        let until = timeline.at(&mut calendar, instant).1;
        if until == Millis::MAX {
            return step + 1;
        }
        instant = until;
    }
    STEPS
}

#[test]
fn the_chain_leads_to_what_the_timelines_say() {
    let mut compared = 0;
    for path in policies() {
        let analysis = read(&path);
        let mut tracer = Tracer::new(&analysis.items, &analysis.zone);
        for (name, agreement) in &analysis.resolution.agreements {
            for (resource, timeline) in &agreement.prices {
                compared += compare(&analysis, timeline, |at| tracer.price(name, resource, at));
            }
            for (resource, timeline) in &agreement.expressions {
                compared += compare(&analysis, timeline, |at| tracer.expression(name, resource, at));
            }
            for (key, timeline) in &agreement.plan {
                compared += compare(&analysis, timeline, |at| tracer.plan(name, key, at));
            }
        }
    }
    assert!(compared > 400, "only {compared} stretches were compared");
}

#[test]
fn the_chain_says_why_in_words() {
    let analysis = read(&policies()[0]);
    let mut tracer = Tracer::new(&analysis.items, &analysis.zone);
    // Saturday, 2011-11-05: the working week is over, the weekend has not begun.
    let at = Millis(1_320_483_600_000);
    let chain = tracer.price("research", "vmtime", at);
    let words: Vec<String> =
        chain.links.iter().map(|link| link.words(&analysis.items, &analysis.zone, at)).collect();
    assert_eq!(
        words,
        [
            "agreement research",
            "agreement research names price list weekly",
            "price list weekly, does not hold from 2011-11-04T14:00:00Z until 2011-11-05T15:00:00Z; \
             what it extends stands in",
            "price list default",
            "gives vmtime",
        ]
    );
}
