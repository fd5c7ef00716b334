//! Daemons whose log and derived state are in PostgreSQL, a real one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use crate::servers::postgres::{Postgres, postgres};
use crate::support::{Daemon, Place, aquariumd, event, eventually, fixture, now, offline, text};

const LINES: &str = "application/x-ndjson";
const HOUR: i64 = 3_600_000;

/// A place whose store is in a schema of its own.
struct Shared {
    place: Place,
    schema: String,
}

impl Shared {
    fn new(postgres: &Postgres) -> Self {
        Self::at(&postgres.url(), "")
    }

    /// The same by an address, with more settings.
    fn at(url: &str, more: &str) -> Self {
        let place = Place::new("");
        let schema = place.directory.path().file_name().unwrap().to_str().unwrap().to_owned();
        let settings = format!("store: {{ url: '{url}', schema: '{schema}'{more} }}\n");
        fs::write(place.path("postgres.yaml"), settings).unwrap();
        Self { place, schema }
    }

    fn run(&self, data: &str, arguments: &[&str]) -> Output {
        let (config, data) = (self.place.text("postgres.yaml"), self.place.text(data));
        aquariumd(arguments).args(["--config", &config, "--data", &data]).output().unwrap()
    }

    /// Deploys the policy.
    fn up_once(&self) {
        let output = self.run("data", &["up", &self.place.text(""), "--once"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    fn serve(&self, data: &str) -> Daemon {
        let (config, data) = (self.place.text("postgres.yaml"), self.place.text(data));
        Daemon::start(&["serve", "--config", &config, "--data", &data, "--listen", "127.0.0.1:0"])
    }
}

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// Usage of several users, numbered from `from` on.
fn usage(from: usize, count: usize, start: i64) -> Vec<String> {
    let one = |number: usize| {
        let occurred = start + i64::try_from(number).unwrap();
        event(&number.to_string(), &format!("user-{}", number % 7), occurred, "traffic", "2")
    };
    (from..from + count).map(one).collect()
}

fn balances(daemon: &Daemon, at: i64) -> BTreeMap<String, String> {
    let users = (0..7).map(|number| format!("user-{number}"));
    users.map(|user| (user.clone(), daemon.balance(&user, at))).collect()
}

fn check(daemon: &Daemon, events: &[String], at: i64) {
    for (user, report) in &offline(&events.join("\n"), at).users {
        assert_eq!(daemon.balance(user, at), report.balance.to_string(), "{user}");
    }
}

#[test]
fn a_daemon_that_is_killed_goes_on_by_what_the_server_has_and_who_wants_to_be_alone_is_kept_out() {
    let shared = Shared::new(postgres());
    shared.up_once();
    let daemon = shared.serve("data");
    let events = usage(0, 500, now() - HOUR);
    let (first, second) = events.split_at(250);
    assert_eq!(daemon.post("/events", LINES, first.join("\n").as_bytes()).status, 200);
    check(&daemon, first, now());
    let other = shared.run("other", &["rebuild", "users"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(text(&other.stderr).contains("charges by it"), "{}", text(&other.stderr));
    daemon.kill();
    let daemon = shared.serve("data");
    assert_eq!(daemon.post("/events", LINES, events.join("\n").as_bytes()).status, 200);
    check(&daemon, &events, now());
    let again = daemon.post("/events", LINES, second.join("\n").as_bytes());
    assert!(again.body.lines().all(|line| line.contains("\"duplicate\"")), "{}", again.body);
    let at = now();
    let before = balances(&daemon, at);
    assert!(daemon.terminate());
    assert!(done(&shared.run("data", &["verify"])).starts_with("equal: "));
    assert!(done(&shared.run("data", &["rebuild", "users"])).starts_with("folded "));
    assert!(done(&shared.run("data", &["log", "verify"])).starts_with("sound: "));
    assert!(!done(&shared.run("data", &["doctor"])).contains("WRONG"));
    assert!(text(&shared.run("data", &["backup", "b"]).stderr).contains("pg_dump"));
    let daemon = shared.serve("data");
    assert_eq!(balances(&daemon, at), before);
    assert!(daemon.terminate());
}

#[test]
fn a_server_that_is_killed_and_comes_again_costs_nothing_that_was_acknowledged() {
    let own = Postgres::start();
    let shared = Shared::new(&own);
    shared.up_once();
    let daemon = shared.serve("data");
    let events = usage(0, 600, now() - HOUR);
    let mut acknowledged = 0;
    for (part, events) in events.chunks(100).enumerate() {
        if part == 2 {
            own.kill();
            assert_eq!(daemon.get("/ping").status, 200);
            let refused = daemon.post("/events", LINES, events.join("\n").as_bytes());
            assert!(!refused.body.contains("\"stored\""), "{}", refused.body);
            own.restart();
        }
        eventually("they are stored", || {
            let answer = daemon.post("/events", LINES, events.join("\n").as_bytes());
            answer.status == 200 && answer.body.lines().filter(|line| line.contains("\"id\"")).count() == 100
        });
        acknowledged += events.len();
    }
    assert_eq!(acknowledged, events.len());
    check(&daemon, &events, now());
    // It ends without its server too, and what could not be written is folded again.
    let last = event("last", "user-1", now() - HOUR, "traffic", "2");
    assert_eq!(daemon.post("/events", "application/json", last.as_bytes()).status, 200);
    own.kill();
    assert!(daemon.terminate());
    own.restart();
    let daemon = shared.serve("data");
    check(&daemon, &[events, vec![last]].concat(), now());
    assert!(daemon.terminate());
}

#[test]
fn a_log_moves_to_postgresql_and_back_and_every_balance_stays() {
    let shared = Shared::new(postgres());
    let place = &shared.place;
    place.up_once();
    let daemon = place.serve();
    let events = usage(0, 300, now() - HOUR);
    assert_eq!(daemon.post("/events", LINES, events.join("\n").as_bytes()).status, 200);
    let conflict = events[0].replace("\"value\":2", "\"value\":3");
    daemon.post("/events", LINES, format!("nonsense\n{conflict}\n\u{0}").as_bytes());
    daemon.post("/events", LINES, b"\xff\xfe no text\n{\"id\":");
    let at = now();
    let before = balances(&daemon, at);
    assert!(daemon.terminate());
    let exported = crate::support::run(&["log", "export", "--data", &place.text("data")]);
    let exported = done(&exported);
    assert!(exported.contains("\"bytes\":") && exported.contains("\"conflict\""), "{exported}");
    fs::write(place.path("there.ndjson"), &exported).unwrap();

    let records = exported.lines().count();
    let there = place.text("there.ndjson");
    let imported = done(&shared.run("data", &["log", "import", &there]));
    assert_eq!(imported, format!("{records} records: {records} stored, 0 there already\n"));
    let again = done(&shared.run("data", &["log", "import", &there]));
    assert_eq!(again, format!("{records} records: 0 stored, {records} there already\n"));
    assert_eq!(done(&shared.run("data", &["log", "export"])), exported);
    let daemon = shared.serve("data");
    assert_eq!(balances(&daemon, at), before);
    let more = usage(300, 100, now() - HOUR);
    let both = [events.clone(), more].concat();
    assert_eq!(daemon.post("/events", LINES, both.join("\n").as_bytes()).status, 200);
    let at = now();
    let before = balances(&daemon, at);
    check(&daemon, &both, at);
    assert!(daemon.terminate());

    let exported = done(&shared.run("data", &["log", "export"]));
    fs::write(place.path("back.ndjson"), &exported).unwrap();
    fs::create_dir(place.path("back")).unwrap();
    fs::rename(place.path("data/policies"), place.path("back/policies")).unwrap();
    let (back, data) = (place.text("back.ndjson"), place.text("back"));
    done(&crate::support::run(&["log", "import", &back, "--data", &data]));
    assert_eq!(done(&crate::support::run(&["log", "export", "--data", &data])), exported);
    let daemon = Daemon::start(&["serve", "--data", &data, "--listen", "127.0.0.1:0"]);
    assert_eq!(balances(&daemon, at), before);
    assert!(daemon.terminate());
    assert_eq!(postgres().ask(&format!("SELECT count(*) > 400 FROM \"{}\".log", shared.schema)), "t");
}

#[test]
fn the_way_to_the_server_is_private_where_the_address_asks_for_it_and_nobody_unknown_is_trusted() {
    let (certificate, key, authority) =
        (fixture("broker.pem"), fixture("broker-key.pem"), fixture("authority.pem"));
    let own = Postgres::with_tls(Path::new(&certificate), Path::new(&key));
    let url = |mode: &str| format!("postgresql://postgres@localhost:{}/postgres?sslmode={mode}", own.port);
    let by = |file: &str| format!(", authorities: '{file}'");
    let shared = Shared::at(&url("verify-full"), &by(&authority));
    shared.up_once();
    let daemon = shared.serve("data");
    let events = usage(0, 50, now() - HOUR);
    assert_eq!(daemon.post("/events", LINES, events.join("\n").as_bytes()).status, 200);
    check(&daemon, &events, now());
    let private = "SELECT count(*) > 2 AND bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
         WHERE application_name LIKE 'aquariumd-%'";
    assert_eq!(own.ask(private), "t");
    assert!(daemon.terminate());
    for (url, more, said) in [
        (url("require"), by(&fixture("localhost.pem")), "`store.authorities`"),
        (url("verify-full"), String::new(), "`store.authorities`"),
        (url("require"), by("/nonexistent.pem"), "`/nonexistent.pem`"),
        (url("anything"), by(&authority), "sslmode"),
        (postgres().url() + "?sslmode=require", by(&authority), "does not support TLS"),
    ] {
        let output = Shared::at(&url, &more).run("data", &["log", "stats"]);
        let complained = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{url}{more}: {complained}");
        assert!(complained.contains(said), "{complained}");
    }
}

#[test]
fn what_is_wrong_with_the_store_is_said_at_the_start() {
    let place = Place::new("");
    let data = place.text("data");
    fs::write(place.path("secret"), "hunter2\n").unwrap();
    let secret = place.text("secret");
    for (settings, said) in [
        ("postgresql://postgres@127.0.0.1:1/postgres".to_owned(), "127.0.0.1:1/postgres"),
        ("{ url: 'postgresql://localhost', password_file: /nonexistent }".to_owned(), "`/nonexistent`"),
        ("sqlite:hunter2".to_owned(), "this is no store"),
        (format!("{{ url: '{}', password_file: '{secret}', user: nobody }}", postgres().url()), "nobody"),
    ] {
        fs::write(place.path("wrong.yaml"), format!("store: {settings}\n")).unwrap();
        let output =
            aquariumd(&["serve", "--config", &place.text("wrong.yaml"), "--data", &data]).output().unwrap();
        let complained = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{complained}");
        assert!(complained.contains(said) && !complained.contains("hunter2"), "{complained}");
    }
}
