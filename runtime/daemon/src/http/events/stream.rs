//! Lines of events as a stream: stored in groups while they arrive, answered by a line each.
//!
//! What waits is bounded: a part of the body that is being gathered, and some that are being stored. While
//! those are under way the body is not read further, and its sender is slowed down. When nothing is under
//! way, whatever lines have come are stored at once: a sender that waits for an answer gets it.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use tokio::task::JoinHandle;

use super::super::body::{Reader, Room, join};
use super::super::fault::Fault;
use super::{FEW_ANSWERS, ingest_fault, read, unreadable_message};
use crate::clients::Clients;
use crate::daemon::Daemon;
use crate::ingest::{Answer, Batch, IngestError, Layout};
use crate::threads;

/// Bytes that are gathered while others are being stored: some thousands of events.
const PART_BYTES: usize = 512 << 10;
/// Parts that are stored at a time: one is read while another is made durable.
const PARTS_UNDER_WAY: usize = 3;
/// Answers that wait for their reader, in parts.
const ANSWERS_WAITING: usize = 4;

/// Answers lines: whole where the body is but a part, else as a stream.
pub async fn answer(
    daemon: Arc<Daemon>,
    clients: Clients,
    reader: Reader,
    line_bytes_max: usize,
) -> Result<Response, Fault> {
    let mut lines = Lines { reader, gathered: Vec::new(), room: None, line_bytes_max };
    lines.gather_first().await?;
    if lines.gathered.trim_ascii().is_empty() && lines.reader.has_ended() {
        return Err(Fault::bad_request("the body is empty"));
    }
    let (part, room) = lines.cut();
    let batch = read(daemon.clone(), clients.clone(), part, Layout::Lines).await?;
    let nothing_read = batch.unreadable();
    let answers = daemon.ingest.submit(batch).await.map_err(|error| ingest_fault(&error))?;
    drop(room);
    let (answers, first) = with_lines(answers).await?;
    if lines.reader.has_ended() && lines.gathered.is_empty() {
        if nothing_read {
            return Err(Fault::bad_request(unreadable_message(&answers)));
        }
        return Ok(([(CONTENT_TYPE, "application/x-ndjson")], first).into_response());
    }
    let (out, body) = Channel::new(ANSWERS_WAITING);
    let stream = Stream { daemon, clients, lines, under_way: VecDeque::new(), out };
    tokio::spawn(stream.run(first));
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], Body::new(body)).into_response())
}

/// The lines of a body.
struct Lines {
    reader: Reader,
    gathered: Vec<u8>,
    room: Room,
    line_bytes_max: usize,
}

impl Lines {
    /// Gathers what has come already, a line at least.
    async fn gather_first(&mut self) -> Result<(), Fault> {
        while !self.reader.has_ended() && self.gathered.len() < PART_BYTES {
            if !self.has_line() {
                self.gather().await?;
                continue;
            }
            tokio::select! {
                biased;
                gathered = self.gather() => gathered?,
                () = std::future::ready(()) => return Ok(()),
            }
        }
        // A line may be longer than a part.
        while !self.reader.has_ended() && !self.has_line() {
            self.gather().await?;
        }
        Ok(())
    }

    /// Reads on. Who stops waiting loses nothing.
    async fn gather(&mut self) -> Result<(), Fault> {
        if let Some((bytes, more)) = self.reader.next().await? {
            self.gathered.extend_from_slice(&bytes);
            join(&mut self.room, more);
            if self.gathered.len() > self.line_bytes_max && !self.has_line() {
                return Err(Fault::too_large(self.line_bytes_max));
            }
        }
        Ok(())
    }

    fn has_line(&self) -> bool {
        memchr::memrchr(b'\n', &self.gathered).is_some()
    }

    /// Whether there is something to store: whole lines, or the last one without its end.
    fn has_part(&self) -> bool {
        if self.reader.has_ended() { !self.gathered.is_empty() } else { self.has_line() }
    }

    /// Takes the whole lines; the beginning of the next one stays.
    fn cut(&mut self) -> (Vec<u8>, Room) {
        let end = match memchr::memrchr(b'\n', &self.gathered) {
            Some(last) if !self.reader.has_ended() => last + 1,
            _ => self.gathered.len(),
        };
        let rest = self.gathered.split_off(end);
        let part = std::mem::replace(&mut self.gathered, rest);
        // The room of the beginning is counted with the part that it came with: it is but a line.
        (part, self.room.take())
    }
}

/// A stream that is being answered.
struct Stream {
    daemon: Arc<Daemon>,
    clients: Clients,
    lines: Lines,
    under_way: VecDeque<JoinHandle<Result<Bytes, Fault>>>,
    out: Sender<Bytes>,
}

impl Stream {
    /// Stores and answers to the end. A stream that cannot go on ends with a line that is a fault.
    async fn run(mut self, first: Bytes) {
        let ran = match self.out.send_data(first).await {
            Ok(()) => self.store_and_answer().await,
            Err(_) => return,
        };
        if let Err(Some(fault)) = ran {
            // Who is gone needs no fault.
            let _ = self.out.send_data(fault.line()).await;
        }
    }

    /// `Err(None)`: nobody reads the answers.
    async fn store_and_answer(&mut self) -> Result<(), Option<Fault>> {
        loop {
            self.store().await?;
            let may_read = !self.lines.reader.has_ended() && self.lines.gathered.len() < PART_BYTES;
            let may_read = may_read || !(self.lines.reader.has_ended() || self.lines.has_line());
            if self.under_way.is_empty() && !may_read {
                return Ok(());
            }
            tokio::select! {
                answered = answered(&mut self.under_way) => self.send(answered).await?,
                gathered = self.lines.gather(), if may_read => match gathered {
                    Ok(()) => {}
                    Err(fault) => return self.finish(fault).await,
                },
            }
        }
    }

    /// Has what was gathered stored, where that is worth it: at once when nothing is under way, else a whole
    /// part.
    async fn store(&mut self) -> Result<(), Fault> {
        let whole = self.lines.gathered.len() >= PART_BYTES || self.lines.reader.has_ended();
        let room = if whole { PARTS_UNDER_WAY } else { 1 };
        if self.under_way.len() >= room || !self.lines.has_part() {
            return Ok(());
        }
        let (part, room) = self.lines.cut();
        let batch = read(self.daemon.clone(), self.clients.clone(), part, Layout::Lines).await?;
        let submitted = submit(self.daemon.clone(), batch, room);
        self.under_way.push_back(tokio::spawn(submitted));
        Ok(())
    }

    /// Answers what is under way, then ends with a fault.
    async fn finish(&mut self, fault: Fault) -> Result<(), Option<Fault>> {
        while !self.under_way.is_empty() {
            let answered = answered(&mut self.under_way).await;
            self.send(answered).await?;
        }
        Err(Some(fault))
    }

    async fn send(&mut self, answered: Result<Bytes, Fault>) -> Result<(), Option<Fault>> {
        let lines = answered?;
        if lines.is_empty() {
            return Ok(());
        }
        self.out.send_data(lines).await.map_err(|_| None)
    }
}

async fn submit(daemon: Arc<Daemon>, batch: Batch, room: Room) -> Result<Bytes, Fault> {
    let answers = daemon.ingest.submit(batch).await;
    drop(room);
    let (_, lines) = with_lines(answers.map_err(|error| ingest_fault(&error))?).await?;
    Ok(lines)
}

/// Answers, and the lines that they make. Thousands are written elsewhere: others wait for this thread.
async fn with_lines(answers: Vec<Answer>) -> Result<(Vec<Answer>, Bytes), Fault> {
    if answers.len() <= FEW_ANSWERS {
        let lines = serialized(&answers)?;
        return Ok((answers, lines));
    }
    let written = threads::giving_way(move || serialized(&answers).map(|lines| (answers, lines))).await;
    written.map_err(|_| Fault::internal("the answers could not be written"))?
}

/// The answers of the oldest part under way; pends while there is none.
async fn answered(under_way: &mut VecDeque<JoinHandle<Result<Bytes, Fault>>>) -> Result<Bytes, Fault> {
    let Some(first) = under_way.front_mut() else { return std::future::pending().await };
    let answered = first.await.unwrap_or_else(|_| Err(ingest_fault(&IngestError::Stopping)));
    under_way.pop_front();
    answered
}

fn serialized(answers: &[Answer]) -> Result<Bytes, Fault> {
    let mut body = Vec::new();
    for answer in answers {
        serde_json::to_writer(&mut body, answer).map_err(|error| Fault::internal(error.to_string()))?;
        body.push(b'\n');
    }
    Ok(Bytes::from(body))
}
