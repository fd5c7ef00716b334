//! Generated cases: policy versions in force over a spring with clock changes, and events of one user.
//!
//! Everything that a policy says begins and ends on a grid of half hours of UTC, so that the naive fold can
//! look at each half hour by itself; events happen at any millisecond.

use aquarium_charging::simulate::Line;
use aquarium_charging::{Charger, Deployments, Span, Version};
use aquarium_ir::Policy;
use aquarium_ir::instant::Millis;
use aquarium_ir::policy::{CostPolicy, Mode, Plan, Price};
use aquarium_ir::time::{Frame, Range, Timeline};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::sync::Arc;

use super::{Builder, DAY, Formula, Rates, Remembering, flat, given, instant, layers, number, tiers};

/// The grid on which everything in a policy begins and ends.
pub const GRID: i64 = 1_800_000;

pub const ZONES: [&str; 5] =
    ["UTC", "Europe/Athens", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"];

/// The first instant of a case: some days before a month end.
pub fn window_start() -> i64 {
    instant("2024-02-26")
}

/// The instant after the last: beyond the clock changes of all zones.
pub fn window_end() -> i64 {
    instant("2024-05-04")
}

#[derive(Clone)]
pub struct Case {
    pub versions: Vec<VersionCase>,
    pub events: Vec<Event>,
    /// Which events come once more, and whether with other content.
    pub repeats: Vec<(Index, bool)>,
}

#[derive(Clone)]
pub struct VersionCase {
    pub policy: Arc<Policy>,
    pub charger: Arc<Remembering>,
    /// Span of the deployment; the first one's start is not looked at.
    pub from: i64,
    pub to: Option<i64>,
    /// When it became known; `None`: always was.
    pub received: Option<i64>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    pub client: String,
    pub at: i64,
    pub received: i64,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Usage { resource: String, instance: String, nano: i64 },
    User { role: String, active: bool },
    Assign(Option<String>),
    Grant(i64),
    Threshold(Option<i64>),
}

impl Case {
    pub fn deployments(&self) -> Deployments {
        let mut deployments = Deployments::new();
        for (version, index) in self.versions.iter().zip(0..) {
            deployments.deploy(version.version(index), version.span()).unwrap();
        }
        deployments
    }

    /// The events as text, then those that repeat one of them.
    pub fn lines(&self) -> Vec<String> {
        let repeats = self.repeated().map(|(event, conflict)| {
            let text = event.json();
            if conflict {
                text.replace("\"eventVersion\"", "\"details\":{\"a\":1},\"eventVersion\"")
                    .replace(",\"details\":{}", "")
            } else {
                text
            }
        });
        self.events.iter().map(Event::json).chain(repeats).collect()
    }

    /// How many lines repeat an event, and how many of them conflict with it.
    pub fn duplicates_and_conflicts(&self) -> (u64, usize) {
        let conflicts = self.repeated().filter(|(_, conflict)| *conflict).count();
        ((self.repeated().count() - conflicts) as u64, conflicts)
    }

    /// Only the two kinds of event have details to differ in.
    fn repeated(&self) -> impl Iterator<Item = (&Event, bool)> {
        let there = self.repeats.iter().filter(|_| !self.events.is_empty());
        there.map(|(index, conflict)| {
            let event = index.get(&self.events);
            let has_details = matches!(event.what, What::Usage { .. } | What::User { .. });
            (event, *conflict && has_details)
        })
    }
}

impl VersionCase {
    fn new(policy: Policy, from: i64, to: Option<i64>, received: Option<i64>) -> Self {
        let policy = Arc::new(policy);
        let charger = Arc::new(Remembering::new(&policy));
        Self { policy, charger, from, to, received }
    }

    pub fn version(&self, index: usize) -> Version {
        let charger: Arc<dyn Charger> = Arc::<Remembering>::clone(&self.charger);
        Version::new(Arc::clone(&self.policy), &format!("{index:02}"), charger)
    }

    pub fn span(&self) -> Span {
        let to = self.to.map_or(Millis::MAX, Millis);
        Span { from: Millis(self.from), to, received: self.received.map_or(Millis::MIN, Millis) }
    }
}

pub fn lines(texts: &[String]) -> impl Iterator<Item = Line<'_>> {
    texts.iter().zip(1..).map(|(text, number)| Line { file: "events", number, bytes: text.as_bytes() })
}

impl Event {
    pub fn json(&self) -> String {
        let Self { id, client, at, received, .. } = self;
        let base = |client: &str| {
            format!(
                r#""id":"{id}","occurredMillis":{at},"receivedMillis":{received},"clientID":"{client}","userID":"u""#
            )
        };
        match &self.what {
            What::Usage { resource, instance, nano } => {
                let value = format!("{nano}e-9");
                let base = base(client);
                format!(
                    r#"{{{base},"resource":"{resource}","instanceID":"{instance}","value":{value},"eventVersion":"1.0","details":{{}}}}"#
                )
            }
            What::User { role, active } => {
                let base = base(client);
                // A user is made inactive in one of two ways.
                let suspended = !active && id.ends_with(['0', '2', '4', '6', '8']);
                let (flag, kind) = (*active || suspended, if suspended { "SUSPENDED" } else { "ACTIVE" });
                format!(
                    r#"{{{base},"role":"{role}","isActive":{flag},"eventType":"{kind}","eventVersion":"1","details":{{}}}}"#
                )
            }
            What::Assign(agreement) => {
                let agreement = agreement.as_ref().map_or("null".to_owned(), |name| format!("\"{name}\""));
                format!(r#"{{{},"recordType":"assign","agreement":{agreement}}}"#, base("aquarium"))
            }
            What::Grant(credits) => {
                format!(r#"{{{},"recordType":"grant","credits":{credits}}}"#, base("aquarium"))
            }
            What::Threshold(value) => {
                let value = value.map_or("null".to_owned(), |value| value.to_string());
                format!(r#"{{{},"recordType":"threshold","value":{value}}}"#, base("aquarium"))
            }
        }
    }
}

/// An instant on the grid, with a liking for month starts in the zones of the cases.
fn grid_instant() -> impl Strategy<Value = i64> {
    let cells = (window_end() - window_start()) / GRID;
    let any = (0..cells).prop_map(|cell| window_start() + cell * GRID);
    let starts = vec!["2024-03-01", "2024-04-01", "2024-05-01"];
    let offsets = vec![0, -2, -3, 4, 5, -11];
    let month =
        (select(starts), select(offsets)).prop_map(|(start, hours)| instant(start) + hours * 2 * GRID);
    prop_oneof![3 => any, 1 => month]
}

fn event_instant() -> impl Strategy<Value = i64> {
    let edge = (grid_instant(), -1_i64..=1).prop_map(|(at, by)| at + by);
    let any = window_start()..window_end();
    let few =
        select(vec![instant("2024-03-10T07:00"), instant("2024-03-31T01:00"), instant("2024-04-02T10:20")]);
    prop_oneof![2 => grid_instant(), 1 => edge, 2 => any, 1 => few]
}

fn what() -> impl Strategy<Value = What> {
    let usage = |resource: &'static str, nano: BoxedStrategy<i64>| {
        (select(&["one", "two"][..]), nano).prop_map(move |(instance, nano)| What::Usage {
            resource: resource.to_owned(),
            instance: instance.to_owned(),
            nano,
        })
    };
    let amounts = prop_oneof![
        (-20_i64..60).prop_map(|tens| tens * 250_000_000),
        Just(0),
        1_i64..30_000_000_000,
        Just(-2_000_000_000)
    ];
    let switches = prop_oneof![5 => Just(1_000_000_000_i64), 5 => Just(0), 1 => Just(2_000_000_000)];
    prop_oneof![
        4 => usage("bandwidth", amounts.clone().boxed()),
        4 => usage("disk", amounts.boxed()),
        6 => usage("vmtime", switches.boxed()),
        1 => usage("nothing", Just(1).boxed()),
        3 => (select(&["student", "Teacher", "other"][..]), prop::bool::weighted(0.8))
            .prop_map(|(role, active)| What::User { role: role.to_owned(), active }),
        1 => select(&[None, Some("big"), Some("default"), Some("lost")][..])
            .prop_map(|name| What::Assign(name.map(str::to_owned))),
        1 => (-30_i64..60).prop_map(What::Grant),
        1 => prop::option::weighted(0.8, -40_i64..40).prop_map(What::Threshold),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    (event_instant(), 0_i64..3 * DAY, what(), 0_u8..2).prop_map(|(at, late, what, client)| Event {
        id: String::new(),
        client: format!("c{client}"),
        at,
        received: at + late * i64::from(late % 3 != 0),
        what,
    })
}

pub fn events() -> impl Strategy<Value = Vec<Event>> {
    (vec(event(), 0..24), vec(any::<Index>(), 0..6)).prop_map(|(mut events, same)| {
        // Some events happen at the instant of another one.
        let there = !events.is_empty();
        for index in same.iter().filter(|_| there) {
            let at = index.get(&events).at;
            let last = (index.index(1 << 20)) % events.len();
            events[last].at = at;
        }
        for (event, number) in events.iter_mut().zip(0..) {
            event.id = format!("e{}", (number * 7) % 10 + number * 10);
        }
        events
    })
}

/// What kind of policies there are.
#[derive(Clone, Copy)]
pub enum Kind {
    Any,
    /// Of every charge it is proven that it rises, and one instance of a resource is open at most: the balance
    /// is then known to move one way between events.
    Proven,
}

fn price(kind: Kind) -> impl Strategy<Value = Price> {
    let prices = match kind {
        Kind::Any => &["0", "1", "0.5", "-0.25", "0.000001", "3.3333"][..],
        Kind::Proven => &["0", "1", "0.5", "0.000001", "3.3333"][..],
    };
    prop_oneof![
        3 => select(prices).prop_map(flat),
        2 => select(vec![
            tiers(&[(Some("10"), "0"), (None, "0.5")]),
            tiers(&[(Some("5"), "1"), (Some("20.5"), "0.1"), (None, "0.01")]),
        ]),
    ]
}

/// A frame: a span, or a weekly or daily range, perhaps with a hole.
fn frame() -> impl Strategy<Value = Frame> {
    let range = select(vec![
        ("0 12 * * Mon", "0 14 * * Fri"),
        ("0 15 * * Sat", "0 15 * * Sun"),
        ("0 2 * * *", "0 6 * * *"),
        ("30 2 * * *", "0 3 * * *"),
        ("0 0 1 * *", "0 0 3 * *"),
        ("0 22 * * *", "0 1 * * *"),
    ]);
    let range =
        range.prop_map(|(start, end)| Range { start: start.parse().unwrap(), end: end.parse().unwrap() });
    let span =
        (grid_instant(), grid_instant(), any::<bool>(), any::<bool>()).prop_map(|(one, other, from, to)| {
            (
                if from { Millis(one.min(other)) } else { Millis::MIN },
                if to { Millis(one.max(other)) } else { Millis::MAX },
            )
        });
    let hole = (grid_instant(), 1_i64..200).prop_map(|(at, cells)| (Millis(at), Millis(at + cells * GRID)));
    (span, vec(range, 0..3), vec(hole, 0..2)).prop_map(|((from, to), repeat, except)| Frame {
        from,
        to,
        repeat,
        except,
    })
}

fn formula(kind: Kind) -> impl Strategy<Value = Formula> {
    let conditional = match kind {
        Kind::Any => Formula::Conditional,
        Kind::Proven => Formula::Double,
    };
    prop_oneof![
        3 => Just(Formula::Plain),
        1 => Just(Formula::Double),
        1 => Just(conditional),
        1 => Just(Formula::Fee),
        1 => Just(Formula::Rebate),
    ]
}

/// Rates by layers: framed ones first, mostly with one that always holds at the end.
fn rates(kind: Kind) -> impl Strategy<Value = Rates> {
    let framed = (0_u32..2, price(kind), formula(kind))
        .prop_map(|(frame, price, formula)| (Some(frame), price, formula));
    let always = (price(kind), formula(kind)).prop_map(|(price, formula)| (None, price, formula));
    (vec(framed, 0..3), prop::option::weighted(0.85, always)).prop_map(|(mut rates, always)| {
        rates.extend(always);
        rates
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    let cron = select(&["0 0 1 * *", "0 2 * * *", "30 2 * * Sun", "0 12 15 * *", "0 0 1,15 * Mon"][..]);
    let mode = prop_oneof![Just(Mode::Add), Just(Mode::Reset)];
    let frame = prop::option::weighted(0.3, 0_u32..2);
    (0_u8..60, cron, mode, select(&["0", "12.5"][..]), frame, prop::bool::weighted(0.8)).prop_map(
        |(credits, cron, mode, initial, frame, there)| {
            if !there {
                return Plan::default();
            }
            Plan {
                credits: layers([(frame, given(number(&credits.to_string()), "creditplan"))]),
                at: layers([(frame, cron.parse().unwrap())]),
                mode: Timeline::always(mode),
                initial: Timeline::always(given(number(initial), "creditplan")),
            }
        },
    )
}

/// A price over what the named price list gives for one resource.
fn over(kind: Kind) -> impl Strategy<Value = Option<(usize, Option<u32>, Price)>> {
    prop::option::weighted(0.3, (0_usize..2, prop::option::weighted(0.6, 0_u32..2), price(kind)))
}

fn threshold() -> impl Strategy<Value = Option<(Option<u32>, &'static str)>> {
    prop::option::weighted(0.4, (prop::option::weighted(0.5, 0_u32..2), select(&["-5", "-20.5", "-100"][..])))
}

fn policy(kind: Kind, zone: &'static str) -> impl Strategy<Value = Policy> {
    let agreement = move || (rates(kind), rates(kind), rates(kind), plan(), over(kind), threshold());
    let effective = prop::option::weighted(0.2, 0_u32..2);
    (
        vec(frame(), 2),
        agreement(),
        agreement(),
        effective,
        select(&[6_u8, 6, 2, 0, 12][..]),
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.7),
    )
        .prop_map(move |(frames, big, default, effective, precision, has_disk, everybody)| {
            let complex = matches!(kind, Kind::Any);
            let mut builder = Builder::new(zone);
            builder.policy.frames = frames;
            builder.policy.precision = precision;
            builder.policy.effective = effective.map(aquarium_ir::time::FrameId);
            builder = builder.resource("bandwidth", "MB", CostPolicy::Discrete, false);
            if has_disk {
                builder = builder.resource("disk", "GB*hr", CostPolicy::Continuous, complex);
            }
            builder = builder.resource("vmtime", "hr", CostPolicy::Onoff, complex);
            for (name, (bandwidth, disk, vmtime, plan, over, threshold)) in
                [("big", big), ("default", default)]
            {
                let mut rates = vec![bandwidth, disk, vmtime];
                if !has_disk {
                    rates.remove(1);
                }
                builder.agreement(name, &rates, plan);
                if let Some((resource, frame, price)) = over {
                    builder.lay_over(name, resource, frame, &price);
                }
                if let Some((frame, threshold)) = threshold {
                    builder.threshold(name, frame, threshold);
                }
            }
            builder.role("teacher", "big");
            if !everybody {
                builder.policy.everybody_else = None;
                builder.role("student", "default");
            }
            builder.policy
        })
}

pub fn versions(kind: Kind) -> impl Strategy<Value = Vec<VersionCase>> {
    let zone = || prop_oneof![4 => select(&ZONES[1..3]), 2 => select(&ZONES[..])];
    let later = (zone(), prop::bool::weighted(0.3));
    (zone(), vec(later, 0..3)).prop_flat_map(move |(first, later)| {
        let zones: Vec<_> =
            later.into_iter().map(|(zone, change)| if change { zone } else { first }).collect();
        let first = policy(kind, first).prop_map(|policy| VersionCase::new(policy, 0, None, None));
        let later: Vec<_> = zones.into_iter().map(|zone| later_version(kind, zone)).collect();
        (first, later).prop_map(|(first, mut later)| {
            later.insert(0, first);
            later
        })
    })
}

fn later_version(kind: Kind, zone: &'static str) -> impl Strategy<Value = VersionCase> {
    let to = prop::option::weighted(0.4, 1_i64..600);
    // Some are deployed into the past, some well before they hold.
    let received = prop::option::weighted(0.5, -20 * DAY..40 * DAY);
    (policy(kind, zone), grid_instant(), to, received).prop_map(|(policy, from, cells, received)| {
        let to = cells.map(|cells| from + cells * GRID);
        VersionCase::new(policy, from, to, received.map(|after| from + after))
    })
}

pub fn case() -> impl Strategy<Value = Case> {
    case_of(Kind::Any)
}

/// A case of which it is proven at every instant which way the balance moves.
pub fn proven_case() -> impl Strategy<Value = Case> {
    case_of(Kind::Proven)
}

fn case_of(kind: Kind) -> impl Strategy<Value = Case> {
    let repeats = vec(any::<(Index, bool)>(), 0..4);
    (versions(kind), events(), repeats).prop_map(|(versions, events, repeats)| Case {
        versions,
        events,
        repeats,
    })
}

pub fn at() -> impl Strategy<Value = i64> {
    event_instant()
}
