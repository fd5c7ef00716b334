//! `check --fix`: the machine-applicable changes of findings, applied until none is left.

use std::collections::BTreeMap;

use aquarium_compiler::{Analysis, Code, Edit, Fix, SourceFile, analyze};

/// Rounds of fixing. A fix can make way for another, but not for ever: two fixes that undo each other end here.
const ROUNDS_MAX: usize = 20;

/// A policy after its fixes.
pub struct Fixed {
    /// What is known about it now.
    pub analysis: Analysis,
    /// By file, in the order of `analysis.files`: how often which kind of finding was fixed.
    pub counts: Vec<BTreeMap<Code, usize>>,
}

/// Applies fixes in rounds: those of a round do not touch each other.
pub fn apply(files: Vec<SourceFile>) -> Fixed {
    let mut analysis = analyze(files);
    let mut counts = vec![BTreeMap::new(); analysis.files.len()];
    for _ in 0..ROUNDS_MAX {
        let chosen = choose(&analysis);
        if chosen.is_empty() {
            break;
        }
        for (code, fix) in &chosen {
            let file = fix.edits.first().and_then(|edit| counts.get_mut(edit.span.file.0 as usize));
            if let Some(counts) = file {
                *counts.entry(*code).or_default() += 1;
            }
        }
        let edits = chosen.into_iter().flat_map(|(_, fix)| fix.edits).collect();
        analysis = analyze(edited(analysis.files, edits));
    }
    Fixed { analysis, counts }
}

/// The fixes that can be applied together: in the order of the findings, none touching an earlier one.
fn choose(analysis: &Analysis) -> Vec<(Code, Fix)> {
    let mut chosen: Vec<(Code, Fix)> = Vec::new();
    for found in &analysis.diagnostics {
        let Some(fix) = found.fix.as_ref().filter(|fix| !fix.edits.is_empty()) else { continue };
        let is_free = |edit: &Edit| {
            let others = chosen.iter().flat_map(|(_, other)| &other.edits);
            !others.into_iter().any(|other| touch(edit, other))
        };
        if fix.edits.iter().all(is_free) {
            chosen.push((found.code, fix.clone()));
        }
    }
    chosen
}

fn touch(left: &Edit, right: &Edit) -> bool {
    left.span.file == right.span.file
        && left.span.start <= right.span.end
        && right.span.start <= left.span.end
}

/// The files after edits, applied from the end so that places stay right.
fn edited(mut files: Vec<SourceFile>, mut edits: Vec<Edit>) -> Vec<SourceFile> {
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span));
    for edit in edits {
        let Some(file) = files.get_mut(edit.span.file.0 as usize) else { continue };
        let (start, end) = (edit.span.start as usize, edit.span.end as usize);
        if start <= end && end <= file.bytes.len() {
            file.bytes.splice(start..end, edit.text.bytes());
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(text: &str) -> (String, Vec<(Code, usize)>) {
        let file = SourceFile { path: "p.aquarium".to_owned(), bytes: text.as_bytes().to_vec() };
        let fixed = apply(vec![file]);
        let text = String::from_utf8(fixed.analysis.files[0].bytes.clone()).unwrap();
        (text, fixed.counts.into_iter().flatten().collect())
    }

    #[test]
    fn fixes_are_applied_until_none_is_left() {
        let (text, counts) = fixed(
            "creditdsl:\n  resources:\n    - {name: a, unit: req, costpolicy: once}\n  pricelists:\n    - name: p\n      a: 1\n      applicable:\n        from: 1293703200\n",
        );
        assert_eq!(
            text,
            "aquariumpolicy:\n  resources:\n    - {name: a, unit: req, costpolicy: discrete}\n  pricelists:\n    - name: p\n      a: 1\n      effective:\n        from: 1293703200000\n"
        );
        assert_eq!(counts, [(Code::LegacySpelling, 3), (Code::SecondsForMillis, 1)]);
    }

    #[test]
    fn a_policy_without_fixes_stays_as_it_is() {
        let text = "aquariumpolicy:\n  nosuchkeyatall: 1\n";
        assert_eq!(fixed(text), (text.to_owned(), Vec::new()));
    }
}
