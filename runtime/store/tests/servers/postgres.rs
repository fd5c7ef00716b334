//! A PostgreSQL of the tests' own.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::{Home, free_ports, signal_group};

/// It takes a second where nothing else runs.
const STARTED_WITHIN: Duration = Duration::from_secs(120);
/// Where Debian keeps each version's programs.
const VERSIONS: &str = "/usr/lib/postgresql";
/// Immediate shutdown: nothing is left behind, but nothing is written either.
const END: &str = "QUIT";

/// A server.
pub struct Postgres {
    home: Home,
    pub port: u16,
    programs: PathBuf,
    /// What it is told besides what all are.
    settings: Vec<String>,
    server: Mutex<Option<Child>>,
}

/// The one server of all tests.
pub fn postgres() -> &'static Postgres {
    static POSTGRES: OnceLock<Postgres> = OnceLock::new();
    POSTGRES.get_or_init(Postgres::start)
}

impl Postgres {
    /// Starts a server.
    pub fn start() -> Self {
        Self::without_data().begin()
    }

    /// Starts a server that speaks TLS to whoever asks for it, by a certificate and its key.
    pub fn with_tls(certificate: &Path, key: &Path) -> Self {
        let mut postgres = Self::without_data();
        postgres.settings = vec![
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", postgres.own(certificate, "certificate.pem").display()),
            format!("ssl_key_file={}", postgres.own(key, "key.pem").display()),
        ];
        postgres.begin()
    }

    /// A file of its own with the same content: whom it runs as may not see where the project is.
    fn own(&self, file: &Path, name: &str) -> PathBuf {
        let own = self.home.place(name);
        fs::copy(file, &own).unwrap();
        fs::set_permissions(&own, fs::Permissions::from_mode(0o600)).unwrap();
        if is_root() {
            let (user, group) = servant();
            chown(&own, Some(user), Some(group)).unwrap();
        }
        own
    }

    fn begin(self) -> Self {
        let postgres = self;
        let mut make = postgres.command("initdb");
        make.args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ])
        .arg(postgres.data());
        let made = make.output().unwrap();
        assert!(made.status.success(), "{made:?}");
        postgres.boot();
        postgres
    }

    fn without_data() -> Self {
        let home = Home::new("aquarium-postgres");
        let [port] = free_ports();
        if is_root() {
            let (user, group) = servant();
            chown(&home.directory, Some(user), Some(group)).unwrap();
        }
        Self { home, port, programs: programs(), settings: Vec::new(), server: Mutex::new(None) }
    }

    /// Starts a standby that streams from this server, which from then on commits nothing that the standby has not.
    pub fn synchronous_standby(&self) -> Self {
        let standby = Self::without_data();
        let mut copy = standby.command("pg_basebackup");
        copy.args(["--checkpoint=fast", "--no-sync", "--write-recovery-conf", "--username=postgres"]);
        copy.args(["--host=127.0.0.1", &format!("--port={}", self.port), "-D"]).arg(standby.data());
        let copied = copy.output().unwrap();
        assert!(copied.status.success(), "{copied:?}");
        standby.boot();
        // Only now: the standby is to wait for nobody when it has taken over.
        self.ask("ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.ask("SELECT pg_reload_conf()");
        let begun = Instant::now();
        while self.ask("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") != "1" {
            assert!(
                begun.elapsed() < STARTED_WITHIN,
                "the standby does not stream: {}",
                standby.home.output()
            );
        }
        standby
    }

    /// Has a standby take over.
    pub fn promote(&self) {
        assert_eq!(self.ask("SELECT pg_promote()"), "t");
    }

    /// How a daemon names it.
    pub fn url(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn data(&self) -> PathBuf {
        self.home.place("data")
    }

    /// A program of the server's, which refuses to be run by root.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(&self.home.directory).env("LC_ALL", "C");
        if is_root() {
            let (user, group) = servant();
            command.uid(user).gid(group);
        }
        command
    }

    fn boot(&self) {
        let begun = Instant::now();
        loop {
            let mut command = self.command("postgres");
            command.arg("-D").arg(self.data());
            for setting in [
                format!("port={}", self.port),
                "listen_addresses=127.0.0.1".to_owned(),
                format!("unix_socket_directories={}", self.home.directory.display()),
                "dynamic_shared_memory_type=mmap".to_owned(),
                "max_connections=200".to_owned(),
            ] {
                command.arg("-c").arg(setting);
            }
            self.settings.iter().for_each(|setting| {
                command.args(["-c", setting]);
            });
            let mut server = self.home.spawn(command, END);
            // One that was killed may not be gone yet: then the next one ends at once.
            while server.try_wait().unwrap().is_none() {
                if self.answers() {
                    *self.server.lock().unwrap() = Some(server);
                    return;
                }
                assert!(
                    begun.elapsed() < STARTED_WITHIN,
                    "PostgreSQL does not start: {}",
                    self.home.output()
                );
                std::thread::yield_now();
            }
            assert!(begun.elapsed() < STARTED_WITHIN, "PostgreSQL does not start: {}", self.home.output());
        }
    }

    fn answers(&self) -> bool {
        let port = self.port.to_string();
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
            && self
                .command("pg_isready")
                .args(["-q", "-h", "127.0.0.1", "-p", &port])
                .status()
                .is_ok_and(|status| status.success())
    }

    /// Ends it as a power failure would.
    pub fn kill(&self) {
        let mut server = self.server.lock().unwrap().take().unwrap();
        signal_group(server.id(), "KILL");
        server.wait().unwrap();
    }

    /// Starts it again.
    pub fn restart(&self) {
        self.boot();
    }

    /// What a statement says, as text.
    pub fn ask(&self, statement: &str) -> String {
        let asked = self.command("psql").args(["-qAtX", &self.url(), "-c", statement]).output().unwrap();
        assert!(asked.status.success(), "{asked:?}");
        String::from_utf8(asked.stdout).unwrap().trim().to_owned()
    }
}

/// The newest version that is installed.
fn programs() -> PathBuf {
    let versions =
        fs::read_dir(VERSIONS).into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let newest = versions.filter(|path| path.join("postgres").is_file()).max_by_key(|path| version(path));
    newest.unwrap_or_else(|| panic!("PostgreSQL is not installed: run `cargo xtask setup`"))
}

fn version(programs: &Path) -> u32 {
    let name = programs.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    name.and_then(|name| name.parse().ok()).unwrap_or(0)
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// As whom the server runs where root runs the tests.
fn servant() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let field = |line: &str, number: usize| line.split(':').nth(number)?.parse().ok();
    let line = users.lines().find(|line| line.starts_with("postgres:")).unwrap();
    (field(line, 2).unwrap(), field(line, 3).unwrap())
}
