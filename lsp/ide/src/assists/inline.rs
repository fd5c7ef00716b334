//! An item that an agreement names is written out in the agreement.

use aquarium_compiler::references::Usage;
use aquarium_compiler::{Edit, FileSpan};

use super::{Assist, Kind, PartOf, layout};
use crate::Snapshot;

/// Writes the item out, and removes it where nothing else uses it. Not where it or the agreement extends another:
/// what is written out has no parent.
pub(super) fn inline(snapshot: &Snapshot, part: &PartOf<'_>) -> Option<Assist> {
    let PartOf { agreement, class, part } = part;
    let base = part.base.as_ref()?;
    let items = &snapshot.analysis().items;
    let list = items.lists(*class).get(&base.value)?;
    if !part.entries.is_empty() || agreement.extends.is_some() || list.extends.is_some() {
        return None;
    }
    let (lines, whole) = layout::lines(snapshot, *class, list.name.span)?;
    let content = layout::content(snapshot, base.span.file)?;
    let line_end = layout::line_end(content, base.span.end)?;
    let rest = layout::slice(content, base.span.end, line_end)?;
    let before = layout::slice(content, layout::line_start(content, part.key.start)?, part.key.start)?;
    // Behind the name there may be a comment; more than that are braces or a value that goes on.
    if !(rest.trim().is_empty() || rest.trim().starts_with('#'))
        || !before.trim_start().trim_matches('-').trim().is_empty()
    {
        return None;
    }
    let indent = " ".repeat(before.len() + 2);
    let line = |line: &String| if line.is_empty() { "\n".to_owned() } else { format!("\n{indent}{line}") };
    let written = Edit {
        span: FileSpan { start: part.key.end, end: line_end, ..base.span },
        text: std::iter::once(format!(":{rest}")).chain(lines.iter().map(line)).collect(),
    };
    let all = snapshot.references();
    let uses =
        all.iter().filter(|it| it.class == *class && it.name == base.value && it.usage != Usage::Definition);
    let removed = (uses.count() == 1).then(|| remove(snapshot, whole)).flatten();
    let title = format!("write {} `{}` out here", class.noun(), base.value);
    Some(Assist { title, kind: Kind::Inline, edits: std::iter::once(written).chain(removed).collect() })
}

/// Removes whole lines.
fn remove(snapshot: &Snapshot, lines: FileSpan) -> Option<Edit> {
    let content = layout::content(snapshot, lines.file)?;
    let rest = layout::slice(content, lines.end, u32::try_from(content.len()).ok()?)?;
    let line_break = rest.find('\n').map_or(rest.len(), |at| at + 1);
    let end = lines.end + u32::try_from(line_break).ok()?;
    Some(Edit { span: FileSpan { end, ..lines }, text: String::new() })
}
