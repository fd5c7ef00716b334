//! `aquariumd serve`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::{Data, Failure, Serving};
use crate::config::Configuration;
use crate::daemon::Daemon;
use crate::deployment::NewDeployment;
use crate::http;
use crate::queue::Links;
use crate::stores::Presence;
use crate::webhook::Webhook;

/// Take in events and answer questions.
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    serving: Serving,
    /// A compiled policy to deploy, unless it was deployed last.
    #[arg(long, value_name = "POLICY.wasm")]
    policy: Option<PathBuf>,
}

impl Serve {
    /// Serves until told to stop.
    pub async fn run(self, configuration: Configuration) -> Result<(), Failure> {
        let configuration = self.serving.over(self.data.over(configuration));
        let module =
            match &self.policy {
                Some(path) => {
                    let module = std::fs::read(path);
                    Some(module.map_err(|error| {
                        format!("the policy `{}` cannot be read: {error}", path.display())
                    })?)
                }
                None => None,
            };
        let listener = listen(configuration.http.listen).await?;
        let presence = Presence::Among(reached_at(&configuration, listener.local_addr()?));
        let daemon = Daemon::start_as(configuration, self.serving.clock(), presence).await?;
        if let Some(module) = module
            && let Err(error) =
                daemon.deploy_unless_last(&NewDeployment { module, ..Default::default() }).await
        {
            daemon.stop().await;
            return Err(error.into());
        }
        serve(daemon, listener).await
    }
}

/// Opens the port before anything else is done: when it is taken, nothing has happened.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(address).await;
    Ok(listener
        .map_err(|error| format!("cannot listen on {address}: {error}; choose another by `--listen`"))?)
}

/// Where other nodes reach this one, which listens at an address.
fn reached_at(configuration: &Configuration, listens: SocketAddr) -> String {
    if let Some(address) = &configuration.cluster.address {
        return address.trim_end_matches('/').to_owned();
    }
    let scheme = if configuration.http.tls.is_some() { "https" } else { "http" };
    if !listens.ip().is_unspecified() {
        return format!("{scheme}://{listens}");
    }
    let uname = rustix::system::uname();
    format!("{scheme}://{}:{}", uname.nodename().to_string_lossy(), listens.port())
}

/// Serves until told to stop, then stores what was accepted and ends.
pub async fn serve(daemon: Arc<Daemon>, listener: TcpListener) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let (stopped, failure) = (daemon.clone(), OnceLock::new());
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
            why = stopped.failed() => drop(failure.set(why)),
        }
        tracing::info!("stopping");
        // Others take over while open requests are finished.
        stopped.retire();
    };
    let (webhooks, links) = match outward(&daemon) {
        Ok(outward) => outward,
        Err(error) => {
            daemon.stop().await;
            return Err(error);
        }
    };
    let address = listener.local_addr()?;
    let server = match http::Server::open(daemon.clone(), listener).await {
        Ok(server) => server,
        Err(error) => {
            daemon.stop().await;
            return Err(error.into());
        }
    };
    daemon.start_services(webhooks, links).await;
    tracing::info!(%address, data = %daemon.configuration.data.display(), "serving");
    writeln!(std::io::stdout(), "listening on http://{address}")?;
    server.run(stop).await;
    daemon.stop().await;
    failure.into_inner().map_or(Ok(()), |why| Err(why.into()))
}

/// Whom the daemon is to work with, as it is configured.
fn outward(daemon: &Daemon) -> Result<(Vec<Arc<Webhook>>, Links), Failure> {
    Ok((daemon.webhooks()?, daemon.configured_links()?))
}
