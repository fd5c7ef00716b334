//! Credit events against a look at every place where the balance may have come to stand on the other side.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use aquarium_charging::crossing::look;
use aquarium_charging::input::{Source, read_text};
use aquarium_charging::posting::Postings;
use aquarium_charging::state::State;
use aquarium_charging::{Announcements, CreditEvent, Deployments, Ledger, Record, Span};
use aquarium_ir::instant::Millis;
use aquarium_ir::policy::{CostPolicy, Monotone, Plan};
use common::cases::{self, Case, Event};
use common::naive::{World, standing};
use common::{Builder, Formula, HOUR, always, flat, instant, record, tiers, usage, user};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

const MINUTE: i64 = 60_000;
/// How long the balance is looked at minute by minute.
const SHORT: i64 = 12 * HOUR;

fn sorted(case: &Case) -> Vec<Record<'static>> {
    let mut records = records(&case.events);
    records.sort_by(Record::order);
    records
}

fn records(events: &[Event]) -> Vec<Record<'static>> {
    events.iter().map(|event| read(event.json())).collect()
}

fn read(text: String) -> Record<'static> {
    read_received(text, Millis(1))
}

fn read_received(text: String, received: Millis) -> Record<'static> {
    let source = Source { received, keeps_received: true, writes_records: true, plausible: None };
    read_text(&text, &source).unwrap().record.into_owned()
}

/// A user whose records come one by one or several at once, and all that was announced.
struct Followed {
    ledger: Ledger,
    announcements: Announcements,
    events: Vec<CreditEvent>,
}

impl Followed {
    fn new() -> Self {
        Self { ledger: Ledger::new("u"), announcements: Announcements::new(), events: Vec::new() }
    }

    fn append(&mut self, record: &Record<'static>) {
        self.ledger.append(record.clone());
    }

    fn fold(&mut self, deployments: &mut Deployments, now: i64) {
        self.events.extend(self.announcements.fold(&mut self.ledger, deployments, Millis(now)).1);
    }

    /// State and instant of all that was announced.
    fn told(&self) -> Vec<(bool, i64)> {
        self.events.iter().map(|event| (event.state, event.occurred.0)).collect()
    }

    /// The state that was announced last at or before an instant.
    fn announced(&self, at: i64) -> Option<bool> {
        self.events.iter().rev().find(|event| event.occurred.0 <= at).map(|event| event.state)
    }
}

/// Records in their order, folded up to each one's instant, then up to the end.
fn in_order(deployments: &mut Deployments, records: &[Record<'static>], end: i64) -> Followed {
    let mut user = Followed::new();
    for (record, next) in records.iter().zip(records.iter().skip(1).map(Some).chain([None])) {
        user.append(record);
        if next.is_none_or(|next| next.occurred > record.occurred) {
            user.fold(deployments, record.occurred.0);
        }
    }
    user.fold(deployments, end);
    user
}

proptest! {
    // Each case looks at the balance some thousand times.
    #![proptest_config(common::fewer(10))]

    #[test]
    fn what_is_announced_is_where_the_balance_stands(
        case in cases::proven_case(),
        at in cases::at(),
        sampled in vec(cases::at(), 20),
    ) {
        let mut deployments = case.deployments();
        let records = sorted(&case);
        let user = in_order(&mut deployments, &records, cases::window_end());
        let Some(first) = records.first().map(|record| record.occurred.0) else {
            prop_assert!(user.events.is_empty());
            return Ok(());
        };
        let world = World::new(&case);
        let naively = |at: i64| {
            let (balance, threshold) = standing(&world, at);
            (balance, threshold, balance > threshold)
        };
        let looked = |at: i64, deployments: &mut Deployments| {
            user.ledger.at(deployments, Millis(at)).map(|view| !view.below(deployments))
        };
        if let Some(event) = user.events.last() {
            prop_assert_eq!(naively(event.occurred.0), (event.balance, event.threshold, event.state));
        }
        for pair in user.events.windows(2) {
            prop_assert!(pair[0].state != pair[1].state && pair[0].sequence + 1 == pair[1].sequence);
            prop_assert!(pair[0].occurred < pair[1].occurred);
            let before = looked(pair[1].occurred.0 - 1, &mut deployments);
            prop_assert_eq!(before, Some(pair[0].state), "{} is not the first instant", pair[1].occurred);
        }
        if at >= first {
            prop_assert_eq!(user.announced(at), Some(naively(at).2), "at {}", at);
        }
        let sampled = sampled.into_iter().filter(|at| *at >= first);
        for at in sampled.chain(records.iter().map(|record| record.occurred.0)) {
            prop_assert_eq!(user.announced(at), looked(at, &mut deployments), "at {}", at);
        }
    }

    #[test]
    fn records_in_their_order_may_be_folded_one_by_one_or_many_at_once(
        case in cases::proven_case(),
        batches in vec((0_usize..5, cases::at()), 0..20),
    ) {
        let mut deployments = case.deployments();
        let records = sorted(&case);
        let expected = in_order(&mut deployments, &records, cases::window_end());
        let mut user = Followed::new();
        let Some(first) = records.first() else { return Ok(()) };
        let mut rest = records.as_slice();
        let mut take = |user: &mut Followed, deployments: &mut Deployments, upto: i64| {
            let count = rest.partition_point(|record| record.occurred.0 <= upto);
            rest[..count].iter().for_each(|record| user.append(record));
            rest = &rest[count..];
            user.fold(deployments, upto);
        };
        take(&mut user, &mut deployments, first.occurred.0);
        let mut nows: Vec<i64> = batches.iter().map(|(_, at)| *at).filter(|at| *at > first.occurred.0).collect();
        nows.sort_unstable();
        for now in nows {
            take(&mut user, &mut deployments, now);
        }
        take(&mut user, &mut deployments, cases::window_end());
        prop_assert_eq!(user.events, expected.events);
        prop_assert_eq!(user.announcements, expected.announcements);
    }

    #[test]
    fn a_user_whose_records_come_all_at_once_is_announced_as_if_they_had_come_one_by_one(
        case in cases::proven_case(),
        until in any::<Index>(),
    ) {
        let mut deployments = case.deployments();
        let mut records = sorted(&case);
        records.iter_mut().for_each(|record| record.received = record.occurred);
        let expected = in_order(&mut deployments, &records, cases::window_end());
        let mut user = Followed::new();
        let first = until.index(records.len() + 1);
        // Whoever is behind knows what was received up to an instant.
        let instant = records.get(first).map_or(cases::window_end(), |record| record.occurred.0 - 1);
        let (before, after) = records.split_at(first);
        before.iter().for_each(|record| user.append(record));
        user.fold(&mut deployments, instant);
        after.iter().for_each(|record| user.append(record));
        user.fold(&mut deployments, cases::window_end());
        prop_assert_eq!(user.events, expected.events);
    }

    #[test]
    fn timers_that_wake_when_due_announce_the_same(case in cases::proven_case()) {
        let mut deployments = case.deployments();
        let records = sorted(&case);
        let expected = in_order(&mut deployments, &records, cases::window_end());
        let Some(first) = records.first() else { return Ok(()) };
        let mut user = Followed::new();
        // All is known beforehand but waits for its time; at first only what happens first is looked at.
        records.iter().for_each(|record| user.append(record));
        let mut now = first.occurred;
        while now <= Millis(cases::window_end()) {
            let before = user.events.len();
            user.fold(&mut deployments, now.0);
            // Nothing is announced late: a timer wakes at the instant of the crossing at the latest.
            prop_assert!(user.events[before..].iter().all(|event| event.occurred == now));
            let due = user.announcements.due(&mut user.ledger, &mut deployments).unwrap();
            prop_assert!(due > now);
            now = due;
        }
        prop_assert_eq!(user.events, expected.events);
    }

    #[test]
    fn a_correction_announces_at_most_the_state_that_differs(
        case in cases::proven_case(),
        late in any::<Index>(),
        now in cases::at(),
    ) {
        let mut deployments = case.deployments();
        let mut records = sorted(&case);
        if records.len() < 2 {
            return Ok(());
        }
        let removed = records.remove(late.index(records.len()));
        let mut user = in_order(&mut deployments, &records, cases::window_end().max(now));
        let before = user.events.len();
        user.append(&removed);
        user.fold(&mut deployments, cases::window_end());
        let news = &user.events[before..];
        prop_assert!(news.len() <= 1, "{:?}", news);
        for event in news {
            prop_assert!(event.occurred >= removed.occurred);
            let at = |at: i64, deployments: &mut Deployments| user.ledger.at(deployments, Millis(at)).unwrap();
            let view = at(event.occurred.0, &mut deployments);
            prop_assert_eq!((view.balance(), !view.below(&mut deployments)), (event.balance, event.state));
            if event.occurred > removed.occurred {
                let before = at(event.occurred.0 - 1, &mut deployments);
                prop_assert!(before.below(&mut deployments) == event.state, "{} is not the first instant", event.occurred);
            }
        }
        let whole = in_order(&mut deployments, &sorted(&case), cases::window_end());
        prop_assert_eq!(user.announcements.announced(), whole.announcements.announced());
    }
}

proptest! {
    #![proptest_config(common::fewer(20))]

    #[test]
    fn where_nothing_is_proven_the_balance_is_looked_at_every_whole_minute(
        case in cases::case(),
        begin in any::<Index>(),
        batches in vec(0..SHORT, 0..6),
    ) {
        let mut deployments = case.deployments();
        let mut records = sorted(&case);
        if records.is_empty() {
            return Ok(());
        }
        let begin = records[begin.index(records.len())].occurred.0;
        records.retain(|record| record.occurred.0 < begin + SHORT);
        let mut user = Followed::new();
        records.iter().for_each(|record| user.append(record));
        let mut nows: Vec<i64> = batches.into_iter().map(|at| begin + at).collect();
        nows.extend([begin, begin + SHORT]);
        nows.sort_unstable();
        nows.into_iter().for_each(|now| user.fold(&mut deployments, now));
        let mut state = State::new();
        let mut instants = records.chunk_by(|left, right| left.occurred == right.occurred).peekable();
        while let Some(instant) = instants.next() {
            state.fold(&mut deployments, instant, &mut Postings::default()).unwrap();
            let at = instant[0].occurred.0;
            let next = instants.peek().map_or(begin + SHORT, |next| next[0].occurred.0);
            let minutes = (at / MINUTE + 1..=(next - 1) / MINUTE).map(|minute| minute * MINUTE);
            for at in std::iter::once(at).chain(minutes).filter(|at| *at >= begin) {
                let above = !look(&state, &mut deployments, Millis(at)).below;
                prop_assert_eq!(user.announced(at), Some(above), "at {}", at);
            }
        }
    }

    #[test]
    fn where_nothing_is_proven_a_correction_ends_where_it_would_have_ended(
        case in cases::case(),
        begin in any::<Index>(),
        late in any::<Index>(),
        end in SHORT / 2..SHORT,
    ) {
        let mut deployments = case.deployments();
        let mut records = sorted(&case);
        if records.is_empty() {
            return Ok(());
        }
        let begin = records[begin.index(records.len())].occurred.0;
        records.retain(|record| record.occurred.0 < begin + end);
        let late = late.index(records.len());
        let mut follow = |late: Option<usize>| {
            let mut user = Followed::new();
            let others = records.iter().enumerate().filter(|(place, _)| Some(*place) != late);
            others.for_each(|(_, record)| user.append(record));
            user.fold(&mut deployments, begin);
            user.fold(&mut deployments, begin + end);
            if let Some(late) = late {
                user.append(&records[late]);
                user.fold(&mut deployments, begin + end);
            }
            user.announcements.announced()
        };
        prop_assert_eq!(follow(Some(late)), follow(None));
    }
}

#[test]
fn where_nothing_is_proven_a_correction_counts_as_of_the_last_whole_minute() {
    let mut builder = Builder::new("UTC").resource("vmtime", "hr", CostPolicy::Onoff, true);
    builder.agreement("default", &[always(flat("2"))], Plan::default());
    builder.policy.charges.iter_mut().for_each(|charge| charge.monotone = Monotone::Unknown);
    let mut deployments = builder.deployments();
    let grant = |id: &str, at: &str, credits: &str| {
        read(record(id, at, &format!(r#""recordType":"grant","credits":{credits}"#)))
    };
    let mut user = Followed::new();
    user.append(&grant("g", "2024-01-10T00:00", "1"));
    user.append(&read(usage("a", "2024-01-10T00:00", "vmtime", "one", "1")));
    user.fold(&mut deployments, instant("2024-01-10T00:00"));
    // Two an hour from one: below from the half hour on.
    let end = instant("2024-01-10T01:00:30");
    user.fold(&mut deployments, end);
    assert_eq!(user.announcements.announced(), Some(false));
    // With this the balance is 0 a quarter of a minute after the hour: it is below by now, but nobody has looked.
    let late = grant("h", "2024-01-10T00:10", "1.008333");
    user.append(&late);
    user.fold(&mut deployments, end);
    assert_eq!(user.announcements.announced(), Some(true));
    user.fold(&mut deployments, instant("2024-01-10T01:01"));
    let told = user.told();
    let below = |at: &str| (false, instant(at));
    assert_eq!(
        told,
        [
            (true, instant("2024-01-10T00:00")),
            below("2024-01-10T00:30"),
            (true, late.occurred.0),
            below("2024-01-10T01:01"),
        ]
    );
}

#[test]
fn what_an_interval_has_come_to_by_tiers_moves_while_the_one_before_it_runs_at_a_flat_price() {
    let mut builder = Builder::new("UTC").resource("vmtime", "hr", CostPolicy::Onoff, true);
    builder.agreement("default", &[always(flat("0.1"))], Plan::default());
    builder.agreement("tiered", &[always(tiers(&[(Some("10"), "10"), (None, "0")]))], Plan::default());
    builder.role("early", "tiered");
    builder.role("late", "default");
    let mut deployments = builder.deployments();
    let mut followed = Followed::new();
    followed.append(&read(user("u1", "2024-03-01T10:00", "early", true)));
    followed.append(&read(record("g", "2024-03-01T10:00", r#""recordType":"grant","credits":21"#)));
    followed.append(&read(usage("a", "2024-03-01T11:00", "vmtime", "one", "1")));
    followed.append(&read(usage("b", "2024-03-01T11:00", "vmtime", "two", "1")));
    followed.append(&read(user("u2", "2024-03-01T12:00", "late", true)));
    for now in ["2024-03-01T12:00", "2024-03-01T18:00", "2024-03-01T21:00"] {
        followed.fold(&mut deployments, instant(now));
    }
    let told = followed.told();
    // From eight in the evening on the hour of the second comes after more than nine of the first: less of it is at ten.
    let at = |time: &str| instant(&format!("2024-03-01T{time}"));
    assert_eq!(told, [(true, at("10:00")), (false, at("17:00")), (true, at("20:04"))]);
}

#[test]
fn a_slot_that_passes_a_later_lower_limit_of_the_total_costs_nothing_from_then_on() {
    let version = |price: &str, max: &str| {
        let builder = Builder::new("UTC").resource("vmtime", "hr", CostPolicy::Onoff, true);
        let mut builder = builder.max("vmtime", max);
        builder.agreement("default", &[always(flat(price))], Plan::default());
        builder.version(price)
    };
    let mut deployments = Deployments::new();
    deployments.deploy(version("1", "1000000000000"), Span::from(Millis::MIN)).unwrap();
    // No more than 300 hours fit into a month from the 290th on.
    let lowered = Millis(instant("2024-03-13T02:00"));
    deployments.deploy(version("2", "0.3"), Span::from(lowered)).unwrap();
    let mut followed = Followed::new();
    followed.append(&read(record("g", "2024-03-01", r#""recordType":"grant","credits":295"#)));
    followed.append(&read(usage("a", "2024-03-01", "vmtime", "one", "1")));
    for now in ["2024-03-01", "2024-03-13T03:00", "2024-03-13T10:00", "2024-03-14"] {
        followed.fold(&mut deployments, instant(now));
    }
    // What is left after 290 hours lasts for two and a half, until the slot of the second version is longer than ten: a
    // minute that is looked at comes after that.
    let at = |time: &str| instant(&format!("2024-03-{time}"));
    assert_eq!(followed.told(), [(true, at("01T00:00")), (false, at("13T04:30")), (true, at("13T12:01"))]);
}

#[test]
fn an_amount_above_a_later_max_moves_as_it_is_proven_to_and_not_as_smaller_ones_do() {
    let version = |formula: Formula, max: &str| {
        let builder = Builder::new("UTC").resource("storage", "GB hr", CostPolicy::Continuous, true);
        let mut builder = builder.max("storage", max);
        builder.agreement("default", &[vec![(None, flat("1"), formula)]], Plan::default());
        let charge = builder.policy.charges.first().map(|charge| charge.monotone);
        (charge, builder.version(max))
    };
    let (_, wide) = version(Formula::Plain, "1000000000000000000000");
    // So little never comes to five in a month, and costs one.
    let (monotone, narrow) = version(Formula::Conditional, "1000");
    assert_eq!(monotone, Some(Monotone::Constant));
    let mut deployments = Deployments::new();
    deployments.deploy(wide, Span::from(Millis::MIN)).unwrap();
    deployments.deploy(narrow, Span::from(Millis(instant("2024-03-01T12:00")))).unwrap();
    let mut followed = Followed::new();
    followed.append(&read(record("g", "2024-03-01T10:00", r#""recordType":"grant","credits":8.002"#)));
    followed.append(&read(usage("a", "2024-03-01T10:00", "storage", "one", "1")));
    for now in ["2024-03-01T10:00", "2024-03-01T13:00", "2024-03-01T20:00"] {
        followed.fold(&mut deployments, instant(now));
    }
    // Two hours at one, then 6.002 of them, to six places; a millisecond before they are the same.
    let at = |time: &str| instant(&format!("2024-03-01T{time}"));
    assert_eq!(followed.told(), [(true, at("10:00")), (false, at("18:00:07.199"))]);
}

#[test]
fn of_what_happened_before_a_user_became_known_only_the_last_state_is_announced() {
    let mut builder = Builder::new("UTC").resource("vmtime", "hr", CostPolicy::Onoff, true);
    builder.agreement("default", &[always(flat("2"))], Plan::default());
    let mut deployments = builder.deployments();
    let received = Millis(instant("2024-01-10T01:00"));
    let read = |text| read_received(text, received);
    let mut user = Followed::new();
    user.append(&read(record("g", "2024-01-10", r#""recordType":"grant","credits":1"#)));
    user.append(&read(usage("a", "2024-01-10", "vmtime", "one", "1")));
    user.fold(&mut deployments, instant("2024-01-10T02:00"));
    let told = user.told();
    // Two an hour from one.
    assert_eq!(told, [(false, instant("2024-01-10T00:30"))]);
}
