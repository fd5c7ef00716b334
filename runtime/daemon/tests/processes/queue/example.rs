//! The example of a service around the daemon: `examples/machines`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::client::Client;
use super::proxy::Proxy;
use super::rabbit::{self, rabbit};
use super::{Names, usage};
use crate::support::{Place, event, eventually, now, run, text};

const HOUR: i64 = 3_600_000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A program of the example.
fn program(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(root().join("target/tools/python/bin/python"));
    command.arg(root().join("examples/machines").join(name)).args(arguments).stdout(Stdio::piped());
    command
}

fn produce(arguments: &[&str], events: &[String]) -> Child {
    let mut producer = program("producer.py", arguments).stdin(Stdio::piped()).spawn().unwrap();
    producer.stdin.take().unwrap().write_all(events.join("\n").as_bytes()).unwrap();
    producer
}

fn printed(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout)
}

#[test]
fn machines_are_stopped_when_credits_are_used_up_whatever_breaks_on_the_way() {
    let _whole = rabbit::with_others();
    let place = Place::new("");
    place.up_once();
    assert!(run(&["grant", "u", "10", "--data", &place.text("data")]).status.success());
    let names = Names::new("machines");
    let (port, route, crm) = (rabbit().port, names.route(), format!("{}-credit", names.queue));
    let daemon = place.serve_with(&format!(
        "brokers: [{{ name: main, urls: ['amqp://127.0.0.1:{port}'], sources: ['{route}'] }}]\n\
         credit_events: {{ queues: [{{ name: crm, broker: main, to: '{crm}:credit:{crm}' }}] }}"
    ));
    let client = Client::connect(port).unwrap();
    super::connected(&daemon, &names);
    let mut events = usage("machines", 0, 1_200, now() - HOUR);
    let over_http = produce(&["--http", &format!("http://{}", daemon.address)], &events);
    assert_eq!(printed(over_http), "1200 events are confirmed\n");
    let url = format!("amqp://127.0.0.1:{port}");
    let state = place.text("machines.json");
    let consume = || {
        let arguments = ["--amqp", &url, "--queue", &crm, "--state", &state, "--idle", "1"];
        printed(program("consumer.py", &arguments).spawn().unwrap())
    };
    eventually("the machines run", || consume().contains("start the machines of u\n"));
    // The first connections end before anything is confirmed.
    let proxy = Proxy::to(port);
    proxy.cut_after(600);
    events.extend([event("much", "u", now(), "traffic", "100")]);
    let through = format!("amqp://127.0.0.1:{}", proxy.port);
    let by_message =
        produce(&["--amqp", &through, "--exchange", &names.exchange, "--key", "events.machines"], &events);
    eventually("several attempts", || proxy.connections() >= 3);
    proxy.cut_after(usize::MAX);
    assert_eq!(printed(by_message), "1201 events are confirmed\n");
    eventually("the machines stand", || consume().contains("stop the machines of u\n"));
    assert_eq!(consume(), "");
    let known: serde_json::Value = serde_json::from_slice(&fs::read(&state).unwrap()).unwrap();
    assert_eq!(known["u"], serde_json::json!({"sequence": 2, "running": false}));
    eventually("all are taken", || client.waiting(&names.queue) == 0);
    let at = now();
    let of_user = |event: &String| event.contains("machines-user");
    assert!(daemon.balance("u", at) == "-15", "{}", daemon.balance("u", at));
    let others: Vec<String> = events.iter().filter(|event| of_user(event)).cloned().collect();
    let expected = crate::support::offline(&others.join("\n"), at);
    for (user, report) in &expected.users {
        assert_eq!(daemon.balance(user, at), report.balance.to_string(), "{user}");
    }
    assert!(daemon.terminate());
    assert_eq!(super::ids(&place.exported()).values().sum::<usize>(), events.len());
}
