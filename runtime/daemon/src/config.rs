//! Configuration: one YAML file, everything with a default, then the environment, then flags.

mod brokers;
mod cluster;
mod http;
mod password;
mod store;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_yaml::{Mapping, Value};
use thiserror::Error;

pub use brokers::{Broker, CreditEventQueue, Source};
pub use cluster::Cluster;
pub use http::{Admin, Http, Tls, Token};
pub use password::PasswordPlace;
pub use store::{Postgres, Store};

use crate::telemetry::Telemetry;
use crate::webhook::Configured;

/// Everything that can be configured; `default.yaml` says what each setting is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Configuration {
    /// The directory that holds log and policies.
    pub data: PathBuf,
    /// Where log and derived state are kept.
    pub store: Store,
    /// This node among others on the same store.
    pub cluster: Cluster,
    /// Where HTTP is served.
    pub http: Http,
    /// What is taken in.
    pub ingest: Ingest,
    /// Message brokers.
    pub brokers: Vec<Broker>,
    /// Where policies come from.
    pub policies: Policies,
    /// Who is told of credit events.
    pub credit_events: CreditEvents,
    /// How users are spread.
    pub shards: usize,
    /// What the daemon says.
    pub logging: Logging,
    /// Whom spans are sent to.
    pub telemetry: Telemetry,
}

/// Settings of ingest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ingest {
    /// The most bytes of a body.
    pub body_bytes_max: usize,
    /// The most requests that wait for a group commit.
    pub waiting_requests_max: usize,
    /// The most records of a group commit.
    pub group_records_max: usize,
    /// How old an event may be on receipt.
    pub event_age_max_millis: i64,
    /// How far in the future an event may be on receipt.
    pub event_ahead_max_millis: i64,
}

/// Settings of policies.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policies {
    /// A directory: compiled policies that are put there are deployed.
    pub watch: Option<PathBuf>,
}

/// Settings of credit events.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CreditEvents {
    /// Where they are posted.
    pub webhooks: Vec<Configured>,
    /// Where they are sent by message.
    pub queues: Vec<CreditEventQueue>,
}

/// Settings of the daemon's own messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Logging {
    /// From which level on.
    pub level: String,
    /// As text or as JSON.
    pub format: LogFormat,
}

/// How the daemon's messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// Lines of JSON.
    Json,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            data: PathBuf::from("aquarium-data"),
            store: Store::default(),
            cluster: Cluster::default(),
            http: Http::default(),
            ingest: Ingest::default(),
            brokers: Vec::new(),
            policies: Policies::default(),
            credit_events: CreditEvents::default(),
            shards: 0,
            logging: Logging::default(),
            telemetry: Telemetry::default(),
        }
    }
}

impl Default for Ingest {
    fn default() -> Self {
        Self {
            body_bytes_max: 32 << 20,
            waiting_requests_max: 256,
            group_records_max: 10_000,
            event_age_max_millis: 400 * 86_400_000,
            event_ahead_max_millis: 86_400_000,
        }
    }
}

impl Default for Logging {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

/// Why there is no configuration.
#[derive(Debug, Error)]
pub enum ConfigurationError {
    /// The file cannot be read.
    #[error("the configuration `{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file or the environment says something that is no configuration.
    #[error("the configuration ({from}) is wrong: {source}")]
    Wrong {
        /// Where it is said.
        from: String,
        /// What is wrong.
        source: serde_yaml::Error,
    },
}

/// What `aquariumd config` prints: every setting with its default and what it is for.
pub const COMMENTED: &str = include_str!("default.yaml");

/// The configuration of a file, or the default, with what the environment says laid over it.
pub fn load(
    file: Option<&Path>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Configuration, ConfigurationError> {
    let configuration = match file {
        Some(path) => read(path)?,
        None => Configuration::default(),
    };
    let wrong = |source| ConfigurationError::Wrong { from: "environment".to_owned(), source };
    let mut value = serde_yaml::to_value(configuration).map_err(wrong)?;
    overlay(&mut value, "AQUARIUM", environment).map_err(wrong)?;
    serde_yaml::from_value(value).map_err(wrong)
}

fn read(path: &Path) -> Result<Configuration, ConfigurationError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigurationError::Unreadable { path: path.to_owned(), source })?;
    let wrong = |source| ConfigurationError::Wrong { from: format!("`{}`", path.display()), source };
    serde_yaml::from_str::<Option<Configuration>>(&text).map_err(wrong).map(Option::unwrap_or_default)
}

/// Puts the variable `PREFIX_PATH_OF_SETTING` in place of every setting for which there is one.
fn overlay(
    value: &mut Value,
    name: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<(), serde_yaml::Error> {
    if let Value::Mapping(settings) = value {
        return overlay_settings(settings, name, environment);
    }
    if let Some(text) = environment(name) {
        *value = match value {
            Value::String(_) => Value::String(text),
            _ => serde_yaml::from_str(&text)?,
        };
    }
    Ok(())
}

fn overlay_settings(
    settings: &mut Mapping,
    name: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<(), serde_yaml::Error> {
    for (key, value) in settings.iter_mut() {
        let key = key.as_str().unwrap_or_default().to_uppercase();
        overlay(value, &format!("{name}_{key}"), environment)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commented_configuration_is_the_default() {
        assert_eq!(serde_yaml::from_str::<Configuration>(COMMENTED).unwrap(), Configuration::default());
    }

    #[test]
    fn the_examples_of_the_pages_are_configurations() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for page in ["docs/queues.md", "docs/postgresql.md", "docs/cluster.md", "examples/machines/README.md"]
        {
            let text = std::fs::read_to_string(root.join(page)).unwrap();
            let blocks: Vec<&str> = text.split("```yaml\n").skip(1).collect();
            assert!(!blocks.is_empty(), "{page}");
            for block in blocks {
                let block = block.split("```").next().unwrap();
                let configuration: Configuration = serde_yaml::from_str(block).unwrap();
                assert_ne!(configuration, Configuration::default(), "{page}: {block}");
            }
        }
    }

    #[test]
    fn the_environment_goes_over_the_file_and_unknown_settings_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("aquarium.yaml");
        std::fs::write(&path, "shards: 3\nhttp: { listen: '127.0.0.1:1' }\n").unwrap();
        let environment = |name: &str| match name {
            "AQUARIUM_HTTP_LISTEN" => Some("127.0.0.1:2".to_owned()),
            "AQUARIUM_INGEST_GROUP_RECORDS_MAX" => Some("7".to_owned()),
            _ => None,
        };
        let configuration = load(Some(&path), &environment).unwrap();
        assert_eq!(configuration.http.listen, "127.0.0.1:2".parse().unwrap());
        assert_eq!((configuration.shards, configuration.ingest.group_records_max), (3, 7));
        std::fs::write(&path, "shrads: 3\n").unwrap();
        let error = load(Some(&path), &|_| None).unwrap_err().to_string();
        assert!(error.contains("shrads") && error.contains("aquarium.yaml"), "{error}");
        std::fs::write(&path, "").unwrap();
        assert_eq!(load(Some(&path), &|_| None).unwrap(), Configuration::default());
    }
}
