//! What administrators decide over HTTP: credits, thresholds, agreements, policies, refused input.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Answer, Daemon, POLICY, Place, event, exchange_on, message, now, text};

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";

fn served() -> (Place, Daemon) {
    let place = Place::new("");
    place.up_once();
    let daemon = place.serve();
    (place, daemon)
}

/// An order with an idempotency key.
fn order(daemon: &Daemon, method: &str, path: &str, key: &str, body: &Value) -> Answer {
    let request = message("localhost", method, path, JSON, body.to_string().as_bytes());
    let request = text(&request).replacen("\r\n", &format!("\r\nIdempotency-Key: {key}\r\n"), 1);
    exchange_on(&daemon.admin, request.as_bytes())
}

#[test]
fn a_grant_counts_once_however_often_it_is_sent() {
    let (_place, daemon) = served();
    let used = event("e", "u", now(), "traffic", "2");
    assert_eq!(daemon.post("/events", JSON, used.as_bytes()).status, 200);
    let grant = json!({ "credits": "10.125", "reason": "goodwill", "author": "ops" });
    for result in ["stored", "duplicate"] {
        let answer = order(&daemon, "POST", "/user/u/grants", "g-1", &grant).json();
        assert_eq!(answer, json!({ "id": "g-1", "result": result }));
        assert_eq!(daemon.balance("u", now()), "9.625");
    }
    let other = order(&daemon, "POST", "/user/u/grants", "g-1", &json!({ "credits": 1 }));
    assert_eq!((other.status, other.fault().0.as_str()), (409, "conflictingRequest"));
    assert_eq!(order(&daemon, "POST", "/user/u/grants", "g-2", &json!({ "credits": -0.625 })).status, 200);
    assert_eq!(daemon.balance("u", now()), "9");
    for body in
        [json!({ "credits": "ten" }), json!({ "credits": null }), json!({}), json!({ "credits": "1e400" })]
    {
        assert_eq!(order(&daemon, "POST", "/user/u/grants", "g-3", &body).fault().0, "badRequest", "{body}");
    }
    let without = daemon.admin("POST", "/user/u/grants", JSON, br#"{"credits": 1}"#);
    assert_eq!(without.status, 400, "{}", without.body);
    assert!(without.fault().1.contains("Idempotency-Key"));
    assert_eq!(daemon.post("/user/u/grants", JSON, br#"{"credits": 1}"#).status, 404, "not for everybody");
}

#[test]
fn a_user_may_have_a_threshold_and_an_agreement_of_its_own() {
    let (_place, daemon) = served();
    let used = event("e", "u", now(), "traffic", "2");
    assert_eq!(daemon.post("/events", JSON, used.as_bytes()).status, 200);
    let state = || daemon.get("/user/u/state").json();
    assert_eq!(state()["belowThreshold"], true);
    let answer = order(&daemon, "PUT", "/user/u/threshold", "t-1", &json!({ "value": "-5.5" }));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!((&state()["threshold"], &state()["belowThreshold"]), (&json!("-5.5"), &json!(false)));
    assert_eq!(order(&daemon, "PUT", "/user/u/threshold", "t-2", &json!({ "value": null })).status, 200);
    assert_eq!(state()["threshold"], "0");
    assert_eq!(
        order(&daemon, "PUT", "/user/u/agreement", "a-1", &json!({ "agreement": "gold" })).status,
        200
    );
    assert_eq!(state()["agreement"], "gold");
    assert_eq!(order(&daemon, "PUT", "/user/u/agreement", "a-2", &json!({ "agreement": null })).status, 200);
    assert_eq!(state()["agreement"], "default");
    assert_eq!(order(&daemon, "PUT", "/user/u/agreement", "a-3", &json!({})).status, 400);
}

#[test]
fn refused_input_is_read_again_or_given_up() {
    let (_place, daemon) = served();
    let old = event("old", "u", 1_320_000_000_000, "traffic", "2");
    let body = [old.as_str(), "{\"id\":\"lost\"}", "nonsense"].join("\n");
    assert_eq!(daemon.post("/events", LINES, body.as_bytes()).status, 200);
    let listed = || daemon.get("/quarantine").json()["quarantined"].as_array().unwrap().clone();
    let place = |entry: &Value| entry["position"].as_u64().unwrap();
    let first = listed();
    let decide = |path: &str| daemon.admin("POST", path, JSON, br#"{"reason": "seen", "author": "ops"}"#);
    let redriven = decide(&format!("/quarantine/{}/redrive", place(&first[0])));
    assert_eq!(redriven.json(), json!({ "position": place(&first[0]), "result": "stored" }));
    assert_eq!(daemon.balance("u", now()), "-0.5");
    assert_eq!(decide(&format!("/quarantine/{}/redrive", place(&first[1]))).fault().0, "conflictingRequest");
    assert_eq!(decide(&format!("/quarantine/{}/discard", place(&first[1]))).json()["result"], "discarded");
    assert_eq!(decide("/quarantine/999999/discard").status, 404);
    assert_eq!(decide("/quarantine/none/discard").status, 400);
    let all = decide("/quarantine/discard?reason=not-json").json();
    assert_eq!(all["handled"], json!([{ "position": place(&first[2]), "result": "discarded" }]));
    assert_eq!(listed(), Vec::<Value>::new());
}

#[test]
fn a_policy_is_tried_deployed_and_listed() {
    let place = Place::new(&event("e", "u", now() - 3_600_000, "traffic", "2"));
    place.up_once();
    let other = Place::new("");
    let dearer = POLICY.replace("traffic: 0.25", "traffic: 0.75");
    fs::write(other.path("policy.aquarium.yaml"), dearer).unwrap();
    other.up_once();
    let module = fs::read_dir(other.path("data/policies")).unwrap().next().unwrap().unwrap().path();
    let module = fs::read(module).unwrap();
    let daemon = place.serve();
    let tried = daemon.post("/policies/simulate?from=1", "application/wasm", &module).json();
    assert_eq!((&tried["usersAffected"], &tried["creditsLess"]), (&json!(1), &json!("1")), "{tried}");
    assert_eq!(daemon.balance("u", now()), "-0.5");
    let deployed = daemon.admin("PUT", "/policies/dearer?from=1&author=ops", "application/wasm", &module);
    assert_eq!(deployed.json()["from"], 1, "{}", deployed.body);
    assert_eq!(daemon.balance("u", now()), "-1.5");
    let listed = daemon.get("/policies").json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!((&listed[1]["name"], &listed[1]["inForce"]), (&json!("dearer"), &json!(true)), "{listed}");
    assert_eq!(daemon.admin("PUT", "/policies/x", "application/wasm", b"\0asm").fault().0, "badRequest");
    assert_eq!(daemon.admin("PUT", "/policies/x", JSON, b"{}").fault().0, "badMediaType");
    assert_eq!(daemon.admin("PUT", "/policies/x?from=2&to=1", "application/wasm", &module).status, 409);
}

#[test]
fn what_a_service_knows_is_compared_and_applied() {
    let (_place, daemon) = served();
    let start = now() - 7_200_000;
    let on = |id: &str, instance: &str| {
        event(id, "u", start, "vmtime", "1")
            .replace("\"instanceID\":\"1\"", &format!("\"instanceID\":\"{instance}\""))
    };
    let body = [on("a", "gone"), on("b", "there"), event("c", "u", start, "diskspace", "5")].join("\n");
    assert_eq!(daemon.post("/events", LINES, body.as_bytes()).status, 200);
    let at = start + 3_600_000;
    let inventory = json!({
        "clientID": "test", "at": at, "resources": ["diskspace", "vmtime"],
        "live": [
            { "userID": "u", "resource": "vmtime", "instanceID": "there" },
            { "userID": "v", "resource": "vmtime", "instanceID": "new" },
            { "userID": "u", "resource": "diskspace", "instanceID": "any", "amount": "7.5" },
        ],
    });
    let ask = |path: &str| daemon.post(path, JSON, inventory.to_string().as_bytes()).json();
    let compared = ask("/reconcile");
    assert_eq!(compared["openHere"][0]["instanceID"], "gone", "{compared}");
    assert_eq!(compared["liveThere"][0]["userID"], "v");
    assert_eq!(
        (&compared["differing"][0]["here"], &compared["differing"][0]["there"]),
        (&json!("5"), &json!("7.5"))
    );
    assert_eq!(compared["applied"], Value::Null);
    for result in ["stored", "duplicate"] {
        let applied = ask("/reconcile?apply");
        let results: Vec<&Value> =
            applied["applied"].as_array().unwrap().iter().map(|it| &it["result"]).collect();
        let expected = if result == "stored" { vec!["stored"; 3] } else { Vec::new() };
        assert_eq!(results, expected, "{applied}");
    }
    let nothing = ask("/reconcile");
    assert_eq!(
        (&nothing["openHere"], &nothing["liveThere"], &nothing["differing"]),
        (&json!([]), &json!([]), &json!([]))
    );
}

#[test]
fn authorization_looks_ahead_and_reserves_nothing() {
    let (_place, daemon) = served();
    let used = event("e", "u", now(), "traffic", "0");
    assert_eq!(daemon.post("/events", JSON, used.as_bytes()).status, 200);
    assert_eq!(order(&daemon, "POST", "/user/u/grants", "g", &json!({ "credits": 10 })).status, 200);
    let ask = |resource: &str, value: f64, hours: i64| {
        let plan = json!({ "resource": resource, "value": value, "durationMillis": hours * 3_600_000 });
        daemon.post("/user/u/authorize", JSON, plan.to_string().as_bytes()).json()
    };
    let yes = ask("vmtime", 1.0, 19);
    assert_eq!((&yes["authorized"], &yes["balanceThen"]), (&json!(true), &json!("0.5")), "{yes}");
    let until = yes["lastsUntil"].as_i64().unwrap() - yes["at"].as_i64().unwrap();
    // Twenty hours for half a credit each; accrual is rounded to six places, so a few milliseconds early.
    assert!((20 * 3_600_000 - 4..=20 * 3_600_000).contains(&until), "{yes}");
    let no = ask("vmtime", 1.0, 21);
    assert_eq!((&no["authorized"], &no["lastsUntil"].is_i64()), (&json!(false), &true), "{no}");
    assert_eq!(ask("traffic", 39.0, 0)["authorized"], true);
    assert_eq!(ask("traffic", 40.0, 0)["authorized"], false, "at the threshold is out of credits");
    assert_eq!(daemon.balance("u", now()), "10");
}

#[test]
fn fields_without_their_names_are_refused() {
    let place = Place::new("");
    place.up_once();
    let daemon = place.serve();
    let instances = r#"{"at": 1, "instances": [["vmtime", "1"]]}"#;
    for (path, body) in [("/quarantine/discard", "[]"), ("/clock", "[1]"), ("/reconcile", instances)] {
        let answer = daemon.admin("POST", path, "application/json", body.as_bytes());
        assert_eq!(answer.status, 400, "{path}: {}", answer.body);
    }
    assert_eq!(daemon.admin("POST", "/quarantine/discard", "application/json", b"{}").status, 200);
}
