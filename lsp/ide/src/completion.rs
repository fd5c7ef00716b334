//! What may be written at a place.

use aquarium_compiler::expression::variables;
use aquarium_compiler::items::{Class, Items};
use aquarium_compiler::read::known_zones;

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
    /// A constant of the policy.
    Constant,
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

/// What may be written at a place of a text, best first. The text may be newer than what is known of the policy
/// (`items`): what is proposed are the names that were there when it was looked at last.
#[must_use]
pub fn completion(text: &str, items: &Items, offset: u32) -> Vec<Proposal> {
    let Some(context) = context(text, offset) else { return Vec::new() };
    match &context.key {
        Some(key) => values(items, &context, key),
        None => keys_here(items, &context),
    }
}

/// Patterns to begin with: whoever writes one changes its numbers.
const PATTERNS: [(&str, &str); 5] = [
    ("\"00 00 * * *\"", "every day at midnight"),
    ("\"00 00 * * Mon\"", "every Monday at midnight"),
    ("\"00 08 * * Mon-Fri\"", "at 08:00 from Monday to Friday"),
    ("\"00 22 * * *\"", "every day at 22:00"),
    ("\"00 00 1 * *\"", "at the beginning of every month"),
];

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
        // The lines of an expression stand below the name of its resource.
        let resource = context.path.last().map_or("", String::as_str);
        found.extend(expression(items, resource));
    }
    if context.path.last().is_some_and(|last| last == "roles") {
        let everybody = "the role of everybody who has no other one here";
        found.push(proposal("\"*\": ", "*", Kind::Word, everybody));
    }
    found
}

fn values(items: &Items, context: &Context, key: &str) -> Vec<Proposal> {
    match key {
        "extends" | "overrides" | "override" => {
            class_of(context).map(|class| names(items, class)).unwrap_or_default()
        }
        "costpolicy" => words(&keys::COST_POLICIES),
        "mode" => words(&keys::MODES),
        "complex" => words(&keys::TRUTHS),
        "timezone" => zones(),
        "start" | "end" if context.is_below(&["effective", "applicable"]) => patterns(),
        "at" => patterns(),
        "algorithm" => names(items, Class::Algorithm),
        "pricelist" => names(items, Class::Pricelist),
        "creditplan" => names(items, Class::Creditplan),
        "name" | "description" | "unit" => Vec::new(),
        _ if context.is_below(&["roles"]) => names(items, Class::Agreement),
        _ if context.is_below(&["effective", "applicable"]) => Vec::new(),
        _ if context.is_below(&["algorithms", "algorithm"]) => expression(items, key),
        _ if context.is_below(&["pricelists", "pricelist"]) => constants(items),
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

fn words(words: &[(&'static str, &'static str)]) -> Vec<Proposal> {
    words.iter().map(|(word, text)| proposal(word, word, Kind::Word, text)).collect()
}

fn patterns() -> Vec<Proposal> {
    PATTERNS.iter().map(|(pattern, text)| proposal(pattern, pattern, Kind::Word, text)).collect()
}

fn zones() -> Vec<Proposal> {
    let mut zones: Vec<&str> = known_zones().collect();
    zones.sort_unstable();
    zones.into_iter().map(|zone| proposal(zone, zone, Kind::Word, "")).collect()
}

/// What an expression for a resource may name: its variables, the policy's constants, functions.
fn expression(items: &Items, resource: &str) -> Vec<Proposal> {
    let cost_policy = items.resources.get(resource).and_then(|resource| resource.cost_policy.as_ref());
    let has = |name: &str| cost_policy.is_none_or(|given| variables(given.value).contains(&name));
    let known = keys::VARIABLES.iter().filter(|(name, _)| has(name));
    let mut found: Vec<Proposal> =
        known.map(|(name, text)| proposal(name, name, Kind::Variable, text)).collect();
    found.extend(constants(items));
    found.extend(keys::FUNCTIONS.iter().map(|(name, text)| proposal(name, name, Kind::Function, text)));
    found
}

fn constants(items: &Items) -> Vec<Proposal> {
    items.constants.keys().map(|name| proposal(name, name, Kind::Constant, "")).collect()
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

    fn proposals(source: &str) -> Vec<Proposal> {
        let (snapshot, file, offset) = at_cursor(source);
        completion(snapshot.text(file).unwrap().content(), &snapshot.analysis().items, offset)
    }

    fn check(behind: &str, expected: &str) {
        let found: Vec<_> = proposals(&format!("{POLICY}{behind}")).into_iter().map(|it| it.text).collect();
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
        check("  unit: $0", "");
    }

    #[test]
    fn zones_patterns_and_constants_are_proposed() {
        let zones = proposals("aquariumpolicy:\n  timezone: $0\n");
        assert!(
            zones.len() > 400 && zones.iter().any(|zone| zone.text == "Europe/Athens"),
            "{}",
            zones.len()
        );
        let found =
            proposals("aquariumpolicy:\n  effective:\n    repeat:\n      - every:\n          start: $0\n");
        assert!(found.iter().all(|it| it.text.trim_matches('"').parse::<aquarium_ir::time::Cron>().is_ok()));
        assert_eq!(found.len(), PATTERNS.len());
        check("  constants: {free: 10}\n  pricelists:\n    - name: x\n      vmtime: $0", "free");
        check("  roles:\n    $0", "\"*\": ");
    }

    #[test]
    fn expressions_offer_variables_and_functions() {
        check(
            "  algorithms:\n    - name: x\n      vmtime: $0",
            "price|volume|total|duration|min|max|abs|floor|ceil|round|clamp",
        );
        check(
            "  algorithms:\n    - name: x\n      'disk space': |\n        price * $0",
            "price|volume|total|amount|duration|min|max|abs|floor|ceil|round|clamp",
        );
    }
}
