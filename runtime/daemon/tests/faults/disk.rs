//! A disk that is full: nothing more is acknowledged, everything else goes on, and events are taken again when there is
//! room.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::{Daemon, Place, aquariumd, event, eventually, now, text};
use crate::traffic::grant;

/// The size of the disk: room for the daemon, and quick to fill.
const DISK: &str = "48m";
const LINES: &str = "application/x-ndjson";

/// A small disk in memory that only the processes of its own name space see; it is gone with the last of them.
struct SmallDisk {
    holder: Child,
    path: String,
}

impl SmallDisk {
    /// A disk at a directory. Whoever is not root becomes so in a name space of users.
    fn mount(directory: &Path) -> Self {
        let path = directory.to_str().unwrap().to_owned();
        let mut command = Command::new("unshare");
        if !rustix::process::getuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        let script =
            format!("mount -t tmpfs -o size={DISK} tmpfs '{path}' && echo mounted && exec sleep infinity");
        let mut holder =
            command.args(["--mount", "sh", "-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "mounted\n", "a file system cannot be mounted here");
        Self { holder, path }
    }

    /// The disk as this process sees it.
    fn here(&self) -> PathBuf {
        Path::new("/proc")
            .join(self.holder.id().to_string())
            .join("root")
            .join(self.path.trim_start_matches('/'))
    }

    /// The program, run where the disk is.
    fn aquariumd(&self, arguments: &[&str]) -> Command {
        let program = aquariumd(&[]);
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.holder.id().to_string(), "--mount"]);
        if !rustix::process::getuid().is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.arg(program.get_program()).args(arguments).env_remove("AQUARIUM_CONFIG");
        command
    }

    fn serve(&self) -> Daemon {
        let data = format!("{}/data", self.path);
        let mut command = self.aquariumd(&["serve", "--data", &data, "--listen", "127.0.0.1:0"]);
        Daemon::spawn(command.stderr(Stdio::null()), &self.here().join("data"))
    }

    /// Takes all the room that there is.
    fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.here().join("ballast")).unwrap();
        for block in [1 << 20, 4096] {
            while file.write_all(&vec![1; block]).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.here().join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

#[test]
fn a_full_disk_stops_acknowledgement_alone_and_loses_nothing() {
    let place = Place::new("");
    fs::create_dir(place.path("disk")).unwrap();
    let disk = SmallDisk::mount(&place.path("disk"));
    let data = format!("{}/data", disk.path);
    let up = disk.aquariumd(&["up", &place.text(""), "--data", &data, "--once"]).output().unwrap();
    assert!(up.status.success(), "{}", text(&up.stderr));
    let daemon = disk.serve();
    let mut sent = Sent::default();
    // Twice: what is left behind by the first time must not be in the way of the second.
    for round in 0..2 {
        assert!((0..20).all(|_| sent.send(&daemon)), "there is room");
        assert_eq!(daemon.get("/readyz").status, 200);
        disk.fill();
        let refused = (0..1_000).any(|_| !sent.send(&daemon));
        assert!(refused, "it goes on to acknowledge on a full disk");
        assert_eq!(daemon.get("/readyz").status, 503);
        assert_eq!(daemon.get("/healthz").status, 200);
        for _ in 0..3 {
            assert!(!sent.send(&daemon));
            assert_eq!(daemon.balance("u", now()), sent.balance(), "questions are answered as before");
        }
        disk.make_room();
        // It finds out by itself: whoever watches readiness sends nothing before.
        eventually("it is ready again", || daemon.get("/readyz").status == 200);
        assert!(sent.send(&daemon));
        grant(&daemon, &format!("granted-{round}"), "credit", "1");
        eventually("credit events are announced again", || {
            daemon.get("/credit-events").body.contains(&format!("granted-{round}"))
        });
    }
    assert_eq!(daemon.balance("u", now()), sent.balance());
    daemon.kill();
    let daemon = disk.serve();
    assert_eq!(daemon.balance("u", now()), sent.balance(), "after a new start");
    assert!(daemon.terminate());
    let verified = disk.aquariumd(&["verify", "--data", &data]).output().unwrap();
    assert!(verified.status.success(), "{}", text(&verified.stderr));
}

/// Events of one user, a quarter of a credit each.
#[derive(Default)]
struct Sent {
    count: u64,
    acknowledged: u64,
}

impl Sent {
    /// Sends an event that fills some of the disk. Says whether it was acknowledged; nothing but that or 503 may be.
    fn send(&mut self, daemon: &Daemon) -> bool {
        self.count += 1;
        let large = format!("{{\"note\":\"{}\"}}", "x".repeat(2_000));
        let event = event(&format!("e{}", self.count), "u", now(), "traffic", "1");
        let body = event.replace("\"details\":{}", &format!("\"details\":{large}"));
        let answer = daemon.post("/events", LINES, body.as_bytes());
        let taken = answer.status == 200;
        assert!(taken || answer.status == 503, "{answer:?}");
        self.acknowledged += u64::from(taken);
        taken
    }

    fn balance(&self) -> String {
        let text = format!("-{}.{:02}", self.acknowledged / 4, self.acknowledged % 4 * 25);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}
