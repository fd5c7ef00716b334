//! Messages as texts: what they read as, or why they are refused.

use super::*;

const RECEIVED: Millis = Millis(1_321_020_900_000);

const IMPORT: Source =
    Source { received: RECEIVED, keeps_received: true, writes_records: true, plausible: None };

fn live() -> Source {
    let plausible = Some(Plausible::default());
    Source { received: RECEIVED, keeps_received: false, writes_records: false, plausible }
}

const RESOURCE: &str = r#"{"id":"a","occurredMillis":1321020852000,"receivedMillis":5,"clientID":"c",
    "userID":"u","resource":"vmtime","instanceID":"vm","eventVersion":"1.0","value":0.3,
    "details":{"keyA":"1","keyB":"2"}}"#;

const USER: &str = r#"{"id":"a","occurredMillis":1321020852000,"clientID":"c","userID":"u","isActive":"true",
    "role":"STUDENT","eventVersion":"1","eventType":"ACTIVE","details":{}}"#;

fn reason_of(text: &str, source: &Source) -> &'static str {
    read(text.as_bytes(), source).map_or_else(|refusal| refusal.reason.as_str(), |_| "accepted")
}

/// The guide's event with one piece of text put in place of another.
fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

#[test]
fn the_two_events_of_the_guide_are_read() {
    let message = read(RESOURCE.as_bytes(), &live()).unwrap();
    assert_eq!(message.record.received, RECEIVED);
    let usage = Usage { resource: "vmtime".into(), instance: "vm".into(), value: 300_000_000 };
    assert_eq!(message.record.body, Body::Resource(usage));
    assert!(matches!(message.record.id, Cow::Borrowed("a")));
    let message = read(USER.as_bytes(), &live()).unwrap();
    let Body::User(event) = &message.record.body else { panic!("a user event") };
    assert!(event.active());
    assert_eq!(event.role, "STUDENT");
}

#[test]
fn imports_keep_the_receipt_time_that_is_given() {
    assert_eq!(read(RESOURCE.as_bytes(), &IMPORT).unwrap().record.received, Millis(5));
    assert_eq!(read(USER.as_bytes(), &IMPORT).unwrap().record.received, RECEIVED);
}

#[test]
fn changed_resource_events_are_refused_with_their_reason() {
    for (from, to, reason) in [
        ("0.3", "1e400", "bad-type"),
        ("0.3", "\"NaN\"", "bad-type"),
        ("0.3", "NaN", "not-json"),
        ("0.3", "123456789012345678901234567890", "bad-type"),
        ("0.3", "-0", "accepted"),
        ("0.3", "1e3", "accepted"),
        ("0.3", "\"1\"", "bad-type"),
        ("0.3", "null", "bad-type"),
        ("1321020852000", "0", "bad-type"),
        ("1321020852000", "1321020852000.5", "bad-type"),
        ("1321020852000", "\"1321020852000\"", "bad-type"),
        ("1321020852000", "253402300800000", "bad-type"),
        ("1321020852000", "253402300799999", "accepted"),
        ("\"1.0\"", "\"1\"", "bad-version"),
        ("\"1.0\"", "\"2.0\"", "bad-version"),
        ("\"c\"", "\"aquarium\"", "reserved-client"),
        ("\"c\"", "\"\"", "bad-type"),
        ("\"vm\"", "17", "accepted"),
        ("\"u\"", "17", "accepted"),
        ("\"u\"", "true", "bad-type"),
        ("\"instanceID\"", "\"instance-id\"", "accepted"),
        ("\"instanceID\"", "\"instance\"", "missing-field"),
        ("\"userID\"", "\"userId\"", "accepted"),
        ("\"clientID\"", "\"clientId\"", "accepted"),
        ("occurredMillis", "occuredMillis", "accepted"),
        ("{\"keyA\":\"1\",\"keyB\":\"2\"}", "[]", "bad-type"),
        ("\"details\"", "\"detail\"", "missing-field"),
        ("\"resource\"", "\"resources\"", "missing-field"),
        ("\"value\"", "\"more\":[{}],\"value\"", "accepted"),
        ("\"value\"", "\"id\":\"b\",\"value\"", "bad-type"),
        ("{\"id\"", "[{\"id\"", "not-json"),
        ("1321020852000", "null", "bad-type"),
    ] {
        assert_eq!(reason_of(&changed(RESOURCE, from, to), &IMPORT), reason, "{from} to {to}");
    }
}

#[test]
fn changed_user_events_are_refused_with_their_reason() {
    for (from, to, reason) in [
        ("\"true\"", "true", "accepted"),
        ("\"true\"", "\"false\"", "accepted"),
        ("\"true\"", "1", "bad-type"),
        ("\"1\"", "\"1.0\"", "accepted"),
        ("\"1\"", "\"1.1\"", "bad-version"),
        ("ACTIVE", "GONE", "bad-type"),
        ("\"role\"", "\"rule\"", "missing-field"),
        ("\"eventType\"", "\"type\"", "missing-field"),
    ] {
        assert_eq!(reason_of(&changed(USER, from, to), &IMPORT), reason, "{from} to {to}");
    }
}

#[test]
fn identifiers_have_their_limits() {
    let id = |length| changed(RESOURCE, "\"a\"", &format!("\"{}\"", "x".repeat(length)));
    assert_eq!(reason_of(&id(128), &IMPORT), "accepted");
    assert_eq!(reason_of(&id(129), &IMPORT), "bad-type");
    assert_eq!(reason_of(&id(65_536), &IMPORT), "bad-type");
}

#[test]
fn what_is_no_json_object_is_refused() {
    for (bytes, reason) in [
        (&b""[..], "not-json"),
        (b"{", "not-json"),
        (b"{} {}", "not-json"),
        (b"\xff\xfe", "not-json"),
        (b"42", "bad-type"),
        (b"[]", "bad-type"),
        (b"{}", "missing-field"),
    ] {
        assert_eq!(read(bytes, &IMPORT).unwrap_err().reason.as_str(), reason);
    }
}

#[test]
fn an_implausible_time_is_refused_on_receipt_only_and_seconds_are_recognised() {
    let seconds = changed(RESOURCE, "1321020852000", "1321020852");
    assert_eq!(reason_of(&seconds, &IMPORT), "accepted");
    let refusal = read(seconds.as_bytes(), &live()).unwrap_err();
    assert_eq!(refusal.reason, Reason::ImplausibleTime);
    assert!(refusal.message.contains("seconds"), "{refusal}");
    let ahead = |millis| changed(RESOURCE, "1321020852000", &format!("{}", RECEIVED.0 + millis));
    assert_eq!(reason_of(&ahead(EVENT_AHEAD_MAX_MILLIS), &live()), "accepted");
    assert_eq!(reason_of(&ahead(EVENT_AHEAD_MAX_MILLIS + 1), &live()), "implausible-time");
    assert_eq!(reason_of(&ahead(-EVENT_AGE_MAX_MILLIS), &live()), "accepted");
    assert_eq!(reason_of(&ahead(-EVENT_AGE_MAX_MILLIS - 1), &live()), "implausible-time");
}

#[test]
fn records_of_the_runtime_come_from_event_files_only() {
    for (fields, reason) in [
        (r#""recordType":"grant","userID":"u","credits":-1.5,"reason":"r","author":"a""#, "accepted"),
        (r#""recordType":"grant","userID":"u""#, "missing-field"),
        (r#""recordType":"threshold","userID":"u","value":null"#, "accepted"),
        (r#""recordType":"threshold","userID":"u","value":-10"#, "accepted"),
        (r#""recordType":"assign","userID":"u","agreement":null"#, "accepted"),
        (r#""recordType":"assign","userID":"u","agreement":"big""#, "accepted"),
        (r#""recordType":"assign","userID":"u""#, "missing-field"),
        (r#""recordType":"deployment","module":"00ff","from":1000"#, "accepted"),
        (r#""recordType":"tick","partition":3,"instant":1000"#, "accepted"),
        (r#""recordType":"tick","partition":-3,"instant":1000"#, "bad-type"),
        (r#""recordType":"discard","event":{},"reason":"r","author":"a""#, "accepted"),
        (r#""recordType":"tock""#, "bad-type"),
    ] {
        let text = format!(r#"{{"id":"g","clientID":"aquarium",{fields}}}"#);
        assert_eq!(reason_of(&text, &IMPORT), reason, "{text}");
        assert_eq!(reason_of(&text, &live()), "reserved-client");
    }
}

#[test]
fn records_of_the_runtime_happen_when_they_are_received_or_at_their_own_instant() {
    let occurred = |fields: &str| {
        let text = format!(r#"{{"id":"g","clientID":"aquarium",{fields}}}"#);
        read(text.as_bytes(), &IMPORT).unwrap().record.occurred
    };
    assert_eq!(occurred(r#""recordType":"grant","userID":"u","credits":1"#), RECEIVED);
    assert_eq!(occurred(r#""recordType":"deployment","module":"ff","from":1000"#), Millis(1000));
    assert_eq!(occurred(r#""recordType":"tick","partition":3,"instant":2000"#), Millis(2000));
}

#[test]
fn content_is_what_the_fields_say_and_not_how_they_are_written() {
    let base = read(RESOURCE.as_bytes(), &IMPORT).unwrap().content();
    for (from, to, same) in [
        ("0.3", "3e-1", true),
        ("0.3", "0.30", true),
        ("0.3", "0.31", false),
        ("\"receivedMillis\":5", "\"receivedMillis\":6", true),
        ("\"receivedMillis\":5", "\"other\":5", true),
        ("\"keyA\":\"1\",\"keyB\":\"2\"", "\"keyB\":\"2\",\"keyA\":\"\\u0031\"", true),
        ("\"keyA\":\"1\"", "\"keyA\":\"3\"", false),
        ("\"vmtime\"", "\"vmtim\\u0065\"", true),
        ("\"vm\"", "\"vm2\"", false),
        ("1321020852000", "1321020852001", false),
    ] {
        let text = changed(RESOURCE, from, to);
        let message = read(text.as_bytes(), &IMPORT).unwrap();
        assert_eq!(message.content() == base, same, "{from} to {to}");
        assert_eq!(message.key(), read(RESOURCE.as_bytes(), &IMPORT).unwrap().key());
    }
}

#[test]
fn identity_is_kind_client_user_and_id() {
    let base = read(RESOURCE.as_bytes(), &IMPORT).unwrap().key();
    for (from, to) in [("\"a\"", "\"b\""), ("\"c\"", "\"d\""), ("\"u\"", "\"v\"")] {
        let text = changed(RESOURCE, from, to);
        assert_ne!(read(text.as_bytes(), &IMPORT).unwrap().key(), base);
    }
    assert_ne!(read(USER.as_bytes(), &IMPORT).unwrap().key(), base);
}
