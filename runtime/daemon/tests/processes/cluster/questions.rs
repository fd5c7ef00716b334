//! Any node answers any question.

use std::fs;

use serde_json::Value;

use super::load::{USERS, answered, under_load, user};
use super::nodes::Nodes;
use crate::policies::module;
use crate::servers::postgres::postgres;
use crate::support::{Answer, Daemon, POLICY, event, eventually, message, now, send, text};

const LINES: &str = "application/x-ndjson";

/// Nodes that show each other a secret.
fn trusting(count: usize) -> Nodes {
    let mut nodes = Nodes::new(postgres());
    fs::write(nodes.place.path("secret"), "between us\n").unwrap();
    let settings = format!(", secret_file: '{}' }}", nodes.place.text("secret"));
    let url = nodes.url();
    (1..=count).for_each(|number| nodes.start_with(number, &url, &settings, &[]));
    nodes.settle(count);
    nodes
}

/// What every node answers: the same.
fn same(nodes: &Nodes, ask: impl Fn(&Daemon) -> String) -> String {
    let mut answers: Vec<String> = nodes.running().map(|(_, node)| ask(node)).collect();
    let first = answers.remove(0);
    answers.iter().for_each(|answer| assert_eq!(*answer, first));
    first
}

/// What a list holds once so much of it is there: lists say up to when they stand, and do not wait.
fn listed(node: &Daemon, path: &str, name: &str, (what, count): (&str, usize)) -> String {
    let mut found = String::new();
    eventually("everything is listed", || {
        found = answered(node, path)[name].to_string();
        found.matches(what).count() == count
    });
    found
}

#[test]
fn lists_of_all_users_are_whole_on_every_node() {
    let mut nodes = trusting(3);
    let (mut acknowledged, load) = under_load(&nodes);
    load.wait_for(USERS * 20);
    load.end(&mut acknowledged);
    let unknown: Vec<String> =
        (0..USERS).map(|number| event(&format!("x{number}"), &user(number), now(), "nosuch", "1")).collect();
    assert_eq!(nodes.node(2).post("/events", LINES, unknown.join("\n").as_bytes()).status, 200);

    same(&nodes, |node| listed(node, "/users", "users", ("user-", USERS)));
    let page =
        same(&nodes, |node| listed(node, "/users?query=2&limit=2&after=user-12", "users", ("user-2", 2)));
    assert_eq!(page, r#"["user-2","user-20"]"#);
    same(&nodes, |node| listed(node, "/quarantine?stage=fold", "quarantined", ("unknown-resource", USERS)));
    for form in ["ndjson", "csv"] {
        let bills = same(&nodes, |node| {
            let bills = node.get(&format!("/bills/{}?format={form}", month(now())));
            assert_eq!(bills.status, 200, "{}", bills.body);
            // What accrues meanwhile differs.
            let users = bills.body.lines().filter_map(|line| line.split_once("user-"));
            users.map(|(_, rest)| rest.chars().take(2).collect::<String>()).collect()
        });
        assert!(bills.len() >= USERS, "{bills}");
    }
    let inventory = r#"{"clientID":"test","resources":["vmtime","diskspace"],"live":[],"at":AT}"#;
    let inventory = inventory.replace("AT", &now().to_string());
    let open = same(&nodes, |node| {
        let compared = node.post("/reconcile", "application/json", inventory.as_bytes());
        assert_eq!(compared.status, 200, "{}", compared.body);
        compared.json()["openHere"].to_string()
    });
    assert!(open.matches("diskspace").count() > USERS / 2, "{open}");
    for (number, node) in nodes.running() {
        for user in (0..USERS).map(user) {
            let page = node.admin("GET", &format!("/console/user?id={user}"), "", b"");
            assert_eq!(page.status, 200, "{user} by node {number}: {}", page.body);
            assert!(
                page.body.contains(&user) && page.head.contains("content-security-policy"),
                "{}",
                page.head
            );
        }
        let page = node.admin("GET", "/console", "", b"");
        assert!(page.body.contains(&user(0)), "{}", page.body);
    }
    nodes.terminate_all();
}

/// Year and month of an instant, as paths have them.
fn month(at: i64) -> String {
    let date = std::process::Command::new("date")
        .args(["-u", "-d", &format!("@{}", at / 1_000), "+%Y/%-m"])
        .output()
        .unwrap();
    text(&date.stdout).trim().to_owned()
}

#[test]
fn what_is_deployed_at_one_node_is_charged_by_at_all_of_them() {
    let mut nodes = trusting(2);
    let dearer = module(&POLICY.replace("traffic: 0.25", "traffic: 4"));
    let deployed = nodes.node(1).admin("PUT", "/policies/dearer", "application/wasm", &dearer);
    assert!(deployed.status < 300, "{}", deployed.body);
    let occurred = now() + 1;
    let lines: Vec<String> = (0..USERS)
        .map(|number| event(&number.to_string(), &user(number), occurred, "traffic", "1"))
        .collect();
    assert_eq!(nodes.node(2).post("/events", LINES, lines.join("\n").as_bytes()).status, 200);
    for (_, node) in nodes.running() {
        for user in (0..USERS).map(user) {
            let balance = answered(node, &format!("/user/{user}/balance?at={occurred}"));
            assert_eq!(balance["balance"], "-4", "{user}");
        }
    }
    nodes.terminate_all();
}

#[test]
fn who_does_not_know_the_secret_is_no_node() {
    let mut nodes = trusting(1);
    let url = nodes.url();
    nodes.start_with(2, &url, " }", &[]);
    nodes.settle(2);
    let pretended = |secret: &str| {
        let address = &nodes.node(1).address;
        let asked = message(address, "GET", "/admin/components", "", b"");
        let headers = format!("\r\nAquarium-Node: x\r\nAquarium-Secret: {secret}\r\n");
        send(address, text(&asked).replacen("\r\n", &headers, 1).as_bytes()).unwrap()
    };
    assert_eq!(pretended("between us").status, 200);
    let refused: Answer = pretended("guessed");
    assert_eq!((refused.status, refused.fault().0.as_str()), (403, "forbidden"));
    assert_eq!(nodes.node(1).get("/admin/components").status, 404);
    // The other way round nodes without a secret answer what everybody may ask.
    let lines: Vec<String> =
        (0..USERS).map(|number| event(&number.to_string(), &user(number), now(), "traffic", "1")).collect();
    assert_eq!(nodes.node(1).post("/events", LINES, lines.join("\n").as_bytes()).status, 200);
    let said = |node: &Daemon| -> Vec<Value> {
        let asked = (0..USERS).map(|number| node.get(&format!("/user/{}/balance", user(number))));
        asked.filter(|answer| answer.status != 200).map(|answer| answer.json()).collect()
    };
    eventually("node 1 is answered for all", || said(nodes.node(1)).is_empty());
    let refused = said(nodes.node(2));
    assert!(
        !refused.is_empty() && refused.iter().all(|fault| fault.to_string().contains("secret")),
        "{refused:?}"
    );
    nodes.terminate_all();
}
