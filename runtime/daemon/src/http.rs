//! HTTP: requests in, answers and faults out. Nothing else of the daemon knows axum.
//!
//! A request passes [`connections`] (places and patience) and [`guard`] (panics, time, `Host`, tokens by
//! [`access`], other nodes by [`peers`]), and comes to a handler by the routes below. The handlers' own descriptions are the
//! OpenAPI document: [`openapi`]. Pages for people are at [`console`].
#![expect(unused_qualifications, reason = "the macros that read handlers' descriptions write them")]

mod access;
mod admin;
mod bills;
mod body;
mod connections;
mod console;
mod credit_events;
mod events;
mod fault;
mod guard;
mod openapi;
mod operation;
mod parameters;
mod peers;
mod policies;
mod quarantine;
mod reconcile;
mod routes;
mod users;

use std::future::Future;
use std::io;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::client::{Call, ClientError, Reply, request};
use crate::cluster::peers::PATH;
use crate::config::{Admin, Configuration, Http};
use crate::daemon::Daemon;
use access::Door;
use connections::{Limits, Listener};
use fault::Fault;
use guard::Guard;
use peers::{Entrance, QUESTION_BYTES_MAX};

/// The socket of administrators, within the data directory.
const ADMIN_SOCKET: &str = "admin.sock";
/// Bytes of bodies that are questions or orders; events and modules have limits of their own.
const SMALL_BODY_BYTES_MAX: usize = 1 << 20;

/// What handlers share: it is cloned some times for each request.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

impl Deref for Api {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// What there is of it once.
pub struct Shared {
    /// The daemon.
    pub daemon: Arc<Daemon>,
    /// The room for bodies, in bytes.
    pub bodies: Arc<Semaphore>,
    /// Whether the server is told to stop: answers without end end then.
    pub stopping: watch::Receiver<bool>,
}

impl Api {
    fn new(daemon: Arc<Daemon>, stopping: watch::Receiver<bool>) -> Self {
        let room = daemon.configuration.http.bodies_bytes_max.min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Shared { daemon, bodies: Arc::new(Semaphore::new(room)), stopping }))
    }

    /// How long a client may pause.
    pub fn pause(&self) -> Duration {
        Duration::from_millis(self.daemon.configuration.http.pause_millis_max)
    }
}

/// What is about to be served: both listeners are open.
pub struct Server {
    api: Api,
    stopping: watch::Sender<bool>,
    public: Listener,
    admin: Option<(Listener, Door)>,
}

impl Server {
    /// Reads certificates and opens the listener of administrators.
    pub async fn open(daemon: Arc<Daemon>, listener: TcpListener) -> io::Result<Self> {
        refuse_console_for_all(&daemon.configuration.http, &listener)?;
        let tls = daemon.configuration.http.tls.as_ref().map(connections::tls).transpose()?;
        let admin = admin_listener(&daemon, tls.as_ref()).await?;
        let (stopping, stopped) = watch::channel(false);
        Ok(Self { api: Api::new(daemon, stopped), stopping, public: Listener::Tcp(listener, tls), admin })
    }

    /// Serves until told to stop; then finishes what is under way, as long as that may take.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { api, stopping, public, admin } = self;
        let http = &api.daemon.configuration.http;
        let limits = limits(http);
        let stopped = api.stopping.clone();
        let public = connections::serve(public, public_router(&api), limits.clone(), told(stopped.clone()));
        let admin = async {
            if let Some((listener, door)) = admin {
                connections::serve(listener, admin_router(&api, door), limits, told(stopped)).await;
            }
        };
        let too_late = async {
            stop.await;
            stopping.send_replace(true);
            tokio::time::sleep(Duration::from_millis(http.stop_millis_max)).await;
        };
        let served = async { tokio::join!(public, admin) };
        tokio::select! {
            _ = served => {}
            () = too_late => tracing::warn!("some requests did not end in time and are broken off"),
        }
    }
}

fn limits(http: &Http) -> Limits {
    Limits {
        connections: connections::within_open_files(http.connections_max),
        head: Duration::from_millis(http.head_millis_max),
        pause: Duration::from_millis(http.pause_millis_max),
    }
}

/// Waits until it is told so, or nobody is left to tell.
async fn told(mut stopped: watch::Receiver<bool>) {
    // Without a teller it is time, too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// The socket of administrators, where they have one.
pub fn admin_socket(configuration: &Configuration) -> Option<PathBuf> {
    match &configuration.http.admin {
        Admin::Off | Admin::Address(_) => None,
        Admin::Path(path) => Some(path.clone()),
        Admin::Socket => Some(configuration.data.join(ADMIN_SOCKET)),
    }
}

/// What the administrators' interface of a daemon answers, without a connection: for commands on data that no
/// daemon serves.
pub async fn answer(daemon: Arc<Daemon>, path: &str, call: Call) -> Result<Reply, ClientError> {
    // The sender is gone: nothing that has no end is asked for here.
    let (_, stopping) = watch::channel(false);
    let router = admin_router(&Api::new(daemon, stopping), Door::open());
    let request = request("localhost", path, call)?.map(Body::new);
    let response = match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = to_bytes(response.into_body(), usize::MAX).await;
    let body = body.map_err(|error| ClientError::Answer(error.to_string()))?;
    Ok(Reply { status, headers, body: Vec::from(body) })
}

/// The console shows everything about everybody: on the public port only to this machine.
fn refuse_console_for_all(http: &Http, listener: &TcpListener) -> io::Result<()> {
    if http.console && !listener.local_addr()?.ip().is_loopback() {
        let why = "`http.console` is for a loopback address in `http.listen`; administrators have it at `http.admin`";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    Ok(())
}

/// Where administrators come in, and what is asked of them there.
async fn admin_listener(daemon: &Daemon, tls: Option<&TlsAcceptor>) -> io::Result<Option<(Listener, Door)>> {
    let http = &daemon.configuration.http;
    match &http.admin {
        Admin::Off => Ok(None),
        Admin::Address(address) => {
            let listener = TcpListener::bind(address).await?;
            tracing::info!(address = %listener.local_addr()?, "administrators are served");
            Ok(Some((Listener::Tcp(listener, tls.cloned()), Door::admin(&http.tokens))))
        }
        Admin::Path(path) => Ok(Some((Listener::socket(path)?, Door::open()))),
        Admin::Socket => {
            let path = daemon.configuration.data.join(ADMIN_SOCKET);
            match Listener::socket(&path) {
                Ok(listener) => Ok(Some((listener, Door::open()))),
                // Nobody asked for it by name: the path may be too long for a socket.
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "administrators are not served");
                    Ok(None)
                }
            }
        }
    }
}

fn public_router(api: &Api) -> Router {
    let door = Door::public(&api.daemon.configuration.http.tokens);
    let routes = openapi::served(routes::public());
    let console = api.daemon.configuration.http.console;
    let public = guarded(if console { routes.merge(console::router(api)) } else { routes }, api, door);
    let Some(nodes) = &api.daemon.peers else { return public };
    let entrance = Entrance::to(
        node_router(api, nodes.secret().is_some()),
        nodes.secret(),
        !api.daemon.configuration.http.tokens.is_empty(),
    );
    public.layer(from_fn_with_state(entrance, peers::enter))
}

/// What other nodes may ask: all that administrators may where they show a secret, else what everybody may.
fn node_router(api: &Api, trusted: bool) -> Router {
    let asked =
        Router::new().route(PATH, post(peers::answer)).layer(DefaultBodyLimit::max(QUESTION_BYTES_MAX));
    let routes = if trusted { routes::admin() } else { routes::public() };
    let mut routes = openapi::served(routes).merge(asked);
    if trusted || api.daemon.configuration.http.console {
        routes = routes.merge(console::router(api));
    }
    guarded(routes, api, Door::open())
}

fn admin_router(api: &Api, door: Door) -> Router {
    guarded(openapi::served(routes::admin()).merge(console::router(api)), api, door)
}

fn guarded(router: Router<Api>, api: &Api, door: Door) -> Router {
    router
        .fallback(|| async { Fault::not_found("there is nothing at this path") })
        .method_not_allowed_fallback(|| async { Fault::bad_method() })
        .layer(DefaultBodyLimit::max(SMALL_BODY_BYTES_MAX))
        .layer(from_fn_with_state(Guard { api: api.clone(), door }, guard::pass))
        .with_state(api.clone())
}
