//! The bytes under AMQP: TCP, and TLS by the library that HTTP has too.
//!
//! lapin runs on whatever is an `async_rs` runtime and takes what that calls a TCP stream. This one is tokio's, with
//! streams that may be encrypted.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_rs::Tokio;
use async_rs::traits::{Executor, Reactor, RuntimeKit};
use async_rs::util::Task;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_stream::Stream;

/// Tokio, for lapin.
#[derive(Debug, Clone)]
pub struct Kit(Tokio);

/// A connection to a broker.
pub struct Wire {
    bytes: Box<dyn Bytes>,
    opening: Option<Opening>,
}

/// The time until a connection must be open. Whoever lets it pass loses the connection: lapin itself would wait for
/// ever for a server that says nothing.
struct Opening {
    opened: Arc<AtomicBool>,
    end: Pin<Box<Sleep>>,
}

/// Bytes in and out.
trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

impl Kit {
    /// The runtime that this is called on.
    pub fn current() -> Self {
        Self(Tokio::current())
    }
}

impl Wire {
    /// Connects, by TLS where there is a connector.
    pub async fn open(host: &str, port: u16, tls: Option<TlsConnector>) -> io::Result<Self> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = tls else { return Ok(Self { bytes: Box::new(stream), opening: None }) };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(Self { bytes: Box::new(tls.connect(name, stream).await?), opening: None })
    }

    /// The same, which ends unless it is said to be open within some time.
    pub fn opened_within(self, patience: Duration, opened: Arc<AtomicBool>) -> Self {
        Self { opening: Some(Opening { opened, end: Box::pin(tokio::time::sleep(patience)) }), ..self }
    }

    /// Whether it took too long to open.
    fn is_overdue(&mut self, context: &mut Context<'_>) -> bool {
        let Some(opening) = &mut self.opening else { return false };
        if opening.opened.load(Ordering::Relaxed) {
            self.opening = None;
            return false;
        }
        opening.end.as_mut().poll(context).is_ready()
    }
}

impl futures_io::AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        match Pin::new(&mut self.bytes).poll_read(context, &mut buffer) {
            Poll::Ready(read) => Poll::Ready(read.map(|()| buffer.filled().len())),
            Poll::Pending if self.is_overdue(context) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl futures_io::AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.bytes).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_shutdown(context)
    }
}

impl RuntimeKit for Kit {}

impl Executor for Kit {
    type Task<T: Send + 'static> = <Tokio as Executor>::Task<T>;

    fn block_on<T, F: Future<Output = T>>(&self, future: F) -> T {
        self.0.block_on(future)
    }

    fn spawn<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        future: F,
    ) -> Task<Self::Task<T>> {
        self.0.spawn(future)
    }

    fn spawn_blocking<T: Send + 'static, F: FnOnce() -> T + Send + 'static>(
        &self,
        task: F,
    ) -> Task<Self::Task<T>> {
        self.0.spawn_blocking(task)
    }
}

impl Reactor for Kit {
    type TcpStream = Wire;
    type Sleep = <Tokio as Reactor>::Sleep;

    fn register<H: io::Read + io::Write + AsFd + AsRawFd + Send + 'static>(
        &self,
        socket: H,
    ) -> io::Result<impl futures_io::AsyncRead + futures_io::AsyncWrite + Send + Unpin + 'static> {
        self.0.register(socket)
    }

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        self.0.sleep(duration)
    }

    fn interval(&self, duration: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.0.interval(duration)
    }

    fn tcp_connect_addr(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        plain(address)
    }
}

/// A connection that is not encrypted.
async fn plain(address: SocketAddr) -> io::Result<Wire> {
    Wire::open(&address.ip().to_string(), address.port(), None).await
}
