//! The lines of event files as a log: whom they concern, what repeats, what is set aside, what is deployed.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use aquarium_ir::instant::Millis;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{Line, Quarantined};
use crate::deployments::{Deployments, Span};
use crate::input::{self, Message, Refusal, Source};
use crate::posting::{Cause, Finding};
use crate::reason::Reason;
use crate::record::{Body, Handling, Record};
use crate::version::Version;

/// What was read of all lines.
#[derive(Default)]
pub(super) struct Log<'a> {
    /// The records of each user, in the order of arrival.
    pub users: BTreeMap<String, Vec<Record<'a>>>,
    /// Messages that repeat an earlier one.
    pub duplicates: u64,
    /// The greatest instant at which anything happened.
    pub latest: Millis,
    received: Millis,
    /// Content and line by identity.
    seen: HashMap<[u8; 16], ([u8; 16], usize)>,
    lines: Vec<Line<'a>>,
    aside: Vec<Aside>,
    deployments: Vec<Deployment<'a>>,
    /// The refused input that operators have decided about.
    discarded: HashSet<[u8; 16]>,
    redriven: HashSet<[u8; 16]>,
}

/// What has no effect, and why.
struct Aside {
    /// Its place among the lines; `None` where no single one is to blame.
    line: Option<usize>,
    reason: Reason,
    message: String,
    /// What was refused, where the line only tells of it.
    text: Option<String>,
}

/// A deployment that the files tell of.
struct Deployment<'a> {
    line: usize,
    module: Cow<'a, str>,
    span: Span,
}

/// A line of an exported log that tells of refused input.
#[derive(Deserialize)]
struct Exported<'a> {
    #[serde(borrow)]
    quarantined: Kept<'a>,
}

/// Refused input as it is kept.
#[derive(Deserialize)]
struct Kept<'a> {
    #[serde(borrow)]
    reason: Cow<'a, str>,
    #[serde(borrow, default)]
    message: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

impl<'a> Log<'a> {
    /// Reads the next line.
    pub fn read(&mut self, line: Line<'a>) {
        if line.bytes.trim_ascii().is_empty() {
            return;
        }
        let index = self.lines.len();
        self.lines.push(line);
        match input::read(line.bytes, &source(self.received)) {
            Err(refusal) => self.aside.push(refused(line.bytes, index, refusal)),
            Ok(message) => self.accept(message, index),
        }
    }

    /// Receipt is `receivedMillis` where given, else `occurredMillis` made non-decreasing.
    fn accept(&mut self, mut message: Message<'a>, index: usize) {
        let record = &mut message.record;
        if !message.received_given {
            record.received = record.occurred.max(self.received);
        }
        self.received = self.received.max(record.received);
        self.latest = self.latest.max(record.occurred);
        let content = message.content();
        match self.seen.entry(message.key()) {
            Entry::Vacant(place) => {
                place.insert((content, index));
                self.take(message.record, index);
            }
            Entry::Occupied(first) if first.get().0 == content => self.duplicates += 1,
            Entry::Occupied(first) => {
                let first = self.lines.get(first.get().1).map_or(0, |line| line.number);
                let message = format!("the id was used in line {first} with other content");
                self.set_aside(Some(index), Reason::Conflict, message);
            }
        }
    }

    fn take(&mut self, record: Record<'a>, line: usize) {
        match record.body {
            Body::Deployment { module, from, to } => {
                let span = Span { from, to: to.unwrap_or(Millis::MAX), received: record.received };
                self.deployments.push(Deployment { line, module, span });
            }
            Body::Discard(handling) => {
                self.discarded.insert(named(&handling));
            }
            Body::Redrive(handling) => {
                self.redriven.insert(named(&handling));
            }
            Body::Tick { .. } => {}
            Body::Resource(_) | Body::User(_) | Body::Grant { .. } | Body::Threshold(_) | Body::Assign(_) => {
                self.users.entry(record.user.to_string()).or_default().push(record);
            }
        }
    }

    /// The versions that are given, with those deployments after the first that the files tell of: what is
    /// given beyond them was deployed later.
    pub fn deployed(&mut self, given: &Deployments) -> Deployments {
        let deployments = std::mem::take(&mut self.deployments);
        let mut versions = given.versions();
        let Some((first, span)) = versions.next().filter(|_| !deployments.is_empty()) else {
            return given.clone();
        };
        let mut all = Deployments::new();
        let mut deploy = |version: &Version, span: &Span| all.deploy(version.clone(), *span).map(|_| ());
        // What is given was deployed together before: nothing of it is refused.
        let _ = deploy(first, span);
        for Deployment { line, module, span } in deployments {
            let version = given.versions().map(|(version, _)| version).find(|it| *it.module == *module);
            let Some(version) = version else {
                let message = format!("no policy that is given has the module `{module}`: deploy it too");
                self.set_aside(Some(line), Reason::BadValue, message);
                continue;
            };
            if let Err(refusal) = deploy(version, &span) {
                self.set_aside(Some(line), Reason::BadValue, refusal.to_string());
            }
        }
        for (version, span) in versions {
            let _ = deploy(version, span);
        }
        all
    }

    /// Sets aside what a fold found about the events of a user.
    pub fn quarantine_findings(&mut self, user: &str, findings: Vec<Finding>) {
        for finding in findings {
            let line = match &finding.cause {
                Cause::Event { client, id } => self.line_of(user, client, id),
                Cause::MonthEnd => None,
            };
            self.set_aside(line, finding.reason, finding.message);
        }
    }

    fn set_aside(&mut self, line: Option<usize>, reason: Reason, message: String) {
        self.aside.push(Aside { line, reason, message, text: None });
    }

    fn line_of(&self, user: &str, client: &str, id: &str) -> Option<usize> {
        self.seen.get(&input::key_of("resource", client, user, id)).map(|(_, line)| *line)
    }

    /// What has no effect and was not decided about, by line.
    pub fn quarantined(&mut self) -> Vec<Quarantined> {
        let mut aside = std::mem::take(&mut self.aside);
        aside.retain(|aside| !self.is_decided(aside));
        aside.sort_by_key(|aside| aside.line.unwrap_or(usize::MAX));
        aside.into_iter().map(|aside| self.view(aside)).collect()
    }

    /// Whether it was discarded, or is an event by today's checks: then that stands in the files too.
    fn is_decided(&self, aside: &Aside) -> bool {
        let line = aside.line.and_then(|line| self.lines.get(line));
        let bytes = aside.text.as_ref().map(String::as_bytes).or(line.map(|line| line.bytes));
        let Some(bytes) = bytes.filter(|_| aside.reason.stage() == "ingest") else { return false };
        let key = input::refused_key(bytes);
        let reads = || input::read(bytes, &source(self.received)).is_ok();
        let redriven = aside.reason != Reason::Conflict && self.redriven.contains(&key);
        self.discarded.contains(&key) || (redriven && reads())
    }

    fn view(&self, aside: Aside) -> Quarantined {
        let line = aside.line.and_then(|index| self.lines.get(index));
        let text = aside.text.map(|text| as_json(text.as_bytes()));
        Quarantined {
            reason: aside.reason,
            stage: aside.reason.stage(),
            file: line.map(|line| line.file.to_owned()),
            line: line.map(|line| line.number),
            message: aside.message,
            event: text.or_else(|| line.map(|line| as_json(line.bytes))).flatten(),
        }
    }
}

fn source(received: Millis) -> Source {
    Source { received, keeps_received: true, writes_records: true, plausible: None }
}

/// A line that is no message: refused here, or told of as refused elsewhere.
fn refused(bytes: &[u8], line: usize, refusal: Refusal) -> Aside {
    let line = Some(line);
    let kept = serde_json::from_slice::<Exported<'_>>(bytes).ok().map(|exported| exported.quarantined);
    match kept.and_then(|kept| Some((Reason::named(&kept.reason)?, kept))) {
        Some((reason, kept)) => {
            Aside { line, reason, message: kept.message.into_owned(), text: Some(kept.text.into_owned()) }
        }
        None => Aside { line, reason: refusal.reason, message: refusal.message, text: None },
    }
}

/// What a decision is about: a digest in hexadecimal digits, or the event itself.
fn named(handling: &Handling<'_>) -> [u8; 16] {
    let text: Option<String> = serde_json::from_str(&handling.event).ok();
    let mut key = [0; 16];
    match text {
        Some(digits) if digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            for (byte, digits) in key.iter_mut().zip(digits.as_bytes().chunks(2)) {
                let digits = std::str::from_utf8(digits).unwrap_or_default();
                *byte = u8::from_str_radix(digits, 16).unwrap_or_default();
            }
            key
        }
        Some(text) => input::refused_key(text.as_bytes()),
        None => input::refused_key(handling.event.as_bytes()),
    }
}

/// Bytes as JSON: themselves where they are JSON, else a string of what can be read of them.
fn as_json(bytes: &[u8]) -> Option<Box<RawValue>> {
    let text = String::from_utf8_lossy(bytes);
    let json = serde_json::from_str::<Box<RawValue>>(&text).ok();
    json.or_else(|| to_raw_value(&text).ok())
}
