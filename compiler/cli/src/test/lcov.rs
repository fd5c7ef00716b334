//! Coverage in the format of LCOV's tracefiles (`geninfo(1)`), which editors and CI systems read: a line is
//! hit where a price, tier or expression on it is, and time frames and conditionals are branches.

use std::collections::BTreeMap;
use std::fmt::Write;

use aquarium_compiler::LineIndex;

use super::coverage::Subject;
use super::suite::{Suite, Tested};
use crate::inputs;

/// The whole tracefile; policies that cannot be compiled have no part in it.
pub fn render(suite: &Suite) -> String {
    let mut text = String::new();
    for tested in suite.policies.values().filter(|tested| tested.policy.is_some()) {
        render_policy(&mut text, tested);
    }
    text
}

/// What is known of the lines of one file.
#[derive(Default)]
struct Lines {
    hits: BTreeMap<usize, u64>,
    /// Line, block, arm, hits.
    branches: Vec<(usize, u32, u8, u64)>,
}

fn render_policy(text: &mut String, tested: &Tested) {
    for (file, number) in tested.analysis.files.iter().zip(0..) {
        let index = LineIndex::new(&file.bytes);
        let mut lines = Lines::default();
        let points = tested.coverage.points().filter(|(place, _)| place.span.file.0 == number);
        for (place, point) in points {
            let line = index.line(place.span.start) + 1;
            match place.subject {
                Subject::Price | Subject::Tier | Subject::Expression => {
                    *lines.hits.entry(line).or_default() += point.hits;
                }
                Subject::Branch | Subject::Frame => {
                    lines.branches.push((line, place.span.start, place.arm, point.hits));
                }
            }
        }
        // Writing to a string does not fail.
        let _ = write_file(text, &inputs::shown(&tested.directory, file), &lines);
    }
}

fn write_file(text: &mut String, path: &str, lines: &Lines) -> std::fmt::Result {
    writeln!(text, "TN:\nSF:{path}")?;
    for (line, block, arm, hits) in &lines.branches {
        writeln!(text, "BRDA:{line},{block},{arm},{hits}")?;
    }
    let hit = lines.branches.iter().filter(|(.., hits)| *hits > 0).count();
    writeln!(text, "BRF:{}\nBRH:{hit}", lines.branches.len())?;
    for (line, hits) in &lines.hits {
        writeln!(text, "DA:{line},{hits}")?;
    }
    let hit = lines.hits.values().filter(|hits| **hits > 0).count();
    writeln!(text, "LF:{}\nLH:{hit}\nend_of_record", lines.hits.len())
}
