//! The part of the surface that is YAML as a JSON Schema, for editors without the extension.
//!
//! Forms that no YAML parser reads (`{price} times {volume}`, a name with overrides below it) never reach a schema.
//! What a schema can say ends at the form of values: units, expressions and patterns are text to it.

use aquarium_ide::keys::{self, Place};
use serde_json::{Map, Value, json};

/// Keys that are read under an older name.
const LEGACY: [(Place, &str, &str); 7] = [
    (Place::Algorithm, "overrides", "extends"),
    (Place::Algorithm, "override", "extends"),
    (Place::Algorithm, "applicable", "effective"),
    (Place::Creditplan, "overrides", "extends"),
    (Place::Creditplan, "applicable", "effective"),
    (Place::Agreement, "overrides", "extends"),
    (Place::Agreement, "applicable", "effective"),
];

/// The places that have a definition of their own, by its name.
const DEFINITIONS: [(&str, Place); 10] = [
    ("policy", Place::Policy),
    ("resource", Place::Resource),
    ("algorithm", Place::Algorithm),
    ("pricelist", Place::Pricelist),
    ("creditplan", Place::Creditplan),
    ("agreement", Place::Agreement),
    ("effective", Place::Effective),
    ("every", Place::Range),
    ("tiered", Place::Tiered),
    ("tier", Place::Tier),
];

/// The schema, in draft 7: what editors' YAML servers read.
pub fn render() -> String {
    let mut definitions = Map::new();
    for (name, place) in DEFINITIONS {
        definitions.insert(name.to_owned(), definition(place));
    }
    for (name, _) in DEFINITIONS.into_iter().filter(|(name, _)| section_of(name).is_some()) {
        definitions.insert(format!("{name}-items"), items(name));
    }
    let policy = reference("policy");
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Aquarium policy",
        "type": "object",
        "properties": { "aquariumpolicy": policy, "aquariumdsl": policy, "creditdsl": policy },
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
        "definitions": definitions,
    });
    format!("{schema:#}\n")
}

fn reference(definition: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{definition}") })
}

/// The section in which items stand, of those that stand in one.
fn section_of(item: &str) -> Option<&'static str> {
    Some(match item {
        "resource" => "resources",
        "algorithm" => "algorithms",
        "pricelist" => "pricelists",
        "creditplan" => "creditplans",
        "agreement" => "agreements",
        "every" => "repeat",
        _ => return None,
    })
}

/// A list of items, or a single one; each below its wrapper key, beside it, or without it.
fn items(wrapper: &str) -> Value {
    let item = json!({ "anyOf": [
        reference(wrapper),
        { "type": "object", "properties": { wrapper: reference(wrapper) }, "required": [wrapper], "additionalProperties": false },
    ]});
    json!({ "anyOf": [{ "type": "array", "items": item }, item, { "type": "null" }] })
}

fn definition(place: Place) -> Value {
    let mut properties = Map::new();
    for (key, about) in keys::of(place) {
        properties.insert((*key).to_owned(), described(value(place, key), about));
    }
    for (_, older, key) in LEGACY.iter().filter(|(at, _, _)| *at == named(place)) {
        properties
            .insert((*older).to_owned(), described(value(place, key), &format!("older spelling of `{key}`")));
    }
    if let Some((wrapper, _)) =
        DEFINITIONS.iter().find(|(name, at)| *at == place && section_of(name).is_some())
    {
        // `- resource:` with the keys of the item in the same column. Only an agreement has such keys of its own.
        properties.entry((*wrapper).to_owned()).or_insert(json!({ "type": "null" }));
    }
    for key in without_effect(place) {
        properties.insert((*key).to_owned(), json!({ "description": "has no effect" }));
    }
    json!({ "type": "object", "properties": properties, "additionalProperties": others(place) })
}

/// Algorithms and price lists have the same keys of their own.
fn named(place: Place) -> Place {
    if place == Place::Pricelist { Place::Algorithm } else { place }
}

fn without_effect(place: Place) -> &'static [&'static str] {
    match place {
        Place::Policy => &["implicitvars"],
        Place::Resource => &["descriminatorfield"],
        _ => &[],
    }
}

/// What other keys may have: those of lists are resources.
fn others(place: Place) -> Value {
    match place {
        Place::Algorithm => text(),
        Place::Pricelist => json!({ "anyOf": [number(), reference("tiered"), { "type": "null" }] }),
        _ => json!(false),
    }
}

fn value(place: Place, key: &str) -> Value {
    match (place, key) {
        (_, "effective") => reference("effective"),
        (_, "complex") => json!({ "type": ["boolean", "null"] }),
        (_, "costpolicy") => json!({ "enum": ["continuous", "onoff", "discrete", "once"] }),
        (_, "mode") => json!({ "enum": ["add", "reset", null] }),
        (_, "precision") => json!({ "type": ["integer", "string", "null"] }),
        (_, "credits" | "initial" | "max" | "threshold" | "upto" | "price") => number(),
        (Place::Policy, "constants" | "roles") => {
            json!({ "type": ["object", "null"], "additionalProperties": text() })
        }
        (Place::Policy | Place::Effective, key) if item_of(key).is_some() => {
            reference(&format!("{}-items", item_of(key).unwrap_or_default()))
        }
        (Place::Agreement, "algorithm" | "pricelist" | "creditplan") => {
            json!({ "anyOf": [{ "type": ["string", "null"] }, reference(key)] })
        }
        (Place::Effective, "except") => json!({ "type": ["array", "null"], "items": excepted() }),
        (Place::Tiered, "tiers") => json!({ "type": "array", "items": reference("tier"), "minItems": 1 }),
        _ => text(),
    }
}

fn item_of(section: &str) -> Option<&'static str> {
    DEFINITIONS.iter().map(|(name, _)| *name).find(|name| section_of(name) == Some(section))
}

/// A date or instant, or two of them.
fn excepted() -> Value {
    json!({ "anyOf": [text(), { "type": "object", "properties": { "from": text(), "to": text() }, "additionalProperties": false }] })
}

/// A text may look like a number or a truth to YAML; the language reads it by its key.
fn text() -> Value {
    json!({ "type": ["string", "number", "boolean", "null"] })
}

/// A number may have a unit, or `_` between its digits, and is text to YAML then.
fn number() -> Value {
    json!({ "type": ["number", "string", "null"] })
}

fn described(schema: Value, about: &str) -> Value {
    match schema {
        // Beside `$ref`, draft 7 reads nothing.
        Value::Object(fields) if fields.contains_key("$ref") => {
            json!({ "description": about, "allOf": [Value::Object(fields)] })
        }
        Value::Object(mut fields) => {
            fields.insert("description".to_owned(), json!(about));
            Value::Object(fields)
        }
        other => other,
    }
}
