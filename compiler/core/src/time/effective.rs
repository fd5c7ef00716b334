//! From `effective` as written to a time frame, and what is probably not meant by it.

use std::collections::{BTreeMap, BTreeSet};

use aquarium_ir::Millis;
use aquarium_ir::time::civil::{DAY, MINUTE};
use aquarium_ir::time::{
    Calendar, Cron, Date, Frame, FrameId, InstantForm, Interval, Range, WrittenInstant, Zone,
};

use super::cron;
use crate::FileSpan;
use crate::diagnostic::{Code, Diagnostic};
use crate::findings::Findings;
use crate::items::Text;

/// `effective` as it is written.
#[derive(Debug, Default)]
pub struct Written {
    /// The first instant.
    pub from: Option<Text>,
    /// The instant after the last.
    pub to: Option<Text>,
    /// Ranges that repeat.
    pub repeat: Vec<WrittenRange>,
    /// What is cut out.
    pub except: Vec<Except>,
}

/// One entry of `repeat`.
#[derive(Debug)]
pub struct WrittenRange {
    /// The whole entry.
    pub span: FileSpan,
    /// Its starts.
    pub start: Option<Text>,
    /// Its ends.
    pub end: Option<Text>,
}

/// One entry of `except`.
#[derive(Debug)]
pub enum Except {
    /// A whole day.
    Date(Text),
    /// From an instant to another.
    Between(Option<Text>, Option<Text>),
}

impl Except {
    /// Where it stands; `None` of one that says nothing.
    fn span(&self) -> Option<FileSpan> {
        match self {
            Self::Date(text) => Some(text.span),
            Self::Between(from, to) => from.as_ref().or(to.as_ref()).map(|text| text.span),
        }
    }
}

/// Makes frames, equal ones once.
#[derive(Debug)]
pub struct Frames {
    zone: Zone,
    ids: BTreeMap<Frame, FrameId>,
    frames: Vec<Frame>,
    /// Those whose ranges are as they should be: many items have the same few frames.
    sound: BTreeSet<FrameId>,
}

impl Frames {
    /// No frames yet; local times are those of `zone`.
    #[must_use]
    pub fn new(zone: Zone) -> Self {
        Self { zone, ids: BTreeMap::new(), frames: Vec::new(), sound: BTreeSet::new() }
    }

    /// All frames made.
    #[must_use]
    pub fn into_vec(self) -> Vec<Frame> {
        self.frames
    }

    /// The frame that is written; `None` where it cannot be read or says nothing.
    pub fn read(&mut self, written: &Written, findings: &mut Findings) -> Option<FrameId> {
        let mut own = Vec::new();
        let frame = self.checked(written, &mut own);
        findings.extend(own);
        frame
    }

    /// `findings` are those of this frame alone.
    fn checked(&mut self, written: &Written, findings: &mut Vec<Diagnostic>) -> Option<FrameId> {
        let frame = self.frame(written, findings);
        if let Some(finding) = too_dense(&frame, written) {
            findings.push(finding);
            return None;
        }
        let broken = findings.iter().any(|finding| finding.code.entry().name.is_none());
        let says_nothing = frame.from == Millis::MIN
            && frame.to == Millis::MAX
            && frame.repeat.is_empty()
            && frame.except.is_empty();
        if broken || says_nothing {
            return None;
        }
        let is_slip = findings.iter().any(|finding| finding.code == Code::SecondsForMillis);
        findings.extend(last_minutes(&frame, written));
        let id = self.intern(&frame);
        // In a frame at the wrong time the ranges mean nothing.
        if !is_slip && !self.sound.contains(&id) {
            let before = findings.len();
            self.check_ranges(&frame, written, findings);
            if findings.len() == before {
                self.sound.insert(id);
            }
        }
        Some(id)
    }

    fn intern(&mut self, frame: &Frame) -> FrameId {
        if let Some(known) = self.ids.get(frame) {
            return *known;
        }
        let id = FrameId(u32::try_from(self.frames.len()).unwrap_or(u32::MAX));
        self.frames.push(frame.clone());
        self.ids.insert(frame.clone(), id);
        id
    }

    fn frame(&self, written: &Written, findings: &mut Vec<Diagnostic>) -> Frame {
        let before = findings.len();
        let from = written.from.as_ref().and_then(|text| self.instant(text, findings));
        let to = written.to.as_ref().and_then(|text| self.instant(text, findings));
        mend_together(findings.get_mut(before..).unwrap_or_default());
        findings.extend(order(written.from.as_ref(), written.to.as_ref(), from, to));
        Frame {
            from: from.unwrap_or(Millis::MIN),
            to: to.unwrap_or(Millis::MAX),
            repeat: written.repeat.iter().filter_map(|range| read_range(range, findings)).collect(),
            except: written.except.iter().filter_map(|except| self.except(except, findings)).collect(),
        }
    }

    fn instant(&self, text: &Text, findings: &mut Vec<Diagnostic>) -> Option<Millis> {
        match WrittenInstant::read(&text.value, &self.zone) {
            Ok(read) => {
                findings.extend(read.read_as_seconds().map(|seconds| self.slip(text, read.instant, seconds)));
                Some(read.instant)
            }
            Err(error) => {
                findings.push(Diagnostic::new(Code::BadInstant, text.span, error.to_string()));
                None
            }
        }
    }

    fn slip(&self, text: &Text, millis: Millis, seconds: Millis) -> Diagnostic {
        let (as_millis, as_seconds) = (self.zone.format(millis), self.zone.format(seconds));
        let message =
            format!("`{}` is {as_millis} in milliseconds; in seconds it is {as_seconds}", text.value);
        Diagnostic::new(Code::SecondsForMillis, text.span, message)
            .at("most probably seconds")
            .help(format!("write milliseconds: {}", seconds.0))
            .fix(format!("write milliseconds: {}", seconds.0), text.span, seconds.0.to_string())
    }

    fn except(&self, except: &Except, findings: &mut Vec<Diagnostic>) -> Option<(Millis, Millis)> {
        match except {
            Except::Date(text) => self.day(text, findings),
            Except::Between(from, to) => {
                let start = from.as_ref().map(|text| self.instant(text, findings));
                let end = to.as_ref().map(|text| self.instant(text, findings));
                let (start, end) = (start.unwrap_or(Some(Millis::MIN))?, end.unwrap_or(Some(Millis::MAX))?);
                findings.extend(order(from.as_ref(), to.as_ref(), Some(start), Some(end)));
                Some((start, end))
            }
        }
    }

    /// The whole of a local day.
    fn day(&self, text: &Text, findings: &mut Vec<Diagnostic>) -> Option<(Millis, Millis)> {
        let start = self.instant(text, findings)?;
        let form = WrittenInstant::read(&text.value, &self.zone).ok()?.form;
        if form != InstantForm::Date {
            let message = format!("`{}` is an instant, where a whole day is cut out", text.value);
            let finding = Diagnostic::new(Code::BadInstant, text.span, message);
            findings.push(finding.help("write a date, or `{from: ..., to: ...}`"));
            return None;
        }
        let date = self.zone.local(start).date();
        let next = Date::from_day_number(date.day_number() + 1);
        Some((start, self.zone.instant(next.midnight())))
    }

    /// What is said about ranges that can be read but are probably not meant.
    fn check_ranges(&self, frame: &Frame, written: &Written, findings: &mut Vec<Diagnostic>) {
        let Some(first) = written.repeat.first() else {
            findings.extend(all_cut_out(frame, written));
            return;
        };
        let has_last_minute = last_minutes(frame, written).next().is_some();
        if let Some(gap) = self.minute_gap(frame).filter(|_| !has_last_minute) {
            let message = format!("these ranges leave exactly the minute of {}", self.zone.format(gap));
            let finding = Diagnostic::new(Code::MinuteGap, first.span, message);
            findings.push(finding.help("let each range end where the next begins"));
        }
        let never = |range: &Range| range.start.never_occurs() || range.end.never_occurs();
        if frame.repeat.iter().any(never) {
            return;
        }
        if let Some(what) = self.idle(frame) {
            let message = match (&written.from, &written.to) {
                (None, None) => format!("the ranges of `repeat` cover {what} of the time"),
                _ => format!("the ranges of `repeat` cover {what} of the time between `from` and `to`"),
            };
            let finding = Diagnostic::new(Code::IdleRange, first.span, message);
            findings.push(finding.help("correct `start` or `end`, or leave `repeat` out"));
        }
    }

    fn start_of(frame: &Frame) -> Millis {
        frame.from.max(Millis::EPOCH)
    }

    /// The first gap of exactly one minute between the ranges, in the first weeks.
    fn minute_gap(&self, frame: &Frame) -> Option<Millis> {
        let intervals = self.first_days(frame, WEEKS);
        intervals.windows(2).find_map(|pair| match pair {
            [before, after] => (after.start.0 - before.end.0 == MINUTE).then_some(before.end),
            _ => None,
        })
    }

    /// Whether the ranges cover everything or nothing of the frame.
    fn idle(&self, frame: &Frame) -> Option<&'static str> {
        let start = Self::start_of(frame);
        let is_whole = |days: i64| {
            let end = Millis(start.0.saturating_add(days * DAY)).min(frame.to);
            let ranges = Frame { except: Vec::new(), ..frame.clone() };
            ranges.intervals(&self.zone, start, end) == [Interval { start, end }]
        };
        if start < frame.to && is_whole(WEEKS) && is_whole(YEARS) {
            return Some("all");
        }
        let mut calendar = Calendar::new(self.zone.clone(), std::slice::from_ref(frame));
        let never = calendar.membership(FrameId(0), start);
        (!never.inside && never.until == Millis::MAX).then_some("nothing")
    }

    fn first_days(&self, frame: &Frame, days: i64) -> Vec<Interval> {
        let start = Self::start_of(frame);
        frame.intervals(&self.zone, start, Millis(start.0.saturating_add(days * DAY)).min(frame.to))
    }
}

/// Both ends of a frame in seconds: one fix mends them both, so that `from` stays before `to`.
fn mend_together(slips: &mut [Diagnostic]) {
    let [first, second] = slips else { return };
    let (Some(from), Some(to)) = (&mut first.fix, &mut second.fix) else { return };
    from.edits.append(&mut to.edits.clone());
    to.edits.clone_from(&from.edits);
    "write milliseconds in `from` and `to`".clone_into(&mut from.title);
    to.title.clone_from(&from.title);
}

/// How often a day the ranges of one frame may begin, all entries of `repeat` taken together: once a minute.
/// It bounds how much there is to expand.
const RANGES_A_DAY_MAX: i64 = 24 * 60;

/// What is said about a frame of which `except` leaves nothing.
fn all_cut_out(frame: &Frame, written: &Written) -> Option<Diagnostic> {
    let place = written.except.iter().find_map(Except::span)?;
    let is_left = !frame.intervals(&Zone::utc(), frame.from, frame.to).is_empty();
    let message = "`except` cuts out all of the time between `from` and `to`";
    (!is_left).then(|| Diagnostic::new(Code::IdleRange, place, message))
}

fn too_dense(frame: &Frame, written: &Written) -> Option<Diagnostic> {
    let begins = frame.ranges_a_day();
    let first = written.repeat.first().filter(|_| begins > RANGES_A_DAY_MAX)?;
    let message =
        format!("these ranges begin {begins} times a day, a time frame takes at most {RANGES_A_DAY_MAX}");
    let finding = Diagnostic::new(Code::OverLimit, first.span, message);
    Some(finding.help("join the ranges that follow each other"))
}

/// Days in which weekly ranges show what they leave out.
const WEEKS: i64 = 15;
/// Days in which yearly ranges do.
const YEARS: i64 = 5 * 366;

fn order(
    from: Option<&Text>,
    to: Option<&Text>,
    start: Option<Millis>,
    end: Option<Millis>,
) -> Option<Diagnostic> {
    let (from, to, start, end) = (from?, to?, start?, end?);
    if start < end {
        return None;
    }
    let message = format!("`from` ({}) is not before `to` ({})", from.value, to.value);
    let finding = Diagnostic::new(Code::EmptyFrame, to.span, message).label(from.span, "begins here");
    Some(finding.help("the frame holds from `from` until just before `to`"))
}

fn read_range(written: &WrittenRange, findings: &mut Vec<Diagnostic>) -> Option<Range> {
    let start = written.start.as_ref().and_then(|text| cron::read(text, findings));
    let end = written.end.as_ref().and_then(|text| cron::read(text, findings));
    Some(Range { start: start?, end: end? })
}

/// What is said about ends at minute 59.
fn last_minutes<'w>(frame: &'w Frame, written: &'w Written) -> impl Iterator<Item = Diagnostic> + 'w {
    let ends = frame.repeat.iter().zip(&written.repeat);
    ends.filter_map(|(range, written)| last_minute(range, written.end.as_ref()?))
}

/// An end at minute 59: the author most probably means the whole hour.
fn last_minute(range: &Range, end: &Text) -> Option<Diagnostic> {
    let Range { end: Cron { minutes, .. }, .. } = range;
    if *minutes != 1 << 59 {
        return None;
    }
    let message = format!("the range ends before minute 59 of `{}`: one minute is left out", end.value);
    let finding = Diagnostic::new(Code::MinuteGap, end.span, message).at("an end is exclusive");
    Some(match cron::minute_after(&range.end) {
        Some(next) => {
            let title = format!("end at `{next}`");
            finding.help(title.clone()).fix(title, end.span, format!("\"{next}\""))
        }
        None => finding.help("end at the minute after it"),
    })
}
