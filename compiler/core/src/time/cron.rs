//! Cron patterns of ranges and plans: what is wrong with them, and what is probably not meant.

use std::ops::Range;

use aquarium_ir::time::Cron;
use aquarium_ir::time::cron::{CronField, field_spans};

use crate::FileSpan;
use crate::diagnostic::{Code, Diagnostic};
use crate::items::Text;

/// Reads a pattern that has to begin at definite minutes.
pub fn read(text: &Text, findings: &mut Vec<Diagnostic>) -> Option<Cron> {
    let cron: Cron = match text.value.parse() {
        Ok(cron) => cron,
        Err(error) => {
            findings.push(unreadable(text, &error));
            return None;
        }
    };
    let fields = field_spans(&text.value);
    if let Some(open) = cron.open_time_field() {
        findings.push(open_field(text, &cron, open, &fields));
        return None;
    }
    if cron.never_occurs() {
        let message = format!("`{}` names a day that never comes", cron.text);
        let day = place_of(text, &fields, CronField::Day);
        let month = place_of(text, &fields, CronField::Month);
        let place = FileSpan { end: month.end.max(day.end), ..day };
        let finding = Diagnostic::new(Code::NeverOccurs, place, message).at("the day and the month");
        findings.push(finding.help("no month of these has such a day: correct the day or the month"));
    }
    findings.extend(either_day(text, &cron, &fields));
    findings.extend(hour_as_day(text, &cron, &fields));
    Some(cron)
}

/// The place of some bytes of a text: exact where the text stands as it is, with or without quotes.
pub fn within(text: &Text, part: Range<usize>) -> FileSpan {
    let length = (text.span.end - text.span.start) as usize;
    let quote = match length.checked_sub(text.value.len()) {
        Some(0) => 0,
        Some(2) => 1,
        _ => return text.span,
    };
    let place = |offset: usize| {
        u32::try_from(offset).map_or(text.span.end, |offset| text.span.start + quote + offset)
    };
    FileSpan { start: place(part.start), end: place(part.end), ..text.span }
}

fn unreadable(text: &Text, error: &aquarium_ir::time::CronError) -> Diagnostic {
    let place = within(text, error.span.clone());
    let finding = Diagnostic::new(Code::BadCron, place, error.message.clone());
    let Some(suggestion) = &error.suggestion else { return finding };
    let before = text.value.get(..error.span.start).unwrap_or_default();
    let after = text.value.get(error.span.end..).unwrap_or_default();
    let whole = format!("{before}{suggestion}{after}");
    let title = format!("write `{suggestion}`");
    finding.help(title.clone()).fix(title, text.span, format!("\"{whole}\""))
}

fn place_of(text: &Text, fields: &[Range<usize>], field: CronField) -> FileSpan {
    fields.get(field as usize).map_or(text.span, |range| within(text, range.clone()))
}

fn open_field(text: &Text, cron: &Cron, field: CronField, fields: &[Range<usize>]) -> Diagnostic {
    let (name, written) = (field.name(), cron.field(field));
    let message = format!("the {name} `{written}` is open: a range or a plan needs a definite {name}");
    let finding = Diagnostic::new(Code::OpenCron, place_of(text, fields, field), message);
    finding.help("write a number, a list or a range")
}

fn either_day(text: &Text, cron: &Cron, fields: &[Range<usize>]) -> Option<Diagnostic> {
    if !cron.either_day_matches() {
        return None;
    }
    let (day, weekday) = (cron.field(CronField::Day), cron.field(CronField::Weekday));
    let message =
        format!("a day matches if it is a `{day}` of the month or a `{weekday}`, not only if it is both");
    let finding = Diagnostic::new(Code::EitherDay, place_of(text, fields, CronField::Day), message);
    let weekday_place = place_of(text, fields, CronField::Weekday);
    Some(finding.label(weekday_place, "or this").help("write `*` for one of the two days"))
}

/// `00 00 12 * *`: midnight before the 12th, most often meant as noon.
fn hour_as_day(text: &Text, cron: &Cron, fields: &[Range<usize>]) -> Option<Diagnostic> {
    let day = cron.hour_as_day()?;
    let field = |field| cron.field(field);
    let (minute, month, weekday) =
        (field(CronField::Minute), field(CronField::Month), field(CronField::Weekday));
    let meant = format!("{minute} {day:02} * {month} {weekday}");
    let message = format!("`{}` is 0:00 on day {day} of the month", cron.text);
    let finding = Diagnostic::new(Code::HourAsDay, place_of(text, fields, CronField::Day), message)
        .at("the third field is the day of the month")
        .help(format!("if {day} o'clock is meant, write `{meant}`"));
    Some(finding.fix(format!("write `{meant}`"), text.span, format!("\"{meant}\"")))
}

/// The minute after a lone minute 59, as a pattern, where it can be said in one.
#[must_use]
pub fn minute_after(cron: &Cron) -> Option<String> {
    let fields: Vec<&str> = cron.text.split(' ').collect();
    let [_, _, day, month, weekday] = fields.as_slice() else { return None };
    let hour = lone_bit(u64::from(cron.hours))?;
    if hour < 23 {
        return Some(format!("00 {:02} {day} {month} {weekday}", hour + 1));
    }
    match (cron.days_restricted, cron.weekdays_restricted) {
        (false, false) if *month == "*" => Some("00 00 * * *".to_owned()),
        (false, true) if *month == "*" => {
            let next = (lone_bit(u64::from(cron.weekdays))? + 1) % 7;
            let by_name = weekday.starts_with(|letter: char| letter.is_ascii_alphabetic());
            let name =
                if by_name { (*WEEKDAYS.get(usize::from(next))?).to_owned() } else { next.to_string() };
            Some(format!("00 00 * * {name}"))
        }
        _ => None,
    }
}

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

fn lone_bit(bits: u64) -> Option<u8> {
    (bits.count_ones() == 1).then(|| u8::try_from(bits.trailing_zeros()).ok()).flatten()
}
