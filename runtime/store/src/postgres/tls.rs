//! The way to a server, encrypted where its address says `sslmode=require`.
//!
//! Whoever asks for TLS is to know with whom it is: the server's certificate must be of an authority that is trusted,
//! and for the host of the address. `verify-full`, which says so, means the same; what would encrypt and trust anybody
//! is not offered.

use std::error::Error;
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsConnector, client};

use crate::trust;

/// How connections are made private, where they are to be.
#[derive(Clone, Default)]
pub struct Privacy(Option<TlsConnector>);

/// The same for one host. It is made for each connection, also where none is to be private.
pub struct PrivateTo(Option<(TlsConnector, ServerName<'static>)>);

/// A private connection.
pub struct Private(client::TlsStream<Socket>);

impl Privacy {
    /// By the authorities of a PEM file, or else of the system.
    pub fn by(authorities: Option<&Path>) -> Result<Self, String> {
        trust::connector(authorities).map(|connector| Self(Some(connector)))
    }
}

impl MakeTlsConnect<Socket> for Privacy {
    type Stream = Private;
    type TlsConnect = PrivateTo;
    type Error = Box<dyn Error + Sync + Send>;

    fn make_tls_connect(&mut self, host: &str) -> Result<PrivateTo, Self::Error> {
        let Some(connector) = self.0.clone() else { return Ok(PrivateTo(None)) };
        Ok(PrivateTo(Some((connector, ServerName::try_from(host.to_owned())?))))
    }
}

impl TlsConnect<Socket> for PrivateTo {
    type Stream = Private;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Private>> + Send>>;

    fn connect(self, stream: Socket) -> Self::Future {
        Box::pin(async move {
            let Some((connector, host)) = self.0 else { return Err(io::ErrorKind::Unsupported.into()) };
            connector.connect(host, stream).await.map(Private)
        })
    }
}

impl TlsStream for Private {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Private {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Private {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
