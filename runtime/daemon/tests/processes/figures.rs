//! What is answered over HTTP and what the fold alone comes to, offline, are the same to the last digit.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aquarium_charging::simulate::{Entries, Line, Options, Report, simulate};
use aquarium_charging::{Deployments, Interpreter, Version};
use aquarium_compiler::{SourceFile, analyze};
use aquarium_ir::Millis;
use aquarium_ir::time::Month;
use serde_json::Value;

use crate::support::{Daemon, now};

fn quickstart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/quickstart")
}

/// The quickstart, charged by the interpreter, as the module of a deployment.
fn offline(module: &str, at: i64, month: Option<Month>, explain: Option<&str>) -> Report {
    let read = |name: &str| std::fs::read(quickstart().join(name)).unwrap();
    let file = SourceFile { path: "policy.aquarium.yaml".to_owned(), bytes: read("policy.aquarium.yaml") };
    let policy = Arc::new(analyze(vec![file]).into_policy().unwrap());
    let version = Version::new(policy.clone(), module, Arc::new(Interpreter(policy)));
    let events = read("events.ndjson");
    let lines = events.split(|byte| *byte == b'\n').zip(1..);
    let lines = lines.map(|(bytes, number)| Line { file: "events.ndjson", number, bytes });
    let options = Options { at: Some(Millis(at)), bills: month, explain, ..Options::default() };
    simulate(&Deployments::single(version), lines, &options)
}

/// All entries of a user, page by page.
fn wallet(daemon: &Daemon, user: &str) -> Vec<Value> {
    let (mut entries, mut after) = (Vec::new(), String::new());
    loop {
        let page = daemon.get(&format!("/user/{user}/wallet?limit=100{after}")).json();
        entries.extend(page["entries"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return entries,
        }
    }
}

#[test]
fn balances_wallets_bills_and_derivations_are_those_of_the_fold_alone() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().join("data").to_str().unwrap().to_owned();
    let directory = quickstart().to_str().unwrap().to_owned();
    let daemon = Daemon::start(&["up", &directory, "--data", &data, "--listen", "127.0.0.1:0"]);
    let first = daemon.get("/user/1040/wallet?limit=1").json();
    let module = first["entries"][0]["module"].as_str().unwrap().to_owned();
    let middle = 1_323_000_000_000;
    let earlier = offline(&module, middle, None, None);
    for (user, report) in &earlier.users {
        assert_eq!(daemon.balance(user, middle), report.balance.to_string(), "{user}");
    }
    let month = Month { year: 2011, month: 12 };
    let report = offline(&module, now(), Some(month), None);
    assert!(report.users.len() > 30);
    for (user, figures) in &report.users {
        let state = daemon.get(&format!("/user/{user}/state")).json();
        for (name, expected) in
            [("balance", figures.balance), ("charged", figures.charged), ("refilled", figures.refilled)]
        {
            assert_eq!(state[name], expected.to_string(), "{name} of {user}");
        }
        let Entries::List(entries) = &figures.entries else { panic!("no entries") };
        assert_eq!(wallet(&daemon, user), *serde_json::to_value(entries).unwrap().as_array().unwrap());
        let bill = serde_json::to_value(&report.bills.as_ref().unwrap()[user]).unwrap();
        assert_eq!(daemon.get(&format!("/user/{user}/bill/2011/12")).json(), bill);
        let steps = daemon.get(&format!("/user/{user}/trace?limit=10000")).json();
        let traced = steps["steps"].as_array().unwrap();
        let traced: Vec<&Value> =
            traced.iter().flat_map(|step| step["entries"].as_array().unwrap()).collect();
        assert_eq!(traced.len(), entries.len(), "{user}");
        assert_eq!(
            traced.last().map(|entry| &entry["id"]),
            entries.last().map(|it| Value::from(&*it.id)).as_ref()
        );
    }
    let bills = daemon.get("/bills/2011/12").body;
    let bills: Vec<Value> = bills.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected: Vec<Value> =
        report.bills.unwrap().values().map(|bill| serde_json::to_value(bill).unwrap()).collect();
    assert_eq!(bills, expected);
    let id = wallet(&daemon, "1040")[7]["id"].as_str().unwrap().to_owned();
    let explained = offline(&module, now(), None, Some(&id)).explained.unwrap();
    let explained = serde_json::to_value(explained).unwrap();
    assert_eq!(daemon.get(&format!("/user/1040/entry/{id}")).json(), explained);
}
