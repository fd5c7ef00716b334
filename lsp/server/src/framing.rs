//! What comes in, message by message: nothing but sound ones go on.
//!
//! The protocol library stops reading at the first thing that it cannot read, and with it the server would end. Here
//! such a thing is exchanged for a message of our own, which [`order`](crate::order) answers with an error, as the
//! protocol has it; then reading goes on at the next header.

use std::io::Result;

use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
};
use tower_lsp::jsonrpc::{Error, ErrorCode, Request, Response};

/// The method of the message that stands for text that is no JSON.
const NO_JSON: &str = "$/aquarium/noJson";
/// The method of the message that stands for JSON that is no message.
const NO_MESSAGE: &str = "$/aquarium/noMessage";
/// Bytes of the longest message: a file at the limit of the language, every letter of it escaped, is shorter.
const MESSAGE_BYTES_MAX: u64 = 128 << 20;
/// Bytes of the longest line of a header; what is longer is none.
const LINE_BYTES_MAX: u64 = 4 << 10;

/// What a message stands for that this module has put in.
pub(crate) fn error_of(request: &Request) -> Option<Error> {
    match request.method() {
        NO_JSON => Some(Error::parse_error()),
        NO_MESSAGE => Some(Error::new(ErrorCode::InvalidRequest)),
        _ => None,
    }
}

/// Passes messages on until the input ends.
pub(crate) async fn pass(input: impl AsyncRead + Unpin, mut output: impl AsyncWrite + Unpin) -> Result<()> {
    let mut input = BufReader::new(input);
    while let Some(head) = read_head(&mut input).await? {
        if head.is_strange {
            write(&mut output, &substitute(NO_JSON)).await?;
        }
        match head.length {
            Some(length) if length > MESSAGE_BYTES_MAX => {
                tokio::io::copy(&mut (&mut input).take(length), &mut tokio::io::sink()).await?;
                write(&mut output, &substitute(NO_JSON)).await?;
            }
            Some(length) => {
                let mut body = Vec::new();
                (&mut input).take(length).read_to_end(&mut body).await?;
                write(&mut output, wrong(&body).map(substitute).as_deref().unwrap_or(&body)).await?;
            }
            None => {}
        }
    }
    Ok(())
}

/// The lines before a message.
#[derive(Default)]
struct Head {
    /// The bytes of the message.
    length: Option<u64>,
    /// Whether anything stands there that is no line of a header.
    is_strange: bool,
}

/// Reads up to an empty line, or to the end of what is no header; `None` at the end of the input.
async fn read_head(input: &mut (impl AsyncBufRead + Unpin)) -> Result<Option<Head>> {
    let mut head = Head::default();
    loop {
        let mut line = Vec::new();
        if (&mut *input).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        let lower = line.to_ascii_lowercase();
        match lower.rsplit_once("content-length:") {
            Some((before, length)) => {
                head.is_strange |= !before.is_empty();
                head.length = length.trim().parse().ok();
                head.is_strange |= head.length.is_none();
            }
            None if line.is_empty() && (head.length.is_some() || head.is_strange) => return Ok(Some(head)),
            // Blank lines between messages do no harm, nor do other headers.
            None => head.is_strange |= !(line.is_empty() || lower.starts_with("content-type:")),
        }
    }
}

/// The method of what stands for a body that is no message.
fn wrong(body: &[u8]) -> Option<&'static str> {
    let Ok(text) = std::str::from_utf8(body) else { return Some(NO_JSON) };
    let is_message =
        serde_json::from_str::<Request>(text).is_ok() || serde_json::from_str::<Response>(text).is_ok();
    if is_message {
        return None;
    }
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    Some(if is_json { NO_MESSAGE } else { NO_JSON })
}

fn substitute(method: &'static str) -> Vec<u8> {
    Request::build(method).finish().to_string().into_bytes()
}

async fn write(output: &mut (impl AsyncWrite + Unpin), body: &[u8]) -> Result<()> {
    output.write_all(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes()).await?;
    output.write_all(body).await
}
