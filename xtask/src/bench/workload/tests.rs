#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{Size, Workload};

const ALL: [Workload; 4] = [Workload::Paper, Workload::Cloud, Workload::Meter, Workload::Idle];

const SIZE: Size = Size { seed: 7, events: 20_000, users: 500, ends: 1_700_000_000_000 };

fn bytes(workload: Workload, seed: u64) -> Vec<Vec<u8>> {
    workload.events(Size { seed, ..SIZE }).map(|(_, line)| line).collect()
}

fn fields(workload: Workload) -> Vec<Value> {
    bytes(workload, 7).iter().map(|line| serde_json::from_slice(line).unwrap()).collect()
}

fn share(part: usize, all: usize) -> f64 {
    part as f64 / all as f64
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    for workload in ALL {
        assert_eq!(bytes(workload, 7), bytes(workload, 7));
        assert_ne!(bytes(workload, 7), bytes(workload, 8));
    }
}

#[test]
fn one_percent_of_the_clouds_events_arrive_twice_and_one_percent_late() {
    let events = fields(Workload::Cloud);
    let ids: HashSet<&str> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 20_000);
    let twice = share(events.len() - ids.len(), ids.len());
    assert!((0.005..0.015).contains(&twice), "{twice}");
    let (mut newest, mut seen) = (0, HashSet::new());
    let late = events.iter().filter(|event| {
        let at = event["occurredMillis"].as_i64().unwrap();
        let is_late = seen.insert(event["id"].as_str().unwrap()) && at < newest;
        newest = newest.max(at);
        is_late
    });
    let late = share(late.count(), ids.len());
    assert!((0.005..0.015).contains(&late), "{late}");
    let resources: HashSet<&str> = events.iter().map(|event| event["resource"].as_str().unwrap()).collect();
    assert_eq!(resources.len(), 20);
}

#[test]
fn half_of_the_meters_events_are_about_one_user() {
    let events = fields(Workload::Meter);
    let hot = share(events.iter().filter(|event| event["userID"] == "user-0").count(), events.len());
    assert!((0.48..0.52).contains(&hot), "{hot}");
}

#[test]
fn idle_users_have_two_open_instances_each() {
    let events = fields(Workload::Idle);
    assert_eq!(events.len(), 1_000);
    assert!(events.iter().all(|event| event["value"].to_string().parse::<f64>().unwrap() > 0.0));
}

#[test]
fn what_is_switched_alternates_and_what_is_held_stays_above_zero() {
    let mut states: HashMap<String, f64> = HashMap::new();
    for event in fields(Workload::Paper) {
        let resource = event["resource"].as_str().unwrap();
        if !["vmtime", "diskspace"].contains(&resource) {
            continue;
        }
        let value: f64 = event["value"].to_string().parse().unwrap();
        let state =
            states.entry(format!("{}{}{}", event["userID"], resource, event["instanceID"])).or_default();
        if resource == "vmtime" {
            assert!((*state - (1.0 - value)).abs() < 1e-9);
            *state = value;
        } else {
            *state += value;
            assert!(*state > -1e-9, "{state}");
        }
    }
}

#[test]
fn a_revised_policy_has_another_price() {
    for workload in ALL {
        assert_ne!(workload.revised(), workload.policy());
    }
}
