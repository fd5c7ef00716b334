//! The command line.

mod backup;
mod cluster;
mod doctor;
mod import;
mod log;
mod policy;
mod quarantine;
mod ready;
mod rebuild;
mod serve;
mod site;
#[cfg(feature = "source")]
mod up;
mod user;
mod verify;

use std::error::Error;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;

use aquarium_engine::ENGINE;
use aquarium_ir::module::MODULE_FORMAT;
use aquarium_store::{DERIVED_FORMAT, LOG_FORMAT};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::clock::Clock;
use crate::config::{self, Configuration, LogFormat, Logging, Store};
use crate::stores::log_directory;
use crate::telemetry::{self, Telemetry};

/// What a command fails with.
pub type Failure = Box<dyn Error>;

/// The version, with those of the formats and of the engine.
static LONG_VERSION: LazyLock<String> = LazyLock::new(|| {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "{version}\nmodules: format {MODULE_FORMAT}\nlog: format {LOG_FORMAT}\nderived state: format {DERIVED_FORMAT}\nengine: {ENGINE}"
    )
});

/// Runs compiled policies against the event log and answers questions over HTTP.
#[derive(Debug, Parser)]
#[command(name = "aquariumd", version, long_version = LONG_VERSION.as_str())]
pub struct CommandLine {
    #[command(subcommand)]
    command: Command,
    /// The configuration, a YAML file; `aquariumd config` prints one with every setting.
    #[arg(long, global = true, value_name = "FILE", env = "AQUARIUM_CONFIG")]
    config: Option<PathBuf>,
    /// What the daemon says: error, warn, info, debug, trace.
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take in events and answer questions.
    Serve(serve::Serve),
    /// Compile the policy of a directory, take in its events, show the balances, and serve.
    #[cfg(feature = "source")]
    Up(up::Up),
    /// Take in event files.
    Ingest(import::Ingest),
    /// Deploy policies, and see which hold when.
    Policy(policy::Policy),
    /// Give a user credits, or take them.
    Grant(user::Grant),
    /// Set the threshold of a user.
    Threshold(user::Threshold),
    /// Give a user an agreement, whatever the role.
    Assign(user::Assign),
    /// See what has no effect, and decide what is to become of it.
    Quarantine(quarantine::Quarantine),
    /// Look at the log.
    Log(log::Log),
    /// See the nodes that share a store.
    Cluster(cluster::Cluster),
    /// Copy log, modules and derived state to a directory, also while a daemon serves them.
    Backup(backup::Backup),
    /// Make a data directory of a backup.
    Restore(backup::Restore),
    /// Fold the log again from its beginning, and replace what is stored of that.
    Rebuild(rebuild::Rebuild),
    /// Fold the log again from its beginning, and compare with what is stored.
    Verify(verify::Verify),
    /// Ask the daemon that serves the data whether it takes events, for health checks.
    Ready(ready::Ready),
    /// Look for what will go wrong, before it does.
    Doctor(doctor::Doctor),
    /// Print the configuration with its defaults and what each setting is for.
    Config,
}

/// Where the data is.
#[derive(Debug, Args)]
struct Data {
    /// The directory of log and policies; over `data` of the configuration.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// How to serve.
#[derive(Debug, Args)]
struct Serving {
    /// Address and port; over `http.listen` of the configuration.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Serve the console (`/console`) on the public port too, which must be a loopback address; over
    /// `http.console` of the configuration.
    #[arg(long)]
    console: bool,
    /// The clock: the machine's, or one that stands until it is set by `POST /clock`.
    #[arg(long, value_name = "CLOCK", default_value = "system")]
    clock: ClockChoice,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ClockChoice {
    System,
    Manual,
}

impl Serving {
    fn over(&self, mut configuration: Configuration) -> Configuration {
        let http = &mut configuration.http;
        http.listen = self.listen.unwrap_or(http.listen);
        http.console |= self.console;
        configuration
    }

    fn clock(&self) -> Clock {
        match self.clock {
            ClockChoice::System => Clock::system(),
            ClockChoice::Manual => Clock::manual(),
        }
    }
}

/// Does what the command line asks for.
pub fn run(line: CommandLine) -> Result<(), Failure> {
    let environment = |name: &str| std::env::var(name).ok();
    let mut configuration = config::load(line.config.as_deref(), &environment)?;
    if let Some(level) = line.log_level {
        configuration.logging.level = level;
    } else if line.command.is_brief() && configuration.logging.level == Logging::default().level {
        "warn".clone_into(&mut configuration.logging.level);
    }
    start_logging(&configuration.logging)?;
    let telemetry = configuration.telemetry.clone();
    match line.command {
        Command::Serve(serve) => on_runtime(&telemetry, serve.run(configuration)),
        #[cfg(feature = "source")]
        Command::Up(up) => on_runtime(&telemetry, up.run(configuration)),
        Command::Ingest(ingest) => on_runtime(&telemetry, ingest.run(configuration)),
        Command::Policy(policy) => on_runtime(&telemetry, policy.run(configuration)),
        Command::Grant(grant) => on_runtime(&telemetry, grant.run(configuration)),
        Command::Threshold(threshold) => on_runtime(&telemetry, threshold.run(configuration)),
        Command::Assign(assign) => on_runtime(&telemetry, assign.run(configuration)),
        Command::Quarantine(quarantine) => on_runtime(&telemetry, quarantine.run(configuration)),
        Command::Log(log) => log.run(&configuration),
        Command::Cluster(cluster) => cluster.run(&configuration),
        Command::Backup(backup) => on_runtime(&telemetry, backup.run(configuration)),
        Command::Restore(restore) => restore.run(&configuration),
        Command::Rebuild(rebuild) => on_runtime(&telemetry, rebuild.run(configuration)),
        Command::Verify(verify) => on_runtime(&telemetry, verify.run(configuration)),
        Command::Ready(ready) => on_runtime(&telemetry, ready.run(configuration)),
        Command::Doctor(doctor) => doctor.run(&configuration),
        Command::Config => Ok(std::io::stdout().write_all(config::COMMENTED.as_bytes())?),
    }
}

impl Command {
    /// Whether what it prints is meant to be read by itself, without notes between.
    fn is_brief(&self) -> bool {
        !matches!(self, Self::Serve(_))
    }
}

impl Data {
    fn over(&self, mut configuration: Configuration) -> Configuration {
        if let Some(data) = &self.data {
            configuration.data.clone_from(data);
        }
        configuration
    }
}

/// Refuses a data directory without a log.
fn check_log(configuration: &Configuration) -> Result<(), Failure> {
    if configuration.store == Store::Embedded && !log_directory(configuration).exists() {
        return Err(format!("there is no log in `{}`", configuration.data.display()).into());
    }
    Ok(())
}

/// Refuses to copy what a server keeps.
fn refuse_server(configuration: &Configuration) -> Result<(), Failure> {
    match configuration.store {
        Store::Embedded => Ok(()),
        Store::Postgres(_) => {
            Err("log and derived state are in PostgreSQL: copy them by its own tools (`pg_dump`, \
             `pg_basebackup`), and the modules in `policies/` of the data directory beside them"
                .into())
        }
    }
}

fn on_runtime(
    telemetry: &Telemetry,
    command: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    telemetry::start(telemetry, runtime.handle())?;
    let outcome = runtime.block_on(command);
    telemetry::stop();
    outcome
}

fn start_logging(logging: &Logging) -> Result<(), Failure> {
    // The store's own notes are few of the operator's concern; whoever wants them names them.
    let level = format!("fjall=warn,lsm_tree=warn,lapin=off,{}", logging.level);
    let filter = EnvFilter::try_new(level).map_err(|error| format!("`logging.level`: {error}"))?;
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    match logging.format {
        LogFormat::Text => subscriber.init(),
        LogFormat::Json => subscriber.json().init(),
    }
    Ok(())
}
