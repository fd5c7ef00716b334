//! A name, changed wherever it stands.

use std::fmt;

use aquarium_compiler::items::Class;
use aquarium_compiler::references::{Reference, at};
use aquarium_compiler::{Edit, FileId, FileSpan};

use crate::Snapshot;
use crate::text::quoted;

/// What a resource cannot be called: these are keys where resources are named.
const RESERVED: [&str; 11] = [
    "name",
    "extends",
    "overrides",
    "override",
    "effective",
    "applicable",
    "resource",
    "algorithm",
    "pricelist",
    "creditplan",
    "agreement",
];

/// Why a name is not changed, in the author's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The name under the cursor as it is written, and what it says; `None` where nothing can be renamed.
#[must_use]
pub fn prepare(snapshot: &Snapshot, file: FileId, offset: u32) -> Option<(FileSpan, String)> {
    let all = snapshot.references();
    at(all, file, offset).map(|name| (name.span, name.name.clone()))
}

/// The edits that give the name under the cursor another text, in every file of the policy.
///
/// # Errors
///
/// Where there is no name, the new one cannot be one, or something of the class has it already.
pub fn rename(snapshot: &Snapshot, file: FileId, offset: u32, new: &str) -> Result<Vec<Edit>, Refused> {
    let all = snapshot.references();
    let here = at(all, file, offset).ok_or_else(|| Refused("there is no name to change here".to_owned()))?;
    let new = new.trim();
    check_form(here.class, new)?;
    check_conflict(snapshot, all, here, new)?;
    let same = all.iter().filter(|other| other.class == here.class && other.name == here.name);
    Ok(same.map(|place| Edit { span: place.span, text: written(snapshot, place, new) }).collect())
}

fn check_form(class: Class, new: &str) -> Result<(), Refused> {
    let refuse = |why: &str| Err(Refused(why.to_owned()));
    if new.is_empty() {
        return refuse("a name has at least one letter");
    }
    if new.chars().any(char::is_control) {
        return refuse("a name is one line without control characters");
    }
    match class {
        Class::Resource if RESERVED.contains(&new) => {
            Err(Refused(format!("`{new}` is a key of the language: a resource cannot be called that")))
        }
        Class::Resource => Ok(()),
        _ if new.contains(char::is_whitespace) => refuse("only the name of a resource may have blanks"),
        _ => Ok(()),
    }
}

/// A name that something of the class has, or that is used without being defined, is taken.
fn check_conflict(
    snapshot: &Snapshot,
    all: &[Reference],
    here: &Reference,
    new: &str,
) -> Result<(), Refused> {
    if new == here.name {
        return Ok(());
    }
    let taken = all.iter().find(|other| other.class == here.class && other.name == new);
    let Some(taken) = taken else { return Ok(()) };
    let line = snapshot.positions(taken.span, crate::Encoding::Utf8).start.line + 1;
    let path = snapshot.files().find(|(id, _)| *id == taken.span.file).map_or("", |(_, file)| &file.path);
    Err(Refused(format!("{} `{new}` stands already in {path}:{line}", here.class.noun())))
}

/// The new name in quotes where the old one has some or where it needs them.
fn written(snapshot: &Snapshot, place: &Reference, new: &str) -> String {
    match snapshot.slice(place.span).chars().next() {
        Some('"') => format!("\"{}\"", new.replace('\\', "\\\\").replace('"', "\\\"")),
        Some('\'') => format!("'{}'", new.replace('\'', "''")),
        _ => quoted(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply, at_cursor};

    const POLICY: &str = "aquariumpolicy:
  resources:
    - {name: vmtime, unit: hr, costpolicy: onoff}
    - {name: \"disk space\", unit: MB*hr, costpolicy: continuous}
  pricelists:
    - name: base
      vmtime: 1
      'disk space': 2
    - name: cheap
      extends: base
";

    fn check(marked: &str, new: &str, expected: &str) {
        let source = POLICY.replacen(&marked.replace("$0", ""), marked, 1);
        let (snapshot, file, offset) = at_cursor(&source);
        let found = match rename(&snapshot, file, offset, new) {
            Ok(edits) => {
                let after = apply(&source.replacen("$0", "", 1), &edits);
                let lines = after.lines().zip(POLICY.lines());
                lines
                    .filter(|(after, before)| after != before)
                    .map(|(after, _)| after.trim())
                    .collect::<Vec<_>>()
                    .join("\n")
            }
            Err(refused) => refused.to_string(),
        };
        assert_eq!(found, expected, "{marked} -> {new}");
    }

    #[test]
    fn a_name_changes_wherever_it_stands() {
        check("extends: ba$0se", "standard", "- name: standard\nextends: standard");
        check("vmtime: $01", "x", "there is no name to change here");
        check("vmti$0me: 1", "vm hours", "- {name: 'vm hours', unit: hr, costpolicy: onoff}\n'vm hours': 1");
    }

    #[test]
    fn quotes_stay_as_they_are() {
        check(
            "'disk$0 space'",
            "it's",
            "- {name: \"it's\", unit: MB*hr, costpolicy: continuous}\n'it''s': 2",
        );
    }

    #[test]
    fn a_name_that_is_taken_or_none_is_refused() {
        check("name: che$0ap", "base", "price list `base` stands already in a.aquarium:6");
        check("name: che$0ap", "very cheap", "only the name of a resource may have blanks");
        check(
            "vmti$0me: 1",
            "effective",
            "`effective` is a key of the language: a resource cannot be called that",
        );
        check("name: che$0ap", "  ", "a name has at least one letter");
        check("name: che$0ap", "cheap", "");
    }
}
