//! Requests to others: over TCP to webhooks, with TLS where the address says so, over a Unix socket to a daemon's own administration.
//!
//! One connection for each request: what is asked is asked seldom, and nothing is kept that can break.

use std::path::Path;
use std::time::Duration;

use aquarium_store::trust;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request, Uri};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

/// The port of `http:` where none is named.
const HTTP_PORT: u16 = 80;
/// The port of `https:` where none is named.
const HTTPS_PORT: u16 = 443;
/// Bytes of an answer, at most: a list of policies or of refused input is far smaller.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The address is none that can be reached.
    #[error("`{0}` is no address of the form `http://HOST[:PORT]/PATH` or `https://HOST[:PORT]/PATH`")]
    Address(String),
    /// Nobody is trusted.
    #[error("the certificates of authorities cannot be used: {0}")]
    Authorities(String),
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
    pub content_type: HeaderValue,
    /// Headers besides `Host` and that type.
    pub headers: Vec<(HeaderName, String)>,
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
    /// Its headers.
    pub headers: HeaderMap,
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
#[derive(Clone)]
pub struct Address {
    uri: Uri,
    host: String,
    port: u16,
    /// What makes the connection private, and who it is to be with.
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Address {
    /// The address in a text. Where it is private, its certificate must be of an authority in the file, or of one that
    /// the system trusts.
    pub fn read(text: &str, authorities: Option<&Path>) -> Result<Self, ClientError> {
        let wrong = || ClientError::Address(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let is_private = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        let host = uri.host().ok_or_else(wrong)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if is_private { HTTPS_PORT } else { HTTP_PORT });
        let mut tls = None;
        if is_private {
            let name = ServerName::try_from(host.clone()).map_err(|_| wrong())?;
            let connector = trust::connector(authorities).map_err(ClientError::Authorities)?;
            tls = Some((connector, name));
        }
        Ok(Self { uri, host, port, tls })
    }

    /// Sends a request there.
    pub async fn send(&self, call: Call) -> Result<Reply, ClientError> {
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        self.send_as(authority, path, call).await
    }

    /// Sends a request there, for a path of its own and under the name of another host.
    pub async fn send_as(&self, authority: &str, path: &str, call: Call) -> Result<Reply, ClientError> {
        let patience = call.patience;
        let sent = async {
            let to = format!("{}:{}", self.host, self.port);
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
            let stream = stream.map_err(|source| ClientError::Connect { to, source })?;
            match &self.tls {
                None => exchange(stream, authority, path, call).await,
                Some((tls, name)) => {
                    let stream = tls.connect(name.clone(), stream).await;
                    let to = self.host.clone();
                    let stream = stream.map_err(|source| ClientError::Connect { to, source })?;
                    exchange(stream, authority, path, call).await
                }
            }
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
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| ClientError::Answer(error.to_string()))?;
        Ok(Reply { status, headers, body: Vec::from(body.to_bytes()) })
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
    headers.insert(CONTENT_TYPE, call.content_type);
    for (name, text) in call.headers {
        headers.insert(name, value(&text)?);
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let authorities =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/processes/fixtures/localhost.pem");
        let address = |text: &str| {
            let address = Address::read(text, Some(&authorities)).ok()?;
            Some((address.host, address.port, address.tls.is_some()))
        };
        for (text, expected) in [
            ("http://example.org/hook?a=b", Some(("example.org", 80, false))),
            ("http://[::1]:99/", Some(("::1", 99, false))),
            ("http://10.0.0.1:8080", Some(("10.0.0.1", 8080, false))),
            ("https://example.org/", Some(("example.org", 443, true))),
            ("https://[::1]:99/", Some(("::1", 99, true))),
            ("ftp://example.org/", None),
            ("example.org/hook", None),
            ("/hook", None),
            ("http://", None),
            ("", None),
        ] {
            assert_eq!(
                address(text),
                expected.map(|(host, port, tls)| (host.to_owned(), port, tls)),
                "{text}"
            );
        }
        assert!(Address::read("https://example.org/", Some(Path::new("nowhere"))).is_err());
    }
}
