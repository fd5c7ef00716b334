//! Requests to others: over TCP to webhooks, over a Unix socket to a daemon's own administration.
//!
//! One connection for each request: what is asked is asked seldom, and nothing is kept that can break.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// The port of `http:` where none is named.
const HTTP_PORT: u16 = 80;
/// Bytes of an answer, at most: a list of policies or of refused input is far smaller.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The address is none that can be reached.
    #[error("`{0}` is no address of the form `http://HOST[:PORT]/PATH`")]
    Address(String),
    /// There is no connection.
    #[error("no connection to {to}: {source}")]
    Connect {
        /// Where to.
        to: String,
        /// Why.
        source: std::io::Error,
    },
    /// The connection broke, or what came is no HTTP.
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper::Error),
    /// The answer broke off, or is too large.
    #[error("the answer cannot be read: {0}")]
    Answer(String),
    /// It took too long.
    #[error("no answer within {} ms", .0.as_millis())]
    Late(Duration),
}

/// A request.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The type of the body.
    pub content_type: &'static str,
    /// Headers besides `Host` and that type.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The longest that all of it may take.
    pub patience: Duration,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

impl Reply {
    /// Whether the status says that it worked.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// An address that can be reached over TCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    uri: Uri,
    host: String,
    port: u16,
}

impl Address {
    /// The address in a text.
    pub fn read(text: &str) -> Result<Self, ClientError> {
        let wrong = || ClientError::Address(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let host = uri.host().filter(|_| uri.scheme_str() == Some("http")).ok_or_else(wrong)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(HTTP_PORT);
        Ok(Self { uri, host, port })
    }

    /// Sends a request there.
    pub async fn send(&self, call: Call) -> Result<Reply, ClientError> {
        let patience = call.patience;
        let sent = async {
            let to = format!("{}:{}", self.host, self.port);
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
            let stream = stream.map_err(|source| ClientError::Connect { to, source })?;
            let authority = self.uri.authority().map_or("", |authority| authority.as_str());
            let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
            exchange(stream, authority, path, call).await
        };
        tokio::time::timeout(patience, sent).await.unwrap_or(Err(ClientError::Late(patience)))
    }
}

/// Sends a request to a Unix socket.
pub async fn send_to_socket(socket: &Path, path: &str, call: Call) -> Result<Reply, ClientError> {
    let patience = call.patience;
    let sent = async {
        let connect = |source| ClientError::Connect { to: socket.display().to_string(), source };
        let stream = UnixStream::connect(socket).await.map_err(connect)?;
        exchange(stream, "localhost", path, call).await
    };
    tokio::time::timeout(patience, sent).await.unwrap_or(Err(ClientError::Late(patience)))
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    host: &str,
    path: &str,
    call: Call,
) -> Result<Reply, ClientError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Whatever ends the connection ends the request too, and is told there.
    let connection = tokio::spawn(connection);
    let answered = async {
        let response = sender.send_request(request(host, path, call)?).await?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| ClientError::Answer(error.to_string()))?;
        Ok(Reply { status, body: Vec::from(body.to_bytes()) })
    };
    let answered = answered.await;
    connection.abort();
    answered
}

/// The request that a call is.
pub fn request(host: &str, path: &str, call: Call) -> Result<Request<Full<Bytes>>, ClientError> {
    let mut request = Request::new(Full::new(Bytes::from(call.body)));
    *request.method_mut() = call.method;
    *request.uri_mut() = path.parse().map_err(|_| ClientError::Address(path.to_owned()))?;
    let headers = request.headers_mut();
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| ClientError::Address(text.to_owned()));
    headers.insert(HOST, value(host)?);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(call.content_type));
    for (name, text) in &call.headers {
        headers.insert(*name, value(text)?);
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let address = |text: &str| Address::read(text).map(|address| (address.host, address.port)).ok();
        for (text, expected) in [
            ("http://example.org/hook?a=b", Some(("example.org", 80))),
            ("http://[::1]:99/", Some(("::1", 99))),
            ("http://10.0.0.1:8080", Some(("10.0.0.1", 8080))),
            ("https://example.org/", None),
            ("example.org/hook", None),
            ("/hook", None),
            ("http://", None),
            ("", None),
        ] {
            assert_eq!(address(text), expected.map(|(host, port)| (host.to_owned(), port)), "{text}");
        }
    }
}
