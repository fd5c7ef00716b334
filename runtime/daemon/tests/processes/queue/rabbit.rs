//! A RabbitMQ of the tests' own: on free ports, in a temporary directory, gone when the tests end.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use super::client::Client;

/// Where Debian's package keeps the programs that run as whoever starts them.
const PROGRAMS: &str = "/usr/lib/rabbitmq/bin";

/// It takes some ten seconds where nothing else runs, and minutes where everything is busy.
const BOOTED_WITHIN: Duration = Duration::from_secs(300);

/// The user that may do nothing.
pub const POWERLESS: &str = "powerless";

/// A broker.
pub struct Rabbit {
    directory: PathBuf,
    /// The port of AMQP.
    pub port: u16,
    /// The port of AMQP over TLS.
    pub tls_port: u16,
    distribution_port: u16,
    names_port: u16,
    server: Mutex<Option<Child>>,
    /// Who knows the names of nodes.
    names: Mutex<Option<Child>>,
    /// While its standard input is open the broker may live.
    _leash: Child,
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
    fn start() -> Self {
        assert!(
            Path::new(PROGRAMS).join("rabbitmq-server").is_file(),
            "RabbitMQ is not installed: run `cargo xtask setup`"
        );
        let directory = tempfile::Builder::new().prefix("aquarium-rabbit").tempdir().unwrap().keep();
        let [port, tls_port, distribution_port, names_port] = free_ports();
        let rabbit = Self {
            _leash: leash(&directory),
            directory,
            port,
            tls_port,
            distribution_port,
            names_port,
            server: Mutex::new(None),
            names: Mutex::new(None),
        };
        rabbit.configure();
        let mut names = rabbit.command("epmd");
        names.args(["-address", "127.0.0.1", "-port", &names_port.to_string()]);
        *rabbit.names.lock().unwrap() = Some(rabbit.spawn(names));
        rabbit.boot();
        rabbit
    }

    fn configure(&self) {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/processes/fixtures");
        let settings = format!(
            "listeners.tcp.local = 127.0.0.1:{}\nlisteners.ssl.local = 127.0.0.1:{}\n\
             ssl_options.certfile = {certificate}\nssl_options.keyfile = {key}\nssl_options.verify = verify_none\n\
             load_definitions = {definitions}\n",
            self.port,
            self.tls_port,
            certificate = fixtures.join("broker.pem").display(),
            key = fixtures.join("broker-key.pem").display(),
            definitions = self.directory.join("definitions.json").display(),
        );
        fs::write(self.directory.join("rabbitmq.conf"), settings).unwrap();
        fs::write(self.directory.join("enabled_plugins"), "[].").unwrap();
        let user = |name: &str, tags: &str| serde_json::json!({"name": name, "password": name, "tags": tags});
        let definitions = serde_json::json!({
            "users": [user("guest", "administrator"), user(POWERLESS, "")],
            "vhosts": [{"name": "/"}],
            "permissions": [
                {"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
                {"user": POWERLESS, "vhost": "/", "configure": "^$", "write": "^$", "read": "^$"},
            ],
        });
        fs::write(self.directory.join("definitions.json"), definitions.to_string()).unwrap();
    }

    /// A program of the broker's, with what it needs to know of this one.
    fn command(&self, program: &str) -> Command {
        let place = |name: &str| self.directory.join(name);
        let mut command = Command::new(program);
        command
            .env("RABBITMQ_NODENAME", format!("aquarium-{}@localhost", self.port))
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
            .env("HOME", &self.directory)
            .current_dir(&self.directory);
        command
    }

    /// Starts a program in a group of its own, which ends with the tests.
    fn spawn(&self, mut command: Command) -> Child {
        let output = File::options().create(true).append(true).open(self.directory.join("output")).unwrap();
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output).process_group(0);
        let child = command.spawn().unwrap();
        fs::write(self.directory.join(format!("{}.group", child.id())), "").unwrap();
        child
    }

    fn boot(&self) {
        let server = self.spawn(self.command(&format!("{PROGRAMS}/rabbitmq-server")));
        *self.server.lock().unwrap() = Some(server);
        let begun = Instant::now();
        while Client::connect(self.port).is_none() {
            assert!(
                begun.elapsed() < BOOTED_WITHIN,
                "RabbitMQ does not start: see {}",
                self.directory.display()
            );
            std::thread::yield_now();
        }
    }

    /// Kills the broker. What was declared within the last seconds is on disk by then: without that it would be gone,
    /// or half of it, as after every kill of a broker.
    pub fn kill(&self) {
        self.control(&["eval", "mnesia:sync_log()."]);
        let mut server = self.server.lock().unwrap().take().unwrap();
        kill_group(server.id());
        server.wait().unwrap();
    }

    /// Starts it again.
    pub fn restart(&self) {
        self.boot();
    }

    /// Lets nobody publish, as where memory is short, until what it gives is dropped.
    pub fn alarm(&self) -> Alarm<'_> {
        self.control(&["set_vm_memory_high_watermark", "absolute", "1"]);
        Alarm(self)
    }

    /// Gives an order to the broker.
    fn control(&self, arguments: &[&str]) {
        let output = self.command(&format!("{PROGRAMS}/rabbitmqctl")).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
}

/// The broker is short of memory.
pub struct Alarm<'a>(&'a Rabbit);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        self.0.control(&["set_vm_memory_high_watermark", "0.4"]);
    }
}

fn kill_group(group: u32) {
    let killed = Command::new("kill").args(["-KILL", "--", &format!("-{group}")]).status().unwrap();
    assert!(killed.success());
}

/// A process that waits for the end of this one, however it comes, and then clears away what was started.
fn leash(directory: &Path) -> Child {
    let script = "cat >/dev/null; cd \"$1\" || exit; \
                  for group in *.group; do kill -s KILL -- \"-${group%.group}\" 2>/dev/null; done; cd /; rm -rf \"$1\"";
    Command::new("sh")
        .args(["-c", script, "leash"])
        .arg(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap()
}

/// Ports that were free a moment ago.
fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}
