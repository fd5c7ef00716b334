//! How the way of events grows with their number and with that of users: what is linear is a straight line.

use super::super::Settings;
use super::super::plot::{Plot, Series};
use super::super::report::{Section, Table, shown};
use super::super::workload::{Size, Workload};
use super::{Subject, clear};

/// Events of a thousand users.
const EVENTS: [u64; 4] = [100_000, 300_000, 1_000_000, 3_000_000];
/// Users that a number of events is shared out to.
const USERS: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];
const EVENTS_OF_USERS: u64 = 500_000;
/// Sizes of a quick run, and how much smaller its largest is.
const QUICK: usize = 2;
const QUICK_SHARE: u64 = 20;

/// Seconds until everything was charged, by the number of events and of users.
pub fn growth(settings: &Settings) -> Result<Section, String> {
    let take = if settings.quick { QUICK } else { EVENTS.len() };
    let share = if settings.quick { QUICK_SHARE } else { 1 };
    let mut by_events = Vec::new();
    for events in EVENTS.iter().take(take).map(|events| events / share) {
        by_events.push((events as f64, seconds(settings, events, 1_000)?));
    }
    let mut by_users = Vec::new();
    for users in USERS.into_iter().take(take) {
        by_users.push((users as f64, seconds(settings, EVENTS_OF_USERS / share, users)?));
    }
    let mut section = Section::new("growth", "seconds until all is charged, lines over HTTP");
    section.tables.push(table("events of 1,000 users", &by_events));
    section
        .tables
        .push(table(&format!("users of {} events", shown((EVENTS_OF_USERS / share) as f64)), &by_users));
    let plot = |title, across, points| Plot {
        title,
        across,
        up: "s",
        series: vec![Series { name: "charged", points }],
    };
    section.plots.push((
        "growth-events".to_owned(),
        plot("Time until all is charged, by events", "events", by_events),
    ));
    section
        .plots
        .push(("growth-users".to_owned(), plot("Time until all is charged, by users", "users", by_users)));
    Ok(section)
}

fn seconds(settings: &Settings, events: u64, users: u64) -> Result<f64, String> {
    let directory = settings.directory.join("growth");
    clear(&directory)?;
    let size = Size { seed: settings.seed, events, users, ends: settings.ends };
    let section = Section::new("growth", "");
    let mut subject =
        Subject { settings, workload: Workload::Paper, size, directory: directory.clone(), section };
    subject.compile("policy", Workload::Paper.policy())?;
    let input = subject.input()?;
    let rate = subject.taking_in(&input)?;
    clear(&directory)?;
    Ok(input.lines as f64 / rate)
}

/// Growth is the time by that of the row before, over the same of what is counted: 1 is linear.
fn table(counted: &str, points: &[(f64, f64)]) -> Table {
    let before = std::iter::once(None).chain(points.iter().map(Some));
    let rows = points.iter().zip(before).map(|((count, seconds), before)| {
        let growth = before.map(|(fewer, sooner)| format!("{:.2}", seconds / sooner / (count / fewer)));
        vec![shown(*count), format!("{seconds:.2} s"), growth.unwrap_or_default()]
    });
    Table { heads: [counted, "charged after", "growth"].map(str::to_owned).to_vec(), rows: rows.collect() }
}
