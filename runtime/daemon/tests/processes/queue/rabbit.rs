//! A RabbitMQ of the tests' own: on free ports, in a temporary directory, gone when the tests end.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use super::client::Client;
use crate::servers::{Home, free_ports, signal_group};

/// Where Debian's package keeps the programs that run as whoever starts them.
const PROGRAMS: &str = "/usr/lib/rabbitmq/bin";

/// It takes some ten seconds where nothing else runs, and minutes where everything is busy.
const BOOTED_WITHIN: Duration = Duration::from_secs(300);

/// It is killed: a power failure is what it must survive.
const END: &str = "KILL";

/// What nodes of one cluster show each other.
const COOKIE: &str = "aquarium-tests";

/// The user that may do nothing.
pub const POWERLESS: &str = "powerless";

/// A broker.
pub struct Rabbit {
    home: Home,
    /// The port of AMQP.
    pub port: u16,
    /// The port of AMQP over TLS.
    pub tls_port: u16,
    distribution_port: u16,
    names_port: u16,
    /// The nodes of the cluster that it is one of, by name.
    cluster: Vec<String>,
    server: Mutex<Option<Child>>,
    /// Who knows the names of nodes.
    names: Mutex<Option<Child>>,
}

/// A test that does something to the broker has it for itself.
static WHOLE: RwLock<()> = RwLock::new(());

/// The broker is up, and stays up.
pub fn with_others() -> RwLockReadGuard<'static, ()> {
    WHOLE.read().unwrap_or_else(PoisonError::into_inner)
}

/// Nobody else uses the broker.
pub fn alone() -> RwLockWriteGuard<'static, ()> {
    WHOLE.write().unwrap_or_else(PoisonError::into_inner)
}

/// The one broker of all tests.
pub fn rabbit() -> &'static Rabbit {
    static RABBIT: OnceLock<Rabbit> = OnceLock::new();
    RABBIT.get_or_init(Rabbit::start)
}

impl Rabbit {
    /// Starts a broker.
    pub fn start() -> Self {
        let [names_port] = free_ports();
        let rabbit = Self::new(names_port);
        rabbit.start_names();
        rabbit.configure();
        rabbit.spawn();
        rabbit.wait();
        rabbit
    }

    /// Starts a cluster of brokers.
    pub fn cluster<const N: usize>() -> [Self; N] {
        let [names_port] = free_ports();
        let mut rabbits = [(); N].map(|()| Self::new(names_port));
        let cluster: Vec<String> = rabbits.iter().map(Self::node).collect();
        rabbits[0].start_names();
        for rabbit in &mut rabbits {
            rabbit.cluster.clone_from(&cluster);
            rabbit.configure();
            rabbit.spawn();
        }
        rabbits.iter().for_each(Self::wait);
        let begun = Instant::now();
        let size = format!("{N} = length(rabbit_nodes:all_running()).");
        while !rabbits.iter().all(|rabbit| rabbit.order(&["eval", &size])) {
            assert!(begun.elapsed() < BOOTED_WITHIN, "the brokers do not come together");
        }
        rabbits
    }

    fn new(names_port: u16) -> Self {
        assert!(
            Path::new(PROGRAMS).join("rabbitmq-server").is_file(),
            "RabbitMQ is not installed: run `cargo xtask setup`"
        );
        let [port, tls_port, distribution_port] = free_ports();
        Self {
            home: Home::new("aquarium-rabbit"),
            port,
            tls_port,
            distribution_port,
            names_port,
            cluster: Vec::new(),
            server: Mutex::new(None),
            names: Mutex::new(None),
        }
    }

    fn node(&self) -> String {
        format!("aquarium-{}@localhost", self.port)
    }

    fn start_names(&self) {
        let mut names = self.command("epmd");
        names.args(["-address", "127.0.0.1", "-port", &self.names_port.to_string()]);
        *self.names.lock().unwrap() = Some(self.home.spawn(names, END));
    }

    fn configure(&self) {
        let cookie = self.home.directory.join(".erlang.cookie");
        fs::write(&cookie, COOKIE).unwrap();
        fs::set_permissions(&cookie, fs::Permissions::from_mode(0o400)).unwrap();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/processes/fixtures");
        let mut settings = format!(
            "listeners.tcp.local = 127.0.0.1:{}\nlisteners.ssl.local = 127.0.0.1:{}\n\
             ssl_options.certfile = {certificate}\nssl_options.keyfile = {key}\nssl_options.verify = verify_none\n\
             load_definitions = {definitions}\n",
            self.port,
            self.tls_port,
            certificate = fixtures.join("broker.pem").display(),
            key = fixtures.join("broker-key.pem").display(),
            definitions = self.home.directory.join("definitions.json").display(),
        );
        if !self.cluster.is_empty() {
            settings += "cluster_formation.peer_discovery_backend = classic_config\n";
        }
        for (number, node) in self.cluster.iter().enumerate() {
            settings += &format!("cluster_formation.classic_config.nodes.{} = {node}\n", number + 1);
        }
        fs::write(self.home.directory.join("rabbitmq.conf"), settings).unwrap();
        fs::write(self.home.directory.join("enabled_plugins"), "[].").unwrap();
        let user = |name: &str, tags: &str| serde_json::json!({"name": name, "password": name, "tags": tags});
        let definitions = serde_json::json!({
            "users": [user("guest", "administrator"), user(POWERLESS, "")],
            "vhosts": [{"name": "/"}],
            "permissions": [
                {"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
                {"user": POWERLESS, "vhost": "/", "configure": "^$", "write": "^$", "read": "^$"},
            ],
        });
        fs::write(self.home.directory.join("definitions.json"), definitions.to_string()).unwrap();
    }

    /// A program of the broker's, with what it needs to know of this one.
    fn command(&self, program: &str) -> Command {
        let place = |name: &str| self.home.directory.join(name);
        let mut command = Command::new(program);
        command
            .env("RABBITMQ_NODENAME", self.node())
            .env("RABBITMQ_DIST_PORT", self.distribution_port.to_string())
            .env("RABBITMQ_MNESIA_BASE", place("data"))
            .env("RABBITMQ_LOG_BASE", place("log"))
            .env("RABBITMQ_PID_FILE", place("pid"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", place("enabled_plugins"))
            .env("RABBITMQ_CONFIG_FILE", place("rabbitmq.conf"))
            .env(
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
            )
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_EPMD_PORT", self.names_port.to_string())
            .env("HOME", &self.home.directory)
            .current_dir(&self.home.directory);
        command
    }

    fn spawn(&self) {
        let server = self.home.spawn(self.command(&format!("{PROGRAMS}/rabbitmq-server")), END);
        *self.server.lock().unwrap() = Some(server);
    }

    /// Waits until it lets clients in.
    fn wait(&self) {
        let begun = Instant::now();
        while Client::connect(self.port).is_none() {
            let ended = self.server.lock().unwrap().as_mut().and_then(|server| server.try_wait().unwrap());
            assert!(
                ended.is_none() && begun.elapsed() < BOOTED_WITHIN,
                "RabbitMQ does not start ({ended:?}): {}",
                self.home.output()
            );
            std::thread::yield_now();
        }
    }

    /// Kills the broker. What was declared within the last seconds is on disk by then: without that it would be gone,
    /// or half of it, as after every kill of a broker.
    pub fn kill(&self) {
        self.control(&["eval", "mnesia:sync_log()."]);
        let mut server = self.server.lock().unwrap().take().unwrap();
        signal_group(server.id(), END);
        server.wait().unwrap();
    }

    /// Starts it again.
    pub fn restart(&self) {
        self.spawn();
        self.wait();
    }

    /// Lets nobody publish, as where memory is short, until what it gives is dropped.
    pub fn alarm(&self) -> Alarm<'_> {
        self.control(&["set_vm_memory_high_watermark", "absolute", "1"]);
        Alarm(self)
    }

    /// Gives an order to the broker.
    fn control(&self, arguments: &[&str]) {
        assert!(self.order(arguments), "{arguments:?}");
    }

    /// The same; says whether it was followed.
    fn order(&self, arguments: &[&str]) -> bool {
        let output = self.command(&format!("{PROGRAMS}/rabbitmqctl")).args(arguments).output().unwrap();
        output.status.success()
    }
}

/// The broker is short of memory.
pub struct Alarm<'a>(&'a Rabbit);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        self.0.control(&["set_vm_memory_high_watermark", "0.4"]);
    }
}
