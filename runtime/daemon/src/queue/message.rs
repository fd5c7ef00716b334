//! From a message of a broker to what the log is to store.

use aquarium_charging::Reason;
use aquarium_charging::input::Refusal;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use crate::clients::Clients;
use crate::daemon::Daemon;
use crate::ingest::{Batch, Layout};

/// How much is kept of a message that is too large.
const KEPT_BYTES: usize = 64 << 10;

/// A message as it came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// The property `content_type`.
    pub content_type: Option<String>,
    /// The property `content_encoding`.
    pub content_encoding: Option<String>,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// Reads messages into one batch; whatever is none of events is in it as refused.
pub fn read(daemon: &Daemon, clients: &Clients, messages: Vec<Message>) -> Option<Batch> {
    let mut batches = messages.into_iter().map(|message| read_one(daemon, clients, message));
    let mut batch = batches.next()?;
    batches.for_each(|next| batch.absorb(next));
    Some(batch)
}

fn read_one(daemon: &Daemon, clients: &Clients, message: Message) -> Batch {
    match layout(&message, daemon.configuration.ingest.body_bytes_max) {
        Ok(layout) => daemon.read_live(message.body, layout, &|message| clients.check(message)),
        Err(why) => {
            let refusal = Refusal { reason: Reason::NotJson, message: why };
            Batch::refused(kept(message.body), refusal, daemon.clock.now())
        }
    }
}

/// What is kept of a message that is not looked into. Of a large one it is the beginning, and by what it is known from
/// others that begin alike: quarantine lists the same bytes once.
fn kept(mut body: Vec<u8>) -> Vec<u8> {
    if body.len() > KEPT_BYTES {
        let digest: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
        let rest = format!("\n({} bytes in all, SHA-256 {digest})", body.len());
        body.truncate(KEPT_BYTES);
        body.extend_from_slice(rest.as_bytes());
    }
    body
}

/// How the events of a message are laid out, by what it says of itself, or else by its bytes.
fn layout(message: &Message, bytes_max: usize) -> Result<Layout, String> {
    let length = message.body.len();
    if length > bytes_max {
        return Err(format!(
            "the message has {length} bytes, more than `ingest.body_bytes_max` ({bytes_max}); its first \
             {KEPT_BYTES} at most are kept: send events in smaller messages"
        ));
    }
    let encoding = message.content_encoding.as_deref().unwrap_or_default().trim().to_ascii_lowercase();
    if !matches!(&*encoding, "" | "identity" | "utf-8" | "utf8") {
        return Err(format!("the content encoding `{encoding}` is not known: send plain UTF-8"));
    }
    let content_type = message.content_type.as_deref().unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match &*essence {
        "application/json" | "text/json" | "" | "application/octet-stream" | "text/plain" => {
            Ok(if has_lines(&message.body) { Layout::Lines } else { Layout::Json })
        }
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => {
            let blank = message.body.trim_ascii().is_empty();
            Ok(if blank { Layout::Json } else { Layout::Lines })
        }
        "application/cloudevents+json" | "application/cloudevents-batch+json" => Ok(Layout::Cloud),
        _ => Err(format!(
            "the content type `{essence}` is none of events: send `application/json`, `application/x-ndjson` or \
             `application/cloudevents+json`"
        )),
    }
}

/// Whether there is more after a first line that is JSON by itself.
fn has_lines(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    let Some(end) = memchr::memchr(b'\n', body) else { return false };
    let (first, _) = body.split_at(end);
    serde_json::from_slice::<IgnoredAny>(first).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(content_type: &str, content_encoding: &str, body: &str) -> Result<Layout, String> {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let message = Message {
            content_type: given(content_type),
            content_encoding: given(content_encoding),
            body: body.into(),
        };
        layout(&message, 100)
    }

    #[test]
    fn large_messages_that_begin_alike_are_kept_apart() {
        let large = |end: u8| {
            let mut body = vec![b'x'; KEPT_BYTES];
            body.push(end);
            kept(body)
        };
        assert_ne!(large(b'1'), large(b'2'));
        assert_eq!(large(b'1'), large(b'1'));
        assert!(large(b'1').len() < KEPT_BYTES + 128);
        assert_eq!(kept(b"small".to_vec()), b"small");
    }

    #[test]
    fn the_layout_is_what_the_message_says_or_else_what_its_bytes_are() {
        let lines = "{\"id\":1}\n{\"id\":2}\n";
        for (content_type, body, expected) in [
            ("", "{}", Layout::Json),
            ("", "\n{\n  \"id\": 1\n}\n", Layout::Json),
            ("", "[\n{},\n{}]", Layout::Json),
            ("", lines, Layout::Lines),
            ("application/json; charset=utf-8", lines, Layout::Lines),
            ("text/plain", "{}", Layout::Json),
            ("application/octet-stream", "nonsense\n{}", Layout::Json),
            ("Application/X-NDJSON", "{}", Layout::Lines),
            ("application/x-ndjson", " \n", Layout::Json),
            ("application/cloudevents+json", "{}", Layout::Cloud),
        ] {
            assert_eq!(of(content_type, "", body), Ok(expected), "{content_type} {body}");
        }
        assert!(of("image/png", "", "{}").unwrap_err().contains("`image/png`"));
        assert!(of("", "gzip", "{}").unwrap_err().contains("`gzip`"));
        assert!(of("", "", &" ".repeat(101)).unwrap_err().contains("101 bytes"));
    }
}
