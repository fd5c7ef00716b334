//! What may be written at a place.

use aquarium_compiler::FileId;
use aquarium_compiler::items::{Class, Items};

use crate::Snapshot;
use crate::context::{Context, context};
use crate::keys::{self, Place};
use crate::text::quoted;

/// What a proposal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A key of the language.
    Key,
    /// The name of a resource, as a key.
    Resource,
    /// The name of an item.
    Name,
    /// A word that a key may have.
    Word,
    /// A variable of expressions.
    Variable,
    /// A function of expressions.
    Function,
}

/// Something that may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// What is shown.
    pub label: String,
    /// What is written.
    pub text: String,
    /// What it is.
    pub kind: Kind,
    /// What it is for, in Markdown; may be empty.
    pub documentation: &'static str,
}

/// What may be written at a place, best first.
#[must_use]
pub fn completion(snapshot: &Snapshot, file: FileId, offset: u32) -> Vec<Proposal> {
    let Some(text) = snapshot.text(file) else { return Vec::new() };
    let Some(context) = context(text.content(), offset) else { return Vec::new() };
    let items = &snapshot.analysis().items;
    match &context.key {
        Some(key) => values(items, &context, key),
        None => keys_here(items, &context),
    }
}

fn keys_here(items: &Items, context: &Context) -> Vec<Proposal> {
    let place = context.place();
    let known = place.map(keys::of).into_iter().flatten();
    let mut found: Vec<Proposal> =
        known.map(|(key, text)| proposal(&format!("{key}: "), key, Kind::Key, text)).collect();
    if place.is_some_and(|place| matches!(place, Place::Algorithm | Place::Pricelist)) {
        let names = items.resources.keys();
        found.extend(names.map(|name| proposal(&format!("{}: ", quoted(name)), name, Kind::Resource, "")));
    }
    if place.is_none() && context.is_below(&["algorithms", "algorithm"]) {
        found.extend(expression());
    }
    found
}

fn values(items: &Items, context: &Context, key: &str) -> Vec<Proposal> {
    match key {
        "extends" | "overrides" | "override" => {
            class_of(context).map(|class| names(items, class)).unwrap_or_default()
        }
        "costpolicy" => words(&["continuous", "onoff", "discrete"]),
        "mode" => words(&["add", "reset"]),
        "complex" => words(&["true", "false"]),
        "algorithm" => names(items, Class::Algorithm),
        "pricelist" => names(items, Class::Pricelist),
        "creditplan" => names(items, Class::Creditplan),
        "name" | "description" | "unit" | "timezone" => Vec::new(),
        _ if context.is_below(&["roles"]) => names(items, Class::Agreement),
        _ if context.is_below(&["algorithms", "algorithm"]) && !context.is_below(&["effective"]) => {
            expression()
        }
        _ => Vec::new(),
    }
}

/// The class of the items among which a cursor is.
fn class_of(context: &Context) -> Option<Class> {
    Class::ALL.into_iter().find(|class| context.is_below(&[class.section()]))
}

fn names(items: &Items, class: Class) -> Vec<Proposal> {
    let name = |name: &String| proposal(&quoted(name), name, Kind::Name, "");
    match class {
        Class::Resource => items.resources.keys().map(name).collect(),
        Class::Agreement => items.agreements.keys().map(name).collect(),
        Class::Algorithm | Class::Pricelist | Class::Creditplan => {
            items.lists(class).keys().map(name).collect()
        }
    }
}

fn words(words: &[&'static str]) -> Vec<Proposal> {
    words.iter().map(|word| proposal(word, word, Kind::Word, "")).collect()
}

fn expression() -> Vec<Proposal> {
    let variables = keys::VARIABLES.iter().map(|(name, text)| proposal(name, name, Kind::Variable, text));
    let functions = keys::FUNCTIONS.iter().map(|(name, text)| proposal(name, name, Kind::Function, text));
    variables.chain(functions).collect()
}

fn proposal(text: &str, label: &str, kind: Kind, documentation: &'static str) -> Proposal {
    Proposal { label: label.to_owned(), text: text.to_owned(), kind, documentation }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at_cursor;

    const POLICY: &str = "aquariumpolicy:\n  resources:\n    - {name: vmtime, unit: hr, costpolicy: onoff}\n    - \
                          {name: 'disk space', unit: MB, costpolicy: continuous}\n  pricelists:\n    - name: base\n      \
                          vmtime: 1\n  agreements:\n    - name: gold\n      pricelist: base\n";

    fn check(behind: &str, expected: &str) {
        let (snapshot, file, offset) = at_cursor(&format!("{POLICY}{behind}"));
        let found: Vec<_> = completion(&snapshot, file, offset).into_iter().map(|it| it.text).collect();
        assert_eq!(found.join("|"), expected, "{behind}");
    }

    #[test]
    fn items_offer_their_keys_and_the_resources() {
        check(
            "  pricelists:\n    - name: x\n      $0\n",
            "name: |extends: |effective: |'disk space': |vmtime: ",
        );
        check("      effective:\n        $0", "from: |to: |repeat: |except: ");
        check("  resources:\n    - c$0", "name: |unit: |costpolicy: |complex: |max: ");
    }

    #[test]
    fn values_are_names_and_words_that_fit() {
        check("  pricelists:\n    - name: x\n      extends: $0\n", "base");
        check("    - name: silver\n      pricelist: $0", "base");
        check("  roles:\n    student: $0", "gold");
        check("  resources:\n    - name: x\n      costpolicy: $0", "continuous|onoff|discrete");
        check("  timezone: $0", "");
    }

    #[test]
    fn expressions_offer_variables_and_functions() {
        check(
            "  algorithms:\n    - name: x\n      vmtime: $0",
            "price|volume|total|value|amount|duration|min|max|abs|floor|ceil|round|clamp",
        );
    }
}
