//! The canonical layout of a file, as the fewest changed lines.

use std::ops::Range;

use aquarium_compiler::{Edit, FileId, FileSpan};
use aquarium_grammar::format::format;
use similar::{Algorithm, DiffOp, TextDiff};

use crate::Snapshot;

/// The edits that give a file its canonical layout; `None` where it has errors of form, which come first.
#[must_use]
pub fn formatting(snapshot: &Snapshot, file: FileId) -> Option<Vec<Edit>> {
    let parse = snapshot.parse(file)?;
    let after = format(parse)?;
    let before = parse.text();
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).diff_lines(before, &after);
    let old = starts(before);
    let new = starts(&after);
    let changes = diff.ops().iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
    let edit = |op: &DiffOp| {
        let span = bytes(&old, op.old_range());
        let text = after.get(bytes(&new, op.new_range())).unwrap_or_default();
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Edit {
            span: FileSpan { file, start: offset(span.start), end: offset(span.end) },
            text: text.to_owned(),
        }
    };
    Some(changes.map(edit).collect())
}

/// Those of the edits of [`formatting`] that touch a range.
#[must_use]
pub fn range_formatting(snapshot: &Snapshot, range: FileSpan) -> Option<Vec<Edit>> {
    let mut edits = formatting(snapshot, range.file)?;
    edits.retain(|edit| edit.span.start < range.end && range.start < edit.span.end);
    Some(edits)
}

/// The blanks that a line begun after the one before it should have: those of the key above, and one level
/// more behind a key without a value.
#[must_use]
pub fn indentation(snapshot: &Snapshot, file: FileId, line: u32) -> Option<Edit> {
    let text = snapshot.text(file)?;
    let current = text.lines().line(text.content(), line);
    let written = text.content().get(current.clone())?;
    let above = (0..line)
        .rev()
        .map(|above| text.content().get(text.lines().line(text.content(), above)).unwrap_or(""));
    let above = above
        .map(str::trim_end)
        .find(|line| !line.trim_start().is_empty() && !line.trim_start().starts_with('#'))?;
    let outer = above.len() - above.trim_start().len();
    let dashes = above.trim_start().len() - above.trim_start().trim_start_matches(['-', ' ']).len();
    let deeper = usize::from(above.ends_with(':') || above.ends_with(": |") || above.ends_with(": >")) * 2;
    let wanted = " ".repeat(outer + dashes + deeper);
    let blanks = written.len() - written.trim_start().len();
    if !written.trim().is_empty() || written == wanted {
        return None;
    }
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let span = FileSpan { file, start: offset(current.start), end: offset(current.start + blanks) };
    Some(Edit { span, text: wanted })
}

/// Where the lines of a text begin, and its end.
fn starts(text: &str) -> Vec<usize> {
    let mut starts = vec![0];
    // As `similar` splits lines: `\n`, `\r\n` and a lone `\r` end one.
    let bytes = text.as_bytes();
    let ends = (0..bytes.len()).filter(|&at| match bytes.get(at) {
        Some(b'\n') => true,
        Some(b'\r') => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    });
    starts.extend(ends.map(|end| end + 1));
    if starts.last() != Some(&text.len()) {
        starts.push(text.len());
    }
    starts
}

fn bytes(starts: &[usize], lines: Range<usize>) -> Range<usize> {
    let at = |line: usize| starts.get(line).or(starts.last()).copied().unwrap_or(0);
    at(lines.start)..at(lines.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply, at_cursor};

    const UNTIDY: &str =
        "aquariumpolicy:\n  name:   a\n  pricelists:\n  - name: b\n    x: 1\n  timezone:  UTC\n";
    const TIDY: &str =
        "aquariumpolicy:\n  name: a\n  pricelists:\n    - name: b\n      x: 1\n  timezone: UTC\n";

    #[test]
    fn only_lines_that_change_are_written() {
        let (snapshot, file, _) = at_cursor(&format!("{UNTIDY}$0"));
        let edits = formatting(&snapshot, file).unwrap();
        assert_eq!(apply(UNTIDY, &edits), TIDY);
        let lines: Vec<_> =
            edits.iter().map(|edit| snapshot.positions(edit.span, crate::Encoding::Utf8)).collect();
        let lines: Vec<_> = lines.into_iter().map(|range| (range.start.line, range.end.line)).collect();
        assert_eq!(lines, [(1, 2), (3, 6)]);
        let (snapshot, file, _) = at_cursor(&format!("{TIDY}$0"));
        assert_eq!(formatting(&snapshot, file), Some(Vec::new()));
    }

    #[test]
    fn a_range_is_laid_out_alone() {
        let (snapshot, file, offset) = at_cursor(&UNTIDY.replacen("name:  ", "na$0me:  ", 1));
        let edits = range_formatting(&snapshot, FileSpan { file, start: offset, end: offset + 1 }).unwrap();
        assert_eq!(apply(UNTIDY, &edits), UNTIDY.replacen("name:   a", "name: a", 1));
    }

    #[test]
    fn a_file_with_errors_of_form_stays_as_it_is() {
        let (snapshot, file, _) = at_cursor("aquariumpolicy:\n  name: {\n$0");
        assert_eq!(formatting(&snapshot, file), None);
    }

    #[test]
    fn a_new_line_begins_where_the_next_key_belongs() {
        for (source, expected) in [
            ("aquariumpolicy:\n$0", "  "),
            ("aquariumpolicy:\n  pricelists:\n    - name: a\n$0", "      "),
            ("aquariumpolicy:\n  name: a\n $0", "  "),
            ("aquariumpolicy:\n  pricelists:\n    - pricelist:\n# a\n$0", "        "),
        ] {
            let (snapshot, file, offset) = at_cursor(source);
            let line = snapshot.text(file).unwrap().position(offset, crate::Encoding::Utf8).line;
            assert_eq!(
                indentation(&snapshot, file, line).map(|edit| edit.text).as_deref(),
                Some(expected),
                "{source}"
            );
        }
        let (snapshot, file, _) = at_cursor("aquariumpolicy:\n  $0");
        assert_eq!(indentation(&snapshot, file, 1), None);
    }
}
