//! Patterns as texts: what they mean, and what is wrong with those that mean nothing.

use proptest::prelude::*;

use super::{Cron, CronError, CronField, field_spans};

fn cron(text: &str) -> Cron {
    text.parse().unwrap()
}

/// The error of a text as the text, the place underlined, and what is said about it.
fn error(text: &str) -> String {
    let error = text.parse::<Cron>().unwrap_err();
    let marks = "^".repeat(error.span.len().max(1));
    let suggestion = error.suggestion.map(|text| format!(" => {text}")).unwrap_or_default();
    format!("{text}\n{}{marks} {}{suggestion}\n", " ".repeat(error.span.start), error.message)
}

#[test]
fn errors_underline_the_field() {
    let errors: String = [
        "",
        "0 0 1 1",
        "0 0 1 1 * *",
        "  @daily",
        "@reboot",
        "60 0 1 1 *",
        "0 24 * * *",
        "0 0 0 * *",
        "0 0 32 * *",
        "0 0 * 13 *",
        "0 0 * * 8",
        "0 0 * * Monday",
        "0 0 * foo *",
        "mon 0 * * *",
        "0 0 ? * *",
        "0 0 L * *",
        "0 0 15W * *",
        "0 0 * * 5L",
        "0 0 * * fri#2",
        "0 22-6 * * *",
        "0 22-6/3 * * *",
        "50-10/15 0 * * *",
        "0 0 * Nov-Feb *",
        "0 0 * * Fri-Mon",
        "0 0 * * 5-1",
        "0 0 * * 7-2",
        "0 0 * * 6-0",
        "0 0 * * Sat-0",
        "0 0 30-3 * *",
        "0,,5 0 * * *",
        ", 0 * * *",
        "5, 0 * * *",
        "*/0 0 * * *",
        "*/x 0 * * *",
        "*/ 0 * * *",
        "1-2-3 0 * * *",
        "-5 0 * * *",
        "5- 0 * * *",
        "0 +5 * * *",
        "0 1.5 * * *",
        "0 ** * * *",
    ]
    .map(error)
    .concat();
    insta::assert_snapshot!(errors);
}

#[test]
fn words_say_what_a_pattern_means() {
    let words: Vec<_> = [
        "00 12 * * Mon",
        "00 14 * * Fri",
        "0 0 1 * *",
        "0,30 8 * * 1-5",
        "0 0 1 jan,jul *",
        "15 2,14 * * *",
        "* * * * *",
        "0-29 9-17 * * *",
        "0 0 13 * 5",
        "0 0 13 feb-apr 5",
        "0 0 * 12 sat-sun",
        "0 0 * 12 *",
        "0 0 29 2 *",
        "0 0 1,15 * *",
        "5/20 */6 * * *",
    ]
    .into_iter()
    .map(|text| format!("{text}: {}", cron(text).words()))
    .collect();
    insta::assert_snapshot!(words.join("\n"));
}

#[test]
fn steps_run_to_the_end_of_the_field() {
    for (text, same) in [
        ("5/20 0 * * *", "5,25,45 0 * * *"),
        ("*/25 0 * * *", "0,25,50 0 * * *"),
        ("0 20/2 * * *", "0 20,22 * * *"),
        ("0 0 25/3 * *", "0 0 25,28,31 * *"),
        ("0 0 * 9/2 *", "0 0 * 9,11 *"),
        ("0 0 * * 1/2", "0 0 * * 1,3,5,7"),
        ("0 0 * * Mon-Sun/3", "0 0 * * 1,4,0"),
        ("0 0 * * */7", "0 0 * * 0"),
        ("10-20/5,3 0 * * *", "3,10,15,20 0 * * *"),
        ("0/1000 0 * * *", "0 0 * * *"),
    ] {
        let (one, other) = (cron(text), cron(same));
        assert_eq!(Cron { text: String::new(), ..one }, Cron { text: String::new(), ..other }, "{text}");
    }
}

#[test]
fn sunday_stands_at_both_ends_of_the_week() {
    for (text, weekdays) in [
        ("0 0 * * 0", 0b000_0001),
        ("0 0 * * 7", 0b000_0001),
        ("0 0 * * Sun", 0b000_0001),
        ("0 0 * * Sat-Sun", 0b100_0001),
        ("0 0 * * 6-7", 0b100_0001),
        ("0 0 * * 5-SUN", 0b110_0001),
        ("0 0 * * Sun-Tue", 0b000_0111),
        ("0 0 * * sun-sun", 0b000_0001),
        ("0 0 * * 7-sun", 0b000_0001),
        ("0 0 * * 0-7", 0b111_1111),
        ("0 0 * * *", 0b111_1111),
    ] {
        assert_eq!(cron(text).weekdays, weekdays, "{text}");
    }
}

#[test]
fn only_a_lone_star_leaves_a_field_unrestricted() {
    for (text, days, weekdays) in [
        ("0 0 * * *", false, false),
        ("0 0 */1 * *", true, false),
        ("0 0 1-31 * 0-6", true, true),
        ("0 0 *,1 * *", true, false),
    ] {
        assert_eq!((cron(text).days_restricted, cron(text).weekdays_restricted), (days, weekdays), "{text}");
        assert_eq!(cron(text).either_day_matches(), days && weekdays);
    }
}

#[test]
fn the_checks_see_what_is_probably_a_slip() {
    assert_eq!(cron("0 0 12 * *").hour_as_day(), Some(12));
    assert_eq!(cron("00 00 23 * Mon").hour_as_day(), Some(23));
    for text in ["0 0 1 * *", "0 0 24 * *", "0 0 2,3 * *", "0 1 12 * *", "0 0 */2 * *"] {
        assert_eq!(cron(text).hour_as_day(), None, "{text}");
    }
    assert_eq!(cron("* 0 * * *").open_time_field(), Some(CronField::Minute));
    assert_eq!(cron("0 */2 * * *").open_time_field(), Some(CronField::Hour));
    assert_eq!(cron("0 0-23 * * *").open_time_field(), None);
    for (text, never) in [
        ("0 0 30 2 *", true),
        ("0 0 31 2,4,6,9,11 *", true),
        ("0 0 29 2 *", false),
        ("0 0 30 2 Mon", false),
        ("0 0 31 * *", false),
    ] {
        assert_eq!(cron(text).never_occurs(), never, "{text}");
    }
}

#[test]
fn blanks_are_normal_and_spans_are_those_of_the_text() {
    let text = " 0\t 12 *\u{a0}* Mon ";
    assert_eq!(cron(text).text, "0 12 * * Mon");
    let fields: Vec<_> = field_spans(text).into_iter().filter_map(|span| text.get(span)).collect();
    assert_eq!(fields, ["0", "12", "*", "*", "Mon"]);
    assert_eq!(cron(text).field(CronField::Weekday), "Mon");
}

proptest! {
    #[test]
    fn whatever_the_text_the_error_lies_within_it(
        text in "[-0-9*/,@?LW# a-zA-Z]{0,24}|([0-9*/-]{1,4} ){4}[a-zA-Z0-9-]{1,8}|.*"
    ) {
        if let Err(error) = text.parse::<Cron>() {
            prop_assert!(text.get(error.span).is_some());
        }
    }

    #[test]
    fn a_suggested_replacement_mends_the_range(
        field in 0..5_usize, low in 0..60_u8, high in 0..60_u8, step in 1..20_u8, named: bool
    ) {
        let mut fields = ["0", "0", "1", "1", "1"].map(str::to_owned);
        let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
        let write = |value: u8| match weekdays.get(usize::from(value)) {
            Some(name) if named && field == 4 => (*name).to_owned(),
            _ => value.to_string(),
        };
        fields[field] = format!("{}-{}/{step}", write(low), write(high));
        let text = fields.join(" ");
        if let Err(CronError { span, suggestion: Some(suggestion), .. }) = text.parse::<Cron>() {
            let mut mended = text.clone();
            mended.replace_range(span, &suggestion);
            prop_assert!(mended.parse::<Cron>().is_ok(), "{} => {}", text, mended);
        }
    }
}
