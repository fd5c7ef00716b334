//! Bodies of requests: read in parts, from clients that may pause but not for ever, within what all
//! bodies together may hold.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::fault::Fault;

/// A body that is being read.
pub struct Reader {
    body: Body,
    pause: Duration,
    room: Arc<Semaphore>,
    /// A part that is read and has no room yet.
    waiting: Option<Bytes>,
    ended: bool,
}

/// The room that bytes take up among all bodies, until it is dropped.
pub type Room = Option<OwnedSemaphorePermit>;

impl Reader {
    /// A body of which nothing is read.
    pub fn new(body: Body, pause: Duration, room: Arc<Semaphore>) -> Self {
        Self { body, pause, room, waiting: None, ended: false }
    }

    /// Whether the last part was read.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The next part and its room; `None` at the end. Who stops waiting loses nothing of it.
    pub async fn next(&mut self) -> Result<Option<(Bytes, Room)>, Fault> {
        if self.waiting.is_none() {
            let frame = tokio::time::timeout(self.pause, self.body.frame()).await;
            let Some(frame) = frame.map_err(|_| Fault::timeout())? else {
                self.ended = true;
                return Ok(None);
            };
            let frame =
                frame.map_err(|error| Fault::bad_request(format!("the body ended early: {error}")))?;
            self.waiting = Some(frame.into_data().unwrap_or_default());
        }
        let room = self.take_room(self.waiting.as_ref().map_or(0, Bytes::len)).await?;
        Ok(self.waiting.take().map(|bytes| (bytes, room)))
    }

    async fn take_room(&mut self, bytes: usize) -> Result<Room, Fault> {
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        let room = self.room.clone().acquire_many_owned(permits);
        match tokio::time::timeout(self.pause, room).await {
            Ok(room) => Ok(room.ok()),
            Err(_) => Err(Fault::busy("too many large bodies are being read; try again in a moment")),
        }
    }

    /// All of it, up to a limit.
    pub async fn whole(mut self, limit: usize) -> Result<(Vec<u8>, Room), Fault> {
        let (mut whole, mut room): (Vec<u8>, Room) = (Vec::new(), None);
        while let Some((bytes, more)) = self.next().await? {
            if whole.len().saturating_add(bytes.len()) > limit {
                return Err(Fault::too_large(limit));
            }
            whole.extend_from_slice(&bytes);
            join(&mut room, more);
        }
        Ok((whole, room))
    }
}

/// Adds room to room.
pub fn join(room: &mut Room, more: Room) {
    match (room.as_mut(), more) {
        (Some(room), Some(more)) => room.merge(more),
        (_, more) => *room = more,
    }
}

/// Refuses a body that says itself that it is larger than allowed.
pub fn check_declared(headers: &HeaderMap, limit: usize) -> Result<(), Fault> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(Fault::too_large(limit));
    }
    Ok(())
}
