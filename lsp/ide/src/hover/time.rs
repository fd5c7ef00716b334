//! What is said about time: instants as dates, patterns in words, frames with the next of their ranges.

use std::fmt::Write;

use aquarium_compiler::items::{Effective, Items};
use aquarium_compiler::{FileId, FileSpan};
use aquarium_ir::Millis;
use aquarium_ir::time::{Cron, Frame, WrittenInstant, Zone};

use super::Hover;
use crate::Snapshot;
use crate::expressions::touches;
use crate::walk::leaves;

/// How many ranges and occurrences are told.
const NEXT_MAX: usize = 3;

/// How far ahead ranges are looked for: whatever repeats does so within four years, leap days included.
const AHEAD: i64 = 4 * 366 * 86_400_000;

/// What is said about an instant, a pattern or a time frame under the cursor.
pub(super) fn hover(snapshot: &Snapshot, file: FileId, offset: u32, now: Millis) -> Option<Hover> {
    let zone = &snapshot.analysis().zone;
    let items = &snapshot.analysis().items;
    if let Some(effective) = frames(items).find(|it| it.key.file == file && touches(it.key, offset)) {
        let frame = items.frames.get(usize::try_from(effective.frame?.0).ok()?)?;
        return Some(Hover { span: effective.key, markdown: frame_text(frame, zone, now) });
    }
    value(snapshot, file, offset, zone, now)
}

/// Every time frame that is written somewhere.
fn frames(items: &Items) -> impl Iterator<Item = &Effective> {
    let lists = items.algorithms.values().chain(items.pricelists.values()).chain(items.creditplans.values());
    let agreements = items.agreements.values();
    let parts = agreements.clone().flat_map(|agreement| agreement.parts.values());
    let own = items.effective.iter().chain(lists.filter_map(|list| list.effective.as_ref()));
    let of_agreements = agreements.filter_map(|agreement| agreement.effective.as_ref());
    own.chain(of_agreements).chain(parts.filter_map(|part| part.effective.as_ref()))
}

fn value(snapshot: &Snapshot, file: FileId, offset: u32, zone: &Zone, now: Millis) -> Option<Hover> {
    let parse = snapshot.parse(file)?;
    let mut found = None;
    leaves(&parse.document().root, &mut |leaf| {
        let span = FileSpan { file, start: leaf.scalar.span.start, end: leaf.scalar.span.end };
        if leaf.is_key || !touches(span, offset) {
            return;
        }
        let in_frame = leaf.is_below(&["effective", "applicable"]);
        let text = leaf.scalar.text();
        let markdown = match leaf.key() {
            Some("from" | "to" | "except") if in_frame => instant(text, zone),
            Some("start" | "end") if in_frame => pattern(text, zone, now),
            Some("at") => pattern(text, zone, now),
            _ => None,
        };
        found = markdown.map(|markdown| Hover { span, markdown });
    });
    found
}

fn instant(text: &str, zone: &Zone) -> Option<String> {
    let instant = WrittenInstant::read(text, zone).ok()?.instant;
    Some(format!(
        "{}\n\n{} ms since the epoch, {} in UTC",
        zone.format(instant),
        instant.0,
        Zone::utc().format(instant)
    ))
}

fn pattern(text: &str, zone: &Zone, now: Millis) -> Option<String> {
    let cron: Cron = text.parse().ok()?;
    let mut said = format!("{} ({})", cron.words(), zone.name());
    let mut after = now;
    for _ in 0..NEXT_MAX {
        let Some(next) = cron.next_instant(zone, after) else { break };
        _ = write!(said, "\n- {}", zone.format(next));
        after = next;
    }
    Some(said)
}

/// A frame in words, and the next of its ranges.
fn frame_text(frame: &Frame, zone: &Zone, now: Millis) -> String {
    let mut said = match (frame.from > Millis::MIN, frame.to < Millis::MAX) {
        (true, true) => format!("from {} until {}", zone.format(frame.from), zone.format(frame.to)),
        (true, false) => format!("from {}", zone.format(frame.from)),
        (false, true) => format!("until {}", zone.format(frame.to)),
        (false, false) => "always".to_owned(),
    };
    for range in &frame.repeat {
        _ = write!(said, "\n- {} until {}", range.start.words(), range.end.words());
    }
    if !frame.except.is_empty() {
        _ = write!(said, "\n- but for {} exceptions", frame.except.len());
    }
    let next = frame.intervals(zone, now, Millis(now.0.saturating_add(AHEAD)));
    said.push_str(if next.is_empty() { "\n\nno range from now on" } else { "\n\nnext:" });
    for interval in next.iter().take(NEXT_MAX) {
        let end = if interval.end.0 >= now.0.saturating_add(AHEAD) {
            "…".to_owned()
        } else {
            zone.format(interval.end)
        };
        let start = if interval.start == now { "now".to_owned() } else { zone.format(interval.start) };
        _ = write!(said, "\n- {start} to {end}");
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at_cursor;

    /// 2011-10-30T20:40:00+02:00 in Athens, a Sunday.
    const NOW: Millis = Millis(1_320_000_000_000);

    fn check(source: &str, expected: &str) {
        let policy = format!(
            "aquariumpolicy:\n  timezone: Europe/Athens\n  pricelists:\n    - name: a\n      x: 1\n      {source}\n"
        );
        let (snapshot, file, offset) = at_cursor(&policy);
        let found = hover(&snapshot, file, offset, NOW).map(|hover| hover.markdown);
        assert_eq!(found.as_deref().unwrap_or("nothing"), expected, "{source}");
    }

    #[test]
    fn a_frame_tells_its_next_ranges() {
        check(
            "effective$0:\n        from: 2011-01-01\n        repeat:\n          - every: {start: \"00 22 * * *\", end: \"00 06 * * *\"}",
            "from 2011-01-01T00:00:00+02:00\n- at 22:00 every day until at 06:00 every day\n\nnext:\n- \
             2011-10-30T22:00:00+02:00 to 2011-10-31T06:00:00+02:00\n- 2011-10-31T22:00:00+02:00 to 2011-11-01T06:00:00+02:00\n- \
             2011-11-01T22:00:00+02:00 to 2011-11-02T06:00:00+02:00",
        );
        check("effective$0: {from: 2011-01-01}", "from 2011-01-01T00:00:00+02:00\n\nnext:\n- now to …");
        check("effective$0: {to: 2011-01-01}", "until 2011-01-01T00:00:00+02:00\n\nno range from now on");
    }

    #[test]
    fn instants_and_patterns_are_told_in_words() {
        check(
            "effective: {from: 1293$0703200000}",
            "2010-12-30T12:00:00+02:00\n\n1293703200000 ms since the epoch, 2010-12-30T10:00:00Z in UTC",
        );
        check(
            "effective: {repeat: [{start: \"00 12$0 1 1 *\", end: \"00 13 1 1 *\"}]}",
            "at 12:00 on day 1 of January (Europe/Athens)\n- 2012-01-01T12:00:00+02:00\n- 2013-01-01T12:00:00+02:00\n- \
             2014-01-01T12:00:00+02:00",
        );
        check("effective: {from: so$0on}", "nothing");
    }
}
