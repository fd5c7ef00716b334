//! Nodes on one store.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::servers::postgres::Postgres;
use crate::support::{Daemon, Place, aquariumd, eventually, text};

/// How long leases last here: takeovers are waited for.
pub const LEASE_MILLIS: u64 = 2_000;
/// The number of partitions of a log.
pub const PARTITIONS: usize = 64;

/// Nodes that share a schema.
pub struct Nodes {
    pub place: Place,
    pub schema: String,
    url: String,
    lease_millis: u64,
    running: BTreeMap<usize, Daemon>,
}

impl Nodes {
    /// A store with a policy, and nobody on it.
    pub fn new(postgres: &Postgres) -> Self {
        Self::with_lease(postgres, LEASE_MILLIS)
    }

    /// The same, with leases that last for another time.
    pub fn with_lease(postgres: &Postgres, lease_millis: u64) -> Self {
        Self::at(postgres.url(), lease_millis)
    }

    /// The same, on whichever server is behind an address.
    pub fn at(url: String, lease_millis: u64) -> Self {
        let place = Place::new("");
        let schema = place.directory.path().file_name().unwrap().to_str().unwrap().to_owned();
        let nodes = Self { place, schema, url, lease_millis, running: BTreeMap::new() };
        nodes.configure("once", &nodes.url, " }");
        let up = nodes.command("once", &["up", &nodes.place.text(""), "--once"]);
        assert!(up.status.success(), "{}", text(&up.stderr));
        nodes
    }

    fn configure(&self, name: &str, url: &str, more: &str) -> PathBuf {
        let path = self.place.path(&format!("{name}.yaml"));
        let settings = format!(
            "store: {{ url: '{url}', schema: '{}' }}\ncluster: {{ lease_millis: {}{more}\n",
            self.schema, self.lease_millis
        );
        fs::write(&path, settings).unwrap();
        path
    }

    /// Runs a command on the store, over a data directory of a name.
    pub fn command(&self, name: &str, arguments: &[&str]) -> std::process::Output {
        let config = self.configure(name, &self.url, " }");
        let data = self.place.text(name);
        aquariumd(arguments).args(["--config", config.to_str().unwrap(), "--data", &data]).output().unwrap()
    }

    /// Starts a node.
    pub fn start(&mut self, number: usize) {
        self.start_with(number, &self.url.clone(), " }", &[]);
    }

    /// Starts a node that reaches the store at another address, with settings that go on within those of the cluster, and
    /// with more arguments.
    pub fn start_with(&mut self, number: usize, url: &str, settings: &str, arguments: &[&str]) {
        let name = format!("node-{number}");
        let config = self.configure(&name, url, settings);
        let data = self.place.path(&name);
        let output = File::options()
            .create(true)
            .append(true)
            .open(self.place.path(&format!("{name}.output")))
            .unwrap();
        let mut command = aquariumd(&["serve", "--listen", "127.0.0.1:0"]);
        command
            .args(["--config", config.to_str().unwrap(), "--data", data.to_str().unwrap()])
            .args(arguments);
        self.running.insert(number, Daemon::spawn(command.stderr(Stdio::from(output)), &data));
    }

    /// Where the store is.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    pub fn node(&self, number: usize) -> &Daemon {
        &self.running[&number]
    }

    /// Those that run.
    pub fn running(&self) -> impl Iterator<Item = (usize, &Daemon)> {
        self.running.iter().map(|(number, daemon)| (*number, daemon))
    }

    /// Sends a node a signal.
    pub fn signal(&self, number: usize, signal: &str) {
        let process = self.node(number).process().to_string();
        let sent = Command::new("kill").args([&format!("-{signal}"), &process]).status().unwrap();
        assert!(sent.success());
    }

    pub fn kill(&mut self, number: usize) {
        self.running.remove(&number).unwrap().kill();
    }

    /// Waits until a node ends by itself; gives its code, and what it has said.
    pub fn ended(&mut self, number: usize) -> (Option<i32>, String) {
        let code = self.running.remove(&number).unwrap().ended();
        (code, fs::read_to_string(self.place.path(&format!("node-{number}.output"))).unwrap())
    }

    /// Ends a node in order.
    pub fn terminate(&mut self, number: usize) {
        assert!(self.running.remove(&number).unwrap().terminate());
    }

    pub fn terminate_all(&mut self) {
        for number in self.running.keys().copied().collect::<Vec<_>>() {
            self.terminate(number);
        }
    }

    /// What `cluster status` says.
    pub fn status(&self) -> Value {
        let config = self.configure("once", &self.url, " }");
        let output = aquariumd(&["cluster", "status", "--json", "--config", config.to_str().unwrap()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// How many partitions each of the nodes that live has, by the order of their names.
    pub fn shares(&self) -> Vec<usize> {
        let status = self.status();
        let nodes = status["nodes"].as_array().unwrap().iter().filter(|node| node["lives"] == true);
        nodes.map(|node| node["partitions"].as_array().unwrap().len()).collect()
    }

    /// Waits until so many nodes have all partitions between them, each its share.
    pub fn settle(&self, count: usize) {
        eventually("each has its share", || {
            let shares = self.shares();
            let (least, most) = (shares.iter().min(), shares.iter().max());
            shares.len() == count
                && shares.iter().sum::<usize>() == PARTITIONS
                && least.zip(most).is_some_and(|(least, most)| most - least <= 1)
        });
    }
}
