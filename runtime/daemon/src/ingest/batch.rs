//! From the bytes of a body or a file to what the log is to store.

use std::ops::Range;
use std::time::SystemTime;

use aquarium_charging::Reason;
use aquarium_charging::input::{self, Message, Refusal, Source};
use aquarium_charging::record::Body;
use aquarium_ir::Millis;
use aquarium_store::{Appended, Digest, Kind, NewRecord, partition_of};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::cloud;

use crate::trace::{self, TraceId};

/// How messages are laid out in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One JSON object, or an array of them.
    Json,
    /// One JSON object on each line.
    Lines,
    /// One CloudEvent, or an array of them.
    Cloud,
}

/// Messages, read, together with their bytes.
#[derive(Debug)]
pub struct Batch {
    bytes: Vec<u8>,
    items: Vec<Item>,
    received_millis: i64,
    single: bool,
}

/// A message.
#[derive(Debug)]
struct Item {
    place: Range<usize>,
    id: Option<Box<str>>,
    received_millis: Option<i64>,
    read: Result<Accepted, Refusal>,
}

/// A message that is a record.
#[derive(Debug)]
struct Accepted {
    kind: Kind,
    partition: Option<u16>,
    user: Box<str>,
    occurred: Millis,
    key: Digest,
    content: Digest,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Answer {
    /// Its id, where one could be read.
    pub id: Option<String>,
    /// What became of it.
    pub result: Outcome,
    /// Why it is in quarantine.
    #[schema(value_type = Option<String>)]
    pub reason: Option<Reason>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What may become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is in the log now.
    Stored,
    /// It was in the log already.
    Duplicate,
    /// Its id is in the log with other content; it is in quarantine.
    Conflict,
    /// It cannot be taken as it is; it is in quarantine.
    Quarantined,
}

impl Outcome {
    /// Its name, as answers have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::Quarantined => "quarantined",
        }
    }
}

impl Batch {
    /// Reads messages.
    pub fn read(bytes: Vec<u8>, layout: Layout, source: &Source, partitions: u16) -> Self {
        Self::read_checked(bytes, layout, source, partitions, &|_| Ok(()))
    }

    /// Reads messages, each of which must pass a check besides.
    pub fn read_checked(
        bytes: Vec<u8>,
        layout: Layout,
        source: &Source,
        partitions: u16,
        check: &dyn Fn(&Message<'_>) -> Result<(), Refusal>,
    ) -> Self {
        let array = match layout {
            Layout::Json | Layout::Cloud => elements(&bytes),
            Layout::Lines => Some(lines(&bytes)),
        };
        let single = array.is_none();
        let places = array.unwrap_or_else(|| std::iter::once(0..bytes.len()).collect());
        if layout == Layout::Cloud {
            return Self::read_envelopes(&bytes, places, single, source, partitions, check);
        }
        let read = |place| Item::read(&bytes, place, source, partitions, check);
        let items = places.into_iter().map(read).collect();
        Self { bytes, items, received_millis: source.received.0, single }
    }

    /// Reads the events within envelopes; their texts take the place of the envelopes'.
    fn read_envelopes(
        envelopes: &[u8],
        places: Vec<Range<usize>>,
        single: bool,
        source: &Source,
        partitions: u16,
        check: &dyn Fn(&Message<'_>) -> Result<(), Refusal>,
    ) -> Self {
        let mut bytes = Vec::with_capacity(envelopes.len());
        let mut items = Vec::with_capacity(places.len());
        for place in places {
            let envelope = envelopes.get(place).unwrap_or_default();
            let event = text(envelope).and_then(cloud::event);
            let start = bytes.len();
            bytes.extend_from_slice(event.as_ref().map_or(envelope, |event| event.as_bytes()));
            let place = start..bytes.len();
            items.push(match event {
                Ok(_) => Item::read(&bytes, place, source, partitions, check),
                Err(refusal) => Item::refused(&bytes, place, refusal),
            });
        }
        Self { bytes, items, received_millis: source.received.0, single }
    }

    /// Bytes that are not looked into: they go to quarantine as they are.
    pub fn refused(bytes: Vec<u8>, refusal: Refusal, received: Millis) -> Self {
        let item = Item { place: 0..bytes.len(), id: None, received_millis: None, read: Err(refusal) };
        Self { bytes, items: vec![item], received_millis: received.0, single: true }
    }

    /// Takes in another batch, as if both had been received at once.
    pub fn absorb(&mut self, other: Self) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        let moved = |item: Item| Item { place: item.place.start + start..item.place.end + start, ..item };
        self.items.extend(other.items.into_iter().map(moved));
        self.single = false;
    }

    /// Whether the bytes are one message, not an array or lines.
    pub fn is_single(&self) -> bool {
        self.single
    }

    /// The number of messages.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// The last instant at which something happened.
    pub fn latest(&self) -> Option<Millis> {
        self.items.iter().filter_map(|item| item.read.as_ref().ok()).map(|accepted| accepted.occurred).max()
    }

    /// Bytes of the messages.
    pub fn byte_length(&self) -> usize {
        self.bytes.len()
    }

    /// Whether not one message could be read, because nothing of it is JSON.
    pub fn unreadable(&self) -> bool {
        if self.single {
            return serde_json::from_slice::<IgnoredAny>(&self.bytes).is_err();
        }
        let not_json = |item: &Item| matches!(&item.read, Err(refusal) if refusal.reason == Reason::NotJson);
        !self.items.is_empty() && self.items.iter().all(not_json)
    }

    /// The records that the log is to store, one for each message.
    pub fn records(&self) -> impl Iterator<Item = NewRecord<'_>> {
        self.items.iter().map(|item| item.record(&self.bytes, self.received_millis))
    }

    /// Says what became of each message, under its trace id.
    pub fn trace(&self, answers: &[Answer], began: SystemTime) {
        if !trace::is_wanted() {
            return;
        }
        for (item, answer) in self.items.iter().zip(answers) {
            let Answer { id, result, .. } = answer;
            match &item.read {
                Ok(Accepted { key, user, .. }) => {
                    let id = id.as_deref().unwrap_or_default();
                    trace::taken_in(TraceId(*key), user, id, *result, began);
                }
                Err(_) => tracing::debug!(id, ?result, "took a message in"),
            }
        }
    }

    /// What became of each message.
    pub fn answers(&self, appended: &[Appended]) -> Vec<Answer> {
        self.items.iter().zip(appended).map(|(item, appended)| item.answer(*appended)).collect()
    }
}

impl Item {
    fn read(
        bytes: &[u8],
        place: Range<usize>,
        source: &Source,
        partitions: u16,
        check: &dyn Fn(&Message<'_>) -> Result<(), Refusal>,
    ) -> Self {
        let text = bytes.get(place.clone()).unwrap_or_default();
        match input::read(text, source).and_then(|message| check(&message).map(|()| message)) {
            Ok(message) => Self {
                place,
                id: Some(Box::from(&*message.record.id)),
                received_millis: message.received_given().then_some(message.record.received.0),
                read: Ok(Accepted::of(&message, partitions)),
            },
            Err(refusal) => Self::refused(bytes, place, refusal),
        }
    }

    fn refused(bytes: &[u8], place: Range<usize>, refusal: Refusal) -> Self {
        let id = id_of(bytes.get(place.clone()).unwrap_or_default());
        Self { place, id, received_millis: None, read: Err(refusal) }
    }

    fn record<'a>(&'a self, bytes: &'a [u8], received_millis: i64) -> NewRecord<'a> {
        let body = bytes.get(self.place.clone()).unwrap_or_default();
        let received_millis = self.received_millis.unwrap_or(received_millis);
        match &self.read {
            Ok(Accepted { kind, partition, user, key, content, .. }) => NewRecord {
                kind: *kind,
                partition: *partition,
                user,
                received_millis,
                key: *key,
                content: *content,
                note: "",
                body,
            },
            Err(refusal) => NewRecord::quarantined(refusal.reason, &refusal.message, body, received_millis),
        }
    }

    fn answer(&self, appended: Appended) -> Answer {
        let id = self.id.as_deref().map(str::to_owned);
        if let Err(refusal) = &self.read {
            let message = Some(refusal.message.clone());
            return Answer { id, result: Outcome::Quarantined, reason: Some(refusal.reason), message };
        }
        let (result, reason) = match appended {
            Appended::Stored { .. } => (Outcome::Stored, None),
            Appended::Duplicate => (Outcome::Duplicate, None),
            Appended::Conflict => (Outcome::Conflict, Some(Reason::Conflict)),
        };
        Answer { id, result, reason, message: None }
    }
}

impl Accepted {
    fn of(message: &Message<'_>, partitions: u16) -> Self {
        let record = &message.record;
        let kind = match record.body {
            Body::Resource(_) => Kind::ResourceEvent,
            Body::User(_) => Kind::UserEvent,
            _ => Kind::Runtime,
        };
        let partition = match record.body {
            Body::Tick { partition, .. } => u16::try_from(partition).ok(),
            _ if record.user.is_empty() => None,
            _ => Some(partition_of(&record.user, partitions)),
        };
        let (key, content) = (Digest(message.key()), Digest(message.content()));
        Self { kind, partition, user: Box::from(&*record.user), occurred: record.occurred, key, content }
    }
}

fn text(bytes: &[u8]) -> Result<&str, Refusal> {
    str::from_utf8(bytes)
        .map_err(|error| Refusal { reason: Reason::NotJson, message: format!("not UTF-8: {error}") })
}

/// The id of a message that was refused, where it has one that can be told.
fn id_of(text: &[u8]) -> Option<Box<str>> {
    #[derive(Deserialize)]
    struct WithId {
        id: Box<str>,
    }
    let short = |id: &str| id.len() <= input::ID_BYTES_MAX;
    serde_json::from_slice::<WithId>(text).ok().map(|message| message.id).filter(|id| short(id))
}

/// Where the elements of an array stand; `None`: it is no array.
fn elements(bytes: &[u8]) -> Option<Vec<Range<usize>>> {
    let text = str::from_utf8(bytes).ok()?;
    let elements = serde_json::from_str::<Vec<&RawValue>>(text).ok()?;
    let start = bytes.as_ptr() as usize;
    let place = |element: &RawValue| {
        let from = (element.get().as_ptr() as usize).saturating_sub(start);
        from..from.saturating_add(element.get().len())
    };
    Some(elements.into_iter().map(place).collect())
}

/// Where the lines stand that are not blank.
fn lines(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', bytes).chain(std::iter::once(bytes.len())) {
        let blank = bytes.get(start..end).is_none_or(|line| line.trim_ascii().is_empty());
        if !blank {
            places.push(start..end);
        }
        start = end + 1;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, layout: Layout) -> Vec<String> {
        let source =
            Source { received: Millis(7), keeps_received: false, writes_records: false, plausible: None };
        let batch = Batch::read(text.as_bytes().to_vec(), layout, &source, 64);
        batch.records().map(|record| String::from_utf8(record.body.to_vec()).unwrap()).collect()
    }

    #[test]
    fn messages_are_found_in_every_layout() {
        for (text, layout, expected) in [
            ("{}", Layout::Json, vec!["{}"]),
            (" [ {} , 1,\n\"x\" ] ", Layout::Json, vec!["{}", "1", "\"x\""]),
            ("[]", Layout::Json, vec![]),
            ("[{}", Layout::Json, vec!["[{}"]),
            ("{}\n\n {\"a\":1}\r\n", Layout::Lines, vec!["{}", " {\"a\":1}\r"]),
            ("", Layout::Lines, vec![]),
        ] {
            assert_eq!(read(text, layout), expected, "{text}");
        }
    }

    #[test]
    fn answers_name_the_id_and_the_reason() {
        let source =
            Source { received: Millis(7), keeps_received: false, writes_records: false, plausible: None };
        let batch = Batch::read(b"{\"id\":\"a\"}\nnonsense".to_vec(), Layout::Lines, &source, 64);
        let answers = batch.answers(&[Appended::Duplicate, Appended::Duplicate]);
        let told: Vec<_> =
            answers.iter().map(|answer| (answer.id.as_deref(), answer.result, answer.reason)).collect();
        let quarantined = Outcome::Quarantined;
        assert_eq!(
            told,
            [
                (Some("a"), quarantined, Some(Reason::MissingField)),
                (None, quarantined, Some(Reason::NotJson))
            ]
        );
    }
}
