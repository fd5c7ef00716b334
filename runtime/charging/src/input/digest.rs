//! Digests by which duplicates and conflicts are found: one of a record's identity, one of its content.
//!
//! Every part is hashed with its length before it, so that no two lists of parts share their bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::Message;
use super::fields::string;
use crate::record::{Body, Handling};

/// Nesting of `details` beyond which its text is compared as it stands.
const DEPTH_MAX: usize = 32;

/// The first 128 bits of a SHA-256.
pub(super) struct Hasher(Sha256);

impl Hasher {
    pub(super) fn new() -> Self {
        Self(Sha256::new())
    }

    pub(super) fn part(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.part(text.as_bytes());
    }

    pub(super) fn finish(self) -> [u8; 16] {
        let digest = self.0.finalize();
        let mut short = [0; 16];
        short.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        short
    }
}

/// The identity: kind, client, user, id.
pub(super) fn key(kind: &str, client: &str, user: &str, id: &str) -> [u8; 16] {
    let mut hasher = Hasher::new();
    for part in [kind, client, user, id] {
        hasher.text(part);
    }
    hasher.finish()
}

/// Refused input, by its bytes.
pub(super) fn refused(bytes: &[u8]) -> [u8; 16] {
    let mut hasher = Hasher::new();
    hasher.text("quarantine");
    hasher.part(bytes);
    hasher.finish()
}

/// The content: what the fields say once they are read. When it was received and unknown fields are
/// no part of it.
pub(super) fn content(message: &Message<'_>) -> [u8; 16] {
    let mut hasher = Hasher::new();
    hasher.text(message.record.body.kind());
    if message.occurred_given {
        hasher.part(&message.record.occurred.0.to_le_bytes());
    }
    body(&mut hasher, &message.record.body);
    details(&mut hasher, message.details, 0);
    hasher.finish()
}

fn body(hasher: &mut Hasher, body: &Body<'_>) {
    match body {
        Body::Resource(usage) => {
            hasher.text(&usage.resource);
            hasher.text(&usage.instance);
            hasher.part(&usage.value.to_le_bytes());
        }
        Body::User(event) => {
            hasher.part(&[u8::from(event.is_active), u8::from(event.suspended)]);
            hasher.text(&event.role);
        }
        Body::Grant { credits, reason, author } => {
            hasher.part(&credits.0.to_le_bytes());
            hasher.text(reason);
            hasher.text(author);
        }
        Body::Threshold(value) => optional(hasher, value.map(|value| value.0.to_le_bytes().to_vec())),
        Body::Assign(agreement) => {
            optional(hasher, agreement.as_ref().map(|name| name.as_bytes().to_vec()));
        }
        Body::Deployment { module, from, to } => {
            hasher.text(module);
            hasher.part(&from.0.to_le_bytes());
            optional(hasher, to.map(|to| to.0.to_le_bytes().to_vec()));
        }
        Body::Tick { partition, instant } => {
            hasher.part(&partition.to_le_bytes());
            hasher.part(&instant.0.to_le_bytes());
        }
        Body::Redrive(handling) | Body::Discard(handling) => self::handling(hasher, handling),
    }
}

fn handling(hasher: &mut Hasher, handling: &Handling<'_>) {
    for part in [&handling.event, &handling.reason, &handling.author] {
        hasher.text(part);
    }
}

fn optional(hasher: &mut Hasher, bytes: Option<Vec<u8>>) {
    match bytes {
        Some(bytes) => hasher.part(&bytes),
        None => hasher.0.update(u64::MAX.to_le_bytes()),
    }
}

/// A JSON value, object members by name, strings as they read, numbers as they are written.
fn details(hasher: &mut Hasher, raw: &str, depth: usize) {
    let raw = raw.trim();
    match raw.bytes().next() {
        Some(b'{') if depth < DEPTH_MAX => {
            match serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(raw) {
                Ok(members) => object(hasher, &members, depth),
                Err(_) => hasher.text(raw),
            }
        }
        Some(b'[') if depth < DEPTH_MAX => match serde_json::from_str::<Vec<&RawValue>>(raw) {
            Ok(items) => {
                hasher.part(b"[");
                items.iter().for_each(|item| details(hasher, item.get(), depth + 1));
                hasher.part(b"]");
            }
            Err(_) => hasher.text(raw),
        },
        Some(b'"') => {
            hasher.part(b"\"");
            hasher.text(&string(raw).unwrap_or(Cow::Borrowed(raw)));
        }
        _ => hasher.text(raw),
    }
}

fn object(hasher: &mut Hasher, members: &BTreeMap<Cow<'_, str>, &RawValue>, depth: usize) {
    hasher.part(b"{");
    for (name, value) in members {
        hasher.text(name);
        details(hasher, value.get(), depth + 1);
    }
    hasher.part(b"}");
}
