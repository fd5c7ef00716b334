//! Changes that an author may want and no finding asks for: an item that is named but not defined, a part of an
//! agreement that gets a name, and back.

mod create;
mod extract;
mod inline;
mod layout;

use aquarium_compiler::items::{Agreement, Class, Part};
use aquarium_compiler::{Edit, FileSpan};

use crate::Snapshot;

/// A change that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assist {
    /// What it does.
    pub title: String,
    /// Of what sort it is.
    pub kind: Kind,
    /// The edits, none touching another.
    pub edits: Vec<Edit>,
}

/// The sorts of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something that is missing is written.
    Create,
    /// A part becomes an item.
    Extract,
    /// An item becomes a part.
    Inline,
}

/// The changes that are offered at the beginning of a span.
#[must_use]
pub fn assists(snapshot: &Snapshot, span: FileSpan) -> Vec<Assist> {
    let created = create::create(snapshot, span);
    let part = part_at(snapshot, span);
    let extracted = part.as_ref().and_then(|part| extract::extract(snapshot, part));
    let inlined = part.as_ref().and_then(|part| inline::inline(snapshot, part));
    [created, extracted, inlined].into_iter().flatten().collect()
}

/// A part of an agreement.
struct PartOf<'s> {
    agreement: &'s Agreement,
    class: Class,
    part: &'s Part,
}

/// The part whose key or name the cursor touches.
fn part_at(snapshot: &Snapshot, cursor: FileSpan) -> Option<PartOf<'_>> {
    let touches =
        |span: FileSpan| span.file == cursor.file && span.start <= cursor.start && cursor.start <= span.end;
    snapshot.analysis().items.agreements.values().find_map(|agreement| {
        let is_here =
            |part: &Part| touches(part.key) || part.base.as_ref().is_some_and(|it| touches(it.span));
        let (class, part) = agreement.parts.iter().find(|(_, part)| is_here(part))?;
        Some(PartOf { agreement, class: *class, part })
    })
}
