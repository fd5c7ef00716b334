//! What is said above an item: by how many others it is used, and what can be looked at.

use std::collections::BTreeMap;

use aquarium_compiler::items::Class;
use aquarium_compiler::references::Usage;
use aquarium_compiler::{FileId, FileSpan};

use crate::Snapshot;

/// A line above an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lens {
    /// The name of the item.
    pub span: FileSpan,
    /// What is said.
    pub title: String,
    /// What it does when it is chosen.
    pub action: Action,
}

/// What a lens does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Shows these places.
    ShowUses(Vec<FileSpan>),
    /// Shows the prices of this agreement, hour by hour.
    ShowWeek(String),
}

/// The lenses of a file, in the order of the text.
#[must_use]
pub fn lenses(snapshot: &Snapshot, file: FileId) -> Vec<Lens> {
    let all = snapshot.references();
    let mut uses: BTreeMap<(Class, &str), Vec<FileSpan>> = BTreeMap::new();
    for place in all.iter().filter(|place| place.usage != Usage::Definition) {
        uses.entry((place.class, &place.name)).or_default().push(place.span);
    }
    let definitions = all.iter().filter(|place| place.usage == Usage::Definition && place.span.file == file);
    let mut lenses = Vec::new();
    for item in definitions {
        let places = uses.get(&(item.class, item.name.as_str())).cloned().unwrap_or_default();
        let title = match places.len() {
            0 => "not used".to_owned(),
            1 => "1 use".to_owned(),
            count => format!("{count} uses"),
        };
        lenses.push(Lens { span: item.span, title, action: Action::ShowUses(places) });
        if item.class == Class::Agreement {
            let action = Action::ShowWeek(item.name.clone());
            lenses.push(Lens { span: item.span, title: "prices of the week".to_owned(), action });
        }
    }
    lenses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at_cursor;

    #[test]
    fn items_say_how_often_they_are_used() {
        let source = "$0aquariumpolicy:\n  resources:\n    - {name: vmtime, unit: hr, costpolicy: onoff}\n  pricelists:\n    - \
                      {name: base, vmtime: 1}\n    - {name: cheap, extends: base, vmtime: 2}\n  agreements:\n    - {name: \
                      default, pricelist: base}\n  roles: {'*': default}\n";
        let (snapshot, file, _) = at_cursor(source);
        let found: Vec<_> = lenses(&snapshot, file)
            .into_iter()
            .map(|lens| format!("{} {}", snapshot.slice(lens.span), lens.title))
            .collect();
        assert_eq!(
            found,
            ["vmtime 2 uses", "base 2 uses", "cheap not used", "default 1 use", "default prices of the week"]
        );
    }
}
