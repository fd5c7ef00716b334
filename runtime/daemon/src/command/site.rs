//! Where commands of administrators go: to the daemon that serves the data, or to the data itself.
//!
//! Both ways a command is a request to the administrators' interface: over its socket where a daemon serves, else
//! answered within this process by a daemon that serves nobody.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aquarium_ir::Millis;
use aquarium_ir::module::ModuleFile;
use aquarium_ir::time::{WrittenInstant, Zone};
use clap::Args;
use hyper::Method;
use hyper::header::{HeaderName, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::net::UnixStream;

use super::Failure;
use crate::client::{Call, Reply, send_to_socket};
use crate::clock::Clock;
use crate::config::Configuration;
use crate::daemon::Daemon;
use crate::http;
use crate::stores::Presence;

/// The longest that a daemon may take: a dry run reads the whole log.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// The type of orders.
pub const JSON: &str = "application/json";
/// The type of compiled policies.
pub const MODULE: &str = "application/wasm";

/// Who decided, why, and from when on it holds.
#[derive(Debug, Args)]
pub struct By {
    /// Why; it is kept in the log.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// By whom; otherwise the name of the user who runs the command.
    #[arg(long, value_name = "NAME", env = "AQUARIUM_AUTHOR")]
    author: Option<String>,
    /// What makes it the same decision when the command is repeated; otherwise each is one of its own.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// From when on it holds; otherwise from now on. A date or date-time is local to the policy's zone.
    #[arg(long, value_name = "INSTANT")]
    from: Option<String>,
}

impl By {
    /// The id of the record.
    pub fn id(&self) -> String {
        let own = || format!("command-{}-{}", Clock::system().now(), std::process::id());
        self.id.clone().unwrap_or_else(own)
    }

    /// Who decided.
    pub fn author(&self) -> String {
        author(self.author.as_deref())
    }

    /// From when on it holds.
    pub async fn instant(&self, site: &Site) -> Result<Option<Millis>, Failure> {
        match &self.from {
            Some(text) => instant("--from", text, &site.zone().await?).map(Some),
            None => Ok(None),
        }
    }
}

/// Who decided: as given, or whoever runs the command.
pub fn author(given: Option<&str>) -> String {
    let named = || std::env::var("USER").ok().filter(|name| !name.is_empty());
    given.map(str::to_owned).or_else(named).unwrap_or_else(|| "command line".to_owned())
}

/// An instant of the command line.
pub fn instant(flag: &str, text: &str, zone: &Zone) -> Result<Millis, Failure> {
    let written = WrittenInstant::read(text, zone);
    Ok(written.map(|written| written.instant).map_err(|error| format!("`{flag}`: {error}"))?)
}

/// A text as a part of a path or of a query.
pub fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The zone of a policy.
pub fn zone_of(module: &[u8]) -> Result<Zone, Failure> {
    let policy = ModuleFile::read(module).and_then(|file| file.policy());
    Ok(policy.map_err(|error| format!("the policy module cannot be used: {error}"))?.zone)
}

/// Where the administrators' interface of some data is.
pub enum Site {
    /// A daemon serves it at a socket.
    Running {
        /// The socket.
        socket: PathBuf,
        /// The data directory.
        data: PathBuf,
    },
    /// No daemon serves the data; this one is in this process.
    Offline(Arc<Daemon>),
}

/// Runs something on the daemon that serves the data, or on the data where none does.
pub async fn on_data<T>(
    configuration: Configuration,
    task: impl AsyncFnOnce(&Site) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if let Some(socket) = http::admin_socket(&configuration)
        && UnixStream::connect(&socket).await.is_ok()
    {
        let data = configuration.data;
        return task(&Site::Running { socket, data }).await;
    }
    let daemon = Daemon::start_as(configuration, Clock::system(), Presence::Beside).await?;
    let done = task(&Site::Offline(daemon.clone())).await;
    daemon.stop().await;
    done
}

/// What a daemon that serves the data answers; where none does it is an error.
pub async fn ask_running(
    configuration: &Configuration,
    path: &str,
    patience: Duration,
) -> Result<Value, Failure> {
    let Some(socket) = http::admin_socket(configuration) else {
        return Err(
            format!("`http.admin` is no socket that could be asked: ask for `{path}` over HTTP").into()
        );
    };
    let data = configuration.data.clone();
    let question = Call { patience, ..call(Method::GET, JSON, None, Vec::new()) };
    Site::Running { socket, data }.call(path, question).await
}

impl Site {
    /// Asks.
    pub async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(path, call(Method::GET, JSON, None, Vec::new())).await
    }

    /// Orders; repeated with the same key it is the same order.
    pub async fn order(
        &self,
        method: Method,
        path: &str,
        content_type: &'static str,
        key: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Value, Failure> {
        self.call(path, call(method, content_type, key, body)).await
    }

    async fn call(&self, path: &str, call: Call) -> Result<Value, Failure> {
        let reply = match self {
            Self::Running { socket, .. } => send_to_socket(socket, path, call).await?,
            Self::Offline(daemon) => http::answer(daemon.clone(), path, call).await?,
        };
        let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        if reply.is_success() { Ok(body) } else { Err(fault(&reply, &body).into()) }
    }

    /// The zone of the policy that was deployed last.
    async fn zone(&self) -> Result<Zone, Failure> {
        let policies = self.get("/policies").await?;
        let last = policies.as_array().and_then(|list| list.last()).and_then(|last| last["module"].as_str());
        let Some(last) = last else { return Ok(Zone::utc()) };
        let path = self.data().join("policies").join(format!("{last}.wasm"));
        zone_of(&std::fs::read(&path).map_err(|error| format!("`{}`: {error}", path.display()))?)
    }

    fn data(&self) -> &Path {
        match self {
            Self::Running { data, .. } => data,
            Self::Offline(daemon) => &daemon.configuration.data,
        }
    }
}

fn call(method: Method, content_type: &'static str, key: Option<&str>, body: Vec<u8>) -> Call {
    let key = key.map(|key| (HeaderName::from_static("idempotency-key"), key.to_owned()));
    let content_type = HeaderValue::from_static(content_type);
    Call { method, content_type, headers: key.into_iter().collect(), body, patience: PATIENCE }
}

/// What a fault says.
fn fault(reply: &Reply, body: &Value) -> String {
    let said = body.as_object().and_then(|faults| faults.values().next()).map(|fault| &fault["message"]);
    let said = said.and_then(Value::as_str).map(str::to_owned);
    said.unwrap_or_else(|| format!("the daemon answered by {}", reply.status))
}
