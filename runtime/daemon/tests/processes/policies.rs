//! Policies come and go while the daemon runs: by command, from the watched directory, into the past.

use std::fs;

use aquarium_compiler::emit::{EmitOptions, emit};
use aquarium_compiler::{SourceFile, analyze};

use crate::support::{Daemon, POLICY, Place, event, eventually, now, run, text};

const JSON: &str = "application/json";
const HOUR: i64 = 3_600_000;

/// The module of a policy.
pub fn module(source: &str) -> Vec<u8> {
    let file = SourceFile { path: "policy.aquarium.yaml".to_owned(), bytes: source.as_bytes().to_vec() };
    emit(&analyze(vec![file]).into_policy().unwrap(), EmitOptions::default()).unwrap()
}

/// The policy with another price of traffic.
fn priced(price: &str) -> String {
    POLICY.replace("traffic: 0.25", &format!("traffic: {price}"))
}

struct Modules(Place);

impl Modules {
    /// A place with the modules `cheap.wasm` (0.25) and `dear.wasm` (0.75).
    fn new() -> Self {
        let place = Place::new("");
        fs::write(place.path("cheap.wasm"), module(&priced("0.25"))).unwrap();
        fs::write(place.path("dear.wasm"), module(&priced("0.75"))).unwrap();
        Self(place)
    }

    fn policy(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let data = self.0.text("data");
        let output = run(&[&["policy"], arguments, &["--data", &data]].concat());
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    fn deploy(&self, name: &str, arguments: &[&str]) -> String {
        let module = self.0.text(name);
        let (code, said, complained) = self.policy(&[&["deploy", &module][..], arguments].concat());
        assert_eq!(code, Some(0), "{complained}");
        said
    }

    fn refuses(&self, name: &str, arguments: &[&str]) -> String {
        let module = self.0.text(name);
        let (code, said, complained) = self.policy(&[&["deploy", &module][..], arguments].concat());
        assert_eq!(code, Some(1), "{said}");
        complained
    }
}

fn send(daemon: &Daemon, id: &str, occurred: i64) {
    let answer = daemon.post("/events", JSON, event(id, "u", occurred, "traffic", "4").as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[test]
fn versions_hold_over_their_spans_and_are_listed() {
    let modules = Modules::new();
    let start = now() - 10 * HOUR;
    modules.deploy("cheap.wasm", &["--name", "first"]);
    let from = (start + HOUR).to_string();
    let to = (start + 2 * HOUR).to_string();
    let said = modules.deploy("dear.wasm", &["--from", &from, "--to", &to, "--id", "d", "--author", "ops"]);
    assert!(said.starts_with("deployed: d, module "), "{said}");
    let again = modules.deploy("dear.wasm", &["--from", &from, "--to", &to, "--id", "d"]);
    assert!(again.starts_with("deployed before: d, module "), "{again}");
    let said = modules.refuses("cheap.wasm", &["--id", "d"]);
    assert!(said.contains("used before for something else"), "{said}");
    let (_, list, _) = modules.policy(&["list"]);
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 2, "{list}");
    assert!(lines[0].starts_with("* deployment-1") && lines[0].ends_with(" always first"), "{list}");
    assert!(
        lines[1].starts_with("  d ") && lines[1].contains(" from ") && lines[1].contains(" to "),
        "{list}"
    );
    let daemon = modules.0.serve();
    for (id, offset) in [("before", HOUR / 2), ("within", HOUR), ("after", 2 * HOUR)] {
        send(&daemon, id, start + offset);
    }
    let balances = [HOUR / 2, HOUR, 2 * HOUR].map(|offset| daemon.balance("u", start + offset));
    assert_eq!(balances, ["-1", "-4", "-5"]);
}

#[test]
fn a_deployment_that_contradicts_others_is_refused_with_the_reason() {
    let modules = Modules::new();
    modules.deploy("cheap.wasm", &[]);
    let changed = POLICY.replace("costpolicy: onoff", "costpolicy: discrete");
    fs::write(modules.0.path("changed.wasm"), module(&changed)).unwrap();
    assert!(modules.refuses("changed.wasm", &[]).contains("the costpolicy of resource `vmtime` was `onoff`"));
    fs::write(modules.0.path("unit.wasm"), module(&POLICY.replace("unit: MB\n", "unit: GB\n"))).unwrap();
    assert!(modules.refuses("unit.wasm", &[]).contains("the unit of resource `traffic` was `MB`"));
    fs::write(modules.0.path("broken.wasm"), "no module").unwrap();
    assert!(modules.refuses("broken.wasm", &[]).contains("cannot be used"));
    assert!(modules.refuses("nowhere.wasm", &[]).contains("cannot be read"));
    assert!(modules.refuses("dear.wasm", &["--from", "3", "--to", "2"]).contains("not after its start"));
    assert!(modules.refuses("dear.wasm", &["--from", "noon"]).contains("`--from`"));
    let (_, list, _) = modules.policy(&["list"]);
    assert_eq!(list.lines().count(), 1, "{list}");
}

#[test]
fn a_version_scheduled_for_later_is_hidden_only_by_who_says_so() {
    let modules = Modules::new();
    modules.deploy("cheap.wasm", &[]);
    let later = (now() + 100 * HOUR).to_string();
    modules.deploy("dear.wasm", &["--from", &later]);
    let said = modules.refuses("cheap.wasm", &[]);
    assert!(said.contains("would be hidden: say which of the two is meant"), "{said}");
    modules.deploy("cheap.wasm", &["--scheduled", "keep"]);
    let exported = modules.0.exported();
    assert_eq!(exported.last().unwrap()["to"].to_string(), later);
    modules.deploy("cheap.wasm", &["--scheduled", "replace"]);
    assert!(modules.0.exported().last().unwrap()["to"].is_null());
}

#[test]
fn the_impact_of_a_deployment_into_the_past_is_told_and_changes_nothing() {
    let modules = Modules::new();
    modules.deploy("cheap.wasm", &[]);
    let start = now() - 10 * HOUR;
    let daemon = modules.0.serve();
    send(&daemon, "early", start);
    send(&daemon, "late", start + 2 * HOUR);
    assert!(daemon.terminate());
    let from = (start + HOUR).to_string();
    let said = modules.deploy("dear.wasm", &["--from", &from, "--dry-run"]);
    assert!(said.contains("1 of 1 users are affected: balances fall by 2 and rise by 0 credits"), "{said}");
    assert!(said.contains("u: -2 -> -4"), "{said}");
    assert_eq!(modules.0.serve().balance("u", now()), "-2");
    modules.deploy("dear.wasm", &["--from", &from]);
    let daemon = modules.0.serve();
    eventually("the balance by the new version", || daemon.balance("u", now()) == "-4");
}

#[test]
fn a_policy_that_is_put_into_the_watched_directory_is_deployed_once() {
    let modules = Modules::new();
    modules.deploy("cheap.wasm", &[]);
    let watched = modules.0.path("watched");
    fs::create_dir(&watched).unwrap();
    let configuration = modules.0.path("aquarium.yaml");
    fs::write(&configuration, format!("policies: {{ watch: '{}' }}\n", watched.display())).unwrap();
    let serve = || {
        let (data, configuration) = (modules.0.text("data"), configuration.to_str().unwrap().to_owned());
        Daemon::start(&["serve", "--data", &data, "--listen", "127.0.0.1:0", "--config", &configuration])
    };
    let daemon = serve();
    fs::write(watched.join("broken.wasm"), "no module").unwrap();
    fs::copy(modules.0.path("dear.wasm"), watched.join("dear.wasm")).unwrap();
    let deployed = || {
        let exported = modules.0.exported();
        exported.iter().filter(|line| line["recordType"] == "deployment").count()
    };
    eventually("the deployment", || deployed() == 2);
    send(&daemon, "new", now());
    eventually("the new price", || daemon.balance("u", now()) == "-3");
    assert!(daemon.terminate());
    let daemon = serve();
    fs::copy(modules.0.path("cheap.wasm"), watched.join("cheap.wasm")).unwrap();
    fs::write(watched.join("third.wasm"), module(&priced("1"))).unwrap();
    eventually("the third", || deployed() == 3);
    drop(daemon);
    let exported = modules.0.exported();
    let last = exported.iter().rfind(|line| line["recordType"] == "deployment").unwrap();
    assert_eq!((&last["name"], &last["author"]), (&"third".into(), &"watched directory".into()));
}
