//! Connections: how many there may be, and how long a client may take over what it owes.
//!
//! A client that sends its head byte by byte, stops within a body, or does not read its answer costs a
//! place until its time is over, and nothing else: places are counted, and what a body holds is counted
//! where it is read.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tower::ServiceExt as _;

use crate::config::Tls;

/// Bytes of the head of a request, at most: a path may have some thousands, and there are headers.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// The wait after a connection could not be accepted, for want of file descriptors most likely.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Where connections come from.
pub enum Listener {
    /// A port, with TLS or without.
    Tcp(TcpListener, Option<TlsAcceptor>),
    /// A socket file, which is removed in the end.
    Socket {
        /// The socket.
        listener: UnixListener,
        /// Its file.
        _file: SocketFile,
    },
}

/// A file that is removed when nobody listens any more.
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Whoever removed it already wanted the same.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What clients are held to.
#[derive(Clone)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// For the head of a request, and for a handshake.
    pub head: Duration,
    /// For what a client does not read.
    pub pause: Duration,
}

/// Files that a daemon has open besides connections: the log, the store, sockets.
const OTHER_FILES: usize = 256;

/// How many connections there can be: the process is allowed as many open files as it may be, and what it
/// needs besides is kept free.
pub fn within_open_files(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let allowed = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: allowed.maximum, maximum: allowed.maximum };
    // Where it may not be raised, what is allowed now counts.
    let files = if setrlimit(Resource::Nofile, raised).is_ok() { allowed.maximum } else { allowed.current };
    let files = files.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    wanted.min(files.saturating_sub(OTHER_FILES)).max(1)
}

/// What makes connections of a port private.
pub fn tls(files: &Tls) -> io::Result<TlsAcceptor> {
    let unusable = |path: &Path, error: &dyn std::fmt::Display| {
        io::Error::new(io::ErrorKind::InvalidData, format!("`{}`: {error}", path.display()))
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&files.certificate)
        .map_err(|error| unusable(&files.certificate, &error))?
        .collect();
    let chain = chain.map_err(|error| unusable(&files.certificate, &error))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unusable(&files.key, &error))?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| unusable(&files.certificate, &error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A connection of whatever kind.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

impl Listener {
    /// Listens on a socket file that only the daemon's own account may use. One that is left over from a
    /// process that is gone is replaced.
    pub fn socket(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::FileTypeExt as _;
        use std::os::unix::fs::PermissionsExt as _;
        if std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket()) {
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self::Socket { listener, _file: SocketFile(path.to_owned()) })
    }

    async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener, tls) => {
                let (stream, _) = listener.accept().await?;
                // Answers are written whole; waiting to fill a packet only delays them.
                stream.set_nodelay(true)?;
                Ok(Accepted { stream: Box::new(stream), tls: tls.clone() })
            }
            Self::Socket { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                Ok(Accepted { stream: Box::new(stream), tls: None })
            }
        }
    }
}

/// A connection before its handshake, if it has one.
struct Accepted {
    stream: Box<dyn Wire>,
    tls: Option<TlsAcceptor>,
}

impl Accepted {
    async fn shake_hands(self, limits: &Limits) -> Option<Box<dyn Wire>> {
        let Some(tls) = self.tls else { return Some(self.stream) };
        match tokio::time::timeout(limits.head, tls.accept(self.stream)).await {
            Ok(Ok(stream)) => Some(Box::new(stream)),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a client did not get through the TLS handshake");
                None
            }
            Err(_) => None,
        }
    }
}

/// Serves connections until told to stop; then finishes those that are open.
pub async fn serve(listener: Listener, router: Router, limits: Limits, stop: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let open = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let next = async {
            // The semaphore is never closed.
            let place = places.clone().acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        match accepted {
            Ok(accepted) => {
                let one = Connection { limits: limits.clone(), router: router.clone(), place };
                tokio::spawn(one.serve(accepted, open.watcher()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    drop(listener);
    open.shutdown().await;
}

/// A connection that has its place.
struct Connection {
    limits: Limits,
    router: Router,
    place: Option<OwnedSemaphorePermit>,
}

impl Connection {
    async fn serve(self, accepted: Accepted, watcher: Watcher) {
        let Some(stream) = accepted.shake_hands(&self.limits).await else { return };
        let stream = Patient { stream, patience: self.limits.pause, waiting: None };
        let service = self.router.map_request(|request: hyper::Request<Incoming>| request.map(Body::new));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(self.place);
    }
}

/// A stream whose other end must read what it asked for.
struct Patient {
    stream: Box<dyn Wire>,
    patience: Duration,
    /// Runs while the other end reads nothing.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn check<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.waiting = None;
            return polled;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        waiting.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.check(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.check(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        self.check(context, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(context);
        self.check(context, polled)
    }
}
