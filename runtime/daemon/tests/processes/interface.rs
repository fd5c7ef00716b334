//! The OpenAPI documents: every path is in them, and what is answered has the shapes that they tell.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Daemon, Place, event, now};

const LINES: &str = "application/x-ndjson";

fn paths(document: &Value) -> BTreeSet<&str> {
    document["paths"].as_object().unwrap().keys().map(String::as_str).collect()
}

/// What is wrong with a value that should have a schema.
fn faults(document: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let target = document.pointer(name.strip_prefix('#').unwrap()).unwrap();
        return faults(document, target, value, place);
    }
    if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let fits = |choice| faults(document, choice, value, place).is_empty();
        let fault = || vec![format!("{place}: {value} is none of {choices:?}")];
        return if choices.iter().any(fits) { Vec::new() } else { fault() };
    }
    if let Some(all) = schema["allOf"].as_array() {
        return all.iter().flat_map(|part| faults(document, part, value, place)).collect();
    }
    let kinds = match &schema["type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return Vec::new(),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !kinds.contains(&kind) {
        return vec![format!("{place}: {value} is not of {kinds:?}")];
    }
    match value {
        Value::Array(items) => {
            let item = |(index, item)| faults(document, &schema["items"], item, &format!("{place}/{index}"));
            items.iter().enumerate().flat_map(item).collect()
        }
        Value::Object(fields) => object_faults(document, schema, fields, place),
        _ => Vec::new(),
    }
}

fn object_faults(
    document: &Value,
    schema: &Value,
    fields: &serde_json::Map<String, Value>,
    place: &str,
) -> Vec<String> {
    let mut found = Vec::new();
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            found.push(format!("{place}: `{name}` is missing"));
        }
    }
    for (name, value) in fields {
        let below = format!("{place}/{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Object(any)) => {
                found.extend(faults(document, &Value::Object(any.clone()), value, &below));
            }
            (Value::Null, _) => found.push(format!("{below} is not described")),
            (described, _) => found.extend(faults(document, described, value, &below)),
        }
    }
    found
}

fn check(daemon: &Daemon, document: &Value, path: &str, described: &str) {
    let answer = daemon.get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    let responses = &document["paths"][described]["get"]["responses"];
    let schema = &responses["200"]["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{described}: {responses}");
    let found = faults(document, schema, &answer.json(), path);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn what_is_answered_has_the_shape_that_the_document_tells() {
    let place = Place::new("");
    place.up_once();
    let daemon = place.serve();
    let start = now() - 40 * 86_400_000;
    let events = [
        event("a", "u", start, "traffic", "2"),
        event("b", "u", start + 1, "vmtime", "1"),
        event("c", "u", start + 2, "diskspace", "2.5"),
        event("d", "u", start + 3, "vmtime", "1"),
        event("e", "u", start + 3_600_000, "vmtime", "0"),
        event("f", "u", start + 4_000_000, "flowers", "1"),
        format!(
            r#"{{"id":"r","occurredMillis":{start},"clientID":"test","userID":"u","isActive":true,"role":"r","eventType":"ACTIVE","eventVersion":"1","details":{{}}}}"#
        ),
        "nonsense".to_owned(),
    ];
    assert_eq!(daemon.post("/events", LINES, events.join("\n").as_bytes()).status, 200);
    let document = daemon.get("/openapi.json").json();
    let entry = daemon.get("/user/u/wallet").json()["entries"][0]["id"].as_str().unwrap().to_owned();
    let day = jiff::Timestamp::from_millisecond(start).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
    let bill = format!("/user/u/bill/{}/{}", day.year(), day.month());
    for (path, described) in [
        ("/user/u/balance", "/user/{id}/balance"),
        ("/user/u/state", "/user/{id}/state"),
        ("/user/u/wallet", "/user/{id}/wallet"),
        ("/user/u/trace", "/user/{id}/trace"),
        (&format!("/user/u/entry/{entry}"), "/user/{id}/entry/{entry}"),
        (&bill, "/user/{id}/bill/{year}/{month}"),
        ("/users", "/users"),
        ("/quarantine", "/quarantine"),
        ("/ping", "/ping"),
        ("/healthz", "/healthz"),
        ("/readyz", "/readyz"),
    ] {
        check(&daemon, &document, path, described);
    }
}

#[test]
fn every_path_is_in_the_document_of_its_listener() {
    let place = Place::new("");
    place.up_once();
    let daemon = place.serve();
    let document = daemon.get("/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["paths"]["/events"]["post"]["tags"][0], "events");
    let public = paths(&document);
    let expected = [
        "/bills/{year}/{month}",
        "/credit-events",
        "/events",
        "/healthz",
        "/metrics",
        "/openapi.json",
        "/ping",
        "/policies",
        "/policies/simulate",
        "/quarantine",
        "/readyz",
        "/reconcile",
        "/user/{id}/authorize",
        "/user/{id}/balance",
        "/user/{id}/bill/{year}/{month}",
        "/user/{id}/entry/{entry}",
        "/user/{id}/state",
        "/user/{id}/trace",
        "/user/{id}/wallet",
        "/users",
    ];
    assert_eq!(public, BTreeSet::from(expected));
    let document = daemon.admin("GET", "/openapi.json", "", b"").json();
    let admin = paths(&document);
    assert!(admin.is_superset(&public));
    let own: BTreeSet<&str> = admin.difference(&public).copied().collect();
    let expected = [
        "/admin/components",
        "/admin/snapshot",
        "/clock",
        "/policies/{name}",
        "/quarantine/discard",
        "/quarantine/redrive",
        "/quarantine/{position}/discard",
        "/quarantine/{position}/redrive",
        "/user/{id}/agreement",
        "/user/{id}/grants",
        "/user/{id}/threshold",
    ];
    assert_eq!(own, BTreeSet::from(expected));
    for path in ["/admin/components", "/clock"] {
        assert_eq!(daemon.get(path).status, 404, "{path} is for administrators");
        assert_eq!(daemon.admin("GET", path, "", b"").status, 200, "{path}");
    }
}
