//! A flipped bit, anywhere in the data directory: it is found and named, or it changes nothing; no charge is ever another.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use aquarium_store::embedded::verify;
use aquarium_store::{EmbeddedLog, Options};

use crate::support::{Place, event, eventually, now, run, text};
use crate::traffic::grant;

/// Bits of the log that are flipped, one at a time, and looked at by the library that the daemon reads it with.
const LOG_BITS: u64 = 700;
/// Bits of all files that are flipped, each before a process that folds everything and compares.
const DAEMON_BITS: u64 = 200;
/// Processes at a time.
const WORKERS: u64 = 2;
const LINES: &str = "application/x-ndjson";
const USERS: usize = 12;

/// A data directory as it was when its daemon had ended.
struct Directory {
    files: Vec<Content>,
}

/// A file: journals are mostly room for what is to come, which is not copied.
struct Content {
    path: PathBuf,
    bytes: Vec<u8>,
    length: u64,
}

impl Directory {
    fn read(root: &Path) -> Self {
        let mut files = Vec::new();
        read_into(root, root, &mut files);
        files.sort_by(|one: &Content, other| one.path.cmp(&other.path));
        Self { files }
    }

    /// Writes the directory with one bit flipped; gives the file and the byte.
    fn write_damaged(&self, to: &Path, random: u64) -> (String, usize) {
        let _ = fs::remove_dir_all(to);
        // Every file has its turn, whatever its size.
        let full: Vec<usize> =
            (0..self.files.len()).filter(|file| !self.files[*file].bytes.is_empty()).collect();
        let count = full.len() as u64;
        let chosen = full[usize::try_from(random % count).unwrap()];
        let place = usize::try_from(random / count).unwrap() % (self.files[chosen].bytes.len() * 8);
        for (number, content) in self.files.iter().enumerate() {
            let path = to.join(&content.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut bytes = content.bytes.clone();
            if number == chosen {
                bytes[place / 8] ^= 1 << (place % 8);
            }
            let mut file = File::create(&path).unwrap();
            file.write_all(&bytes).unwrap();
            file.set_len(content.length).unwrap();
        }
        if to.join("native").exists() {
            // The daemon makes it so, and insists on it.
            let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
            fs::set_permissions(to.join("native"), private).unwrap();
        }
        (self.files[chosen].path.to_str().unwrap().to_owned(), place / 8)
    }
}

fn read_into(root: &Path, directory: &Path, files: &mut Vec<Content>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_into(root, &path, files);
            continue;
        }
        if !fs::symlink_metadata(&path).unwrap().is_file() {
            continue;
        }
        let mut bytes = fs::read(&path).unwrap();
        let length = bytes.len() as u64;
        bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
        files.push(Content { path: path.strip_prefix(root).unwrap().to_owned(), bytes, length });
    }
}

/// Data with a history: events, grants, credit events, written by two daemons.
fn prepared() -> Place {
    let place = Place::new("");
    place.up_once();
    for round in 0..2 {
        let daemon = place.serve();
        let start = now();
        for user in 0..USERS {
            let name = format!("user-{user}");
            grant(&daemon, &name, &format!("credit-{round}"), "3");
            let lines: Vec<String> = (0..20)
                .map(|number| event(&format!("{round}-{user}-{number}"), &name, start, "traffic", "1.5"))
                .collect();
            assert_eq!(daemon.post("/events", LINES, lines.join("\n").as_bytes()).status, 200);
        }
        eventually("all users are announced", || {
            daemon.get("/credit-events").json()["creditEvents"].as_array().unwrap().len() >= USERS
        });
        assert!(daemon.terminate());
    }
    place
}

/// Numbers that look random, the same in each run.
fn random(seed: u64) -> u64 {
    let mixed = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 8
}

#[test]
fn a_flipped_bit_of_the_log_is_found_and_named_wherever_it_is() {
    let place = prepared();
    let log = Directory::read(&place.path("data/log"));
    assert_eq!(log.files.len(), 3, "a segment, the mark and the lock");
    let sound = verify(&place.path("data/log")).unwrap();
    assert!(sound.records > 400);
    let damaged = place.path("damaged");
    for number in 0..LOG_BITS {
        let (file, byte) = log.write_damaged(&damaged, random(number));
        let said = verify(&damaged).unwrap_err().to_string();
        assert!(said.contains(&format!("damaged log: {file}")), "byte {byte} of {file}: {said}");
        assert!(EmbeddedLog::open(&damaged, Options::default()).is_err(), "byte {byte} of {file}");
    }
}

/// What became of one flipped bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// The daemon does not start, and says why.
    Refused,
    /// It said what is damaged, and everybody has what the log says.
    NamedAndMended,
    /// It said nothing, and everybody has what the log says.
    WithoutEffect,
}

#[test]
fn a_flipped_bit_of_any_file_is_named_or_without_effect_and_never_charges_another_amount() {
    let place = prepared();
    let whole = Directory::read(&place.path("data"));
    let kinds: Vec<&str> = whole.files.iter().map(|content| kind(content.path.to_str().unwrap())).collect();
    for wanted in ["log", "mark", "policies", "native", "derived"] {
        assert!(kinds.contains(&wanted), "{wanted}: {kinds:?}");
    }
    let balances = balances(&place.text("data"));
    let outcomes: Mutex<BTreeMap<(&str, Outcome), u64>> = Mutex::default();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (whole, outcomes, next, balances) = (&whole, &outcomes, &next, &balances);
            let to = place.path(&format!("damaged-{worker}"));
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst) as u64;
                    if number >= DAEMON_BITS {
                        return;
                    }
                    let (file, byte) = whole.write_damaged(&to, random(number));
                    let outcome = outcome(to.to_str().unwrap(), balances)
                        .unwrap_or_else(|wrong| panic!("byte {byte} of {file}: {wrong}"));
                    *outcomes.lock().unwrap().entry((kind(&file), outcome)).or_insert(0) += 1;
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap();
    let _ = writeln!(std::io::stderr(), "{outcomes:?}");
    for ((kind, outcome), count) in &outcomes {
        // What everything follows from is never passed over.
        let must_be_refused = matches!(*kind, "log" | "mark" | "policies");
        assert!(!must_be_refused || *outcome == Outcome::Refused, "{kind} {outcome:?} {count}");
    }
    for outcome in [Outcome::NamedAndMended, Outcome::WithoutEffect] {
        assert!(outcomes.contains_key(&("derived", outcome)), "{outcome:?} {outcomes:?}");
    }
    assert!(!outcomes.contains_key(&("native", Outcome::NamedAndMended)), "{outcomes:?}");
}

fn kind(path: &str) -> &'static str {
    match path.split_once('/') {
        Some(("log", "acknowledged")) => "mark",
        Some(("log", _)) => "log",
        Some(("policies", _)) => "policies",
        Some(("native", _)) => "native",
        _ => "derived",
    }
}

/// What a daemon says about damaged data; an error where it charges something else than the log says.
fn outcome(data: &str, balances: &str) -> Result<Outcome, String> {
    let verified = run(&["verify", "--data", data]);
    let (said, complained) = (text(&verified.stdout), text(&verified.stderr));
    match verified.status.code() {
        Some(1) if complained.contains("damaged") || complained.contains("cannot be used") => {
            Ok(Outcome::Refused)
        }
        Some(0) => {
            let found = self::balances(data);
            if found != balances || said != format!("equal: {USERS} users\n") {
                return Err(format!("{said}{found}, not {balances}"));
            }
            let named = complained.contains("rebuilt from the log");
            Ok(if named { Outcome::NamedAndMended } else { Outcome::WithoutEffect })
        }
        _ => Err(format!("{:?}: {said}{complained}", verified.status)),
    }
}

/// Everybody's balance in what was exported of the log, as the library charges it.
fn balances(data: &str) -> String {
    let exported = run(&["log", "export", "--data", data]);
    assert!(exported.status.success());
    let exported = text(&exported.stdout);
    let lines: Vec<&str> =
        exported.lines().filter(|line| !line.contains("\"recordType\":\"deployment\"")).collect();
    let report = crate::support::offline(&lines.join("\n"), i64::from(u32::MAX) * 1_000);
    let shown = report.users.iter().map(|(user, report)| format!("{user} {}", report.balance));
    shown.collect::<Vec<_>>().join("\n")
}
