//! The console: the figures of its pages are those of REST and of the fold alone, and what senders write is shown,
//! never run.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use aquarium_ir::Millis;

use crate::support::{Answer, Daemon, POLICY, Place, event, now, offline_by, run, text};

const JSON: &str = "application/json";
/// What a page may take.
const PAGE_BYTES_MAX: usize = 200_000;

/// A daemon whose console is on its port.
fn served(events: &str) -> (Place, Daemon) {
    let place = Place::new(events);
    place.up_once();
    let daemon = serve(&place);
    (place, daemon)
}

fn serve(place: &Place) -> Daemon {
    Daemon::start(&["serve", "--console", "--data", &place.text("data"), "--listen", "127.0.0.1:0"])
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A page, having checked what holds of every page: its headers, that nothing is written into it that runs, that
/// it shows no character that cannot be seen, and that it is not too large.
fn page(daemon: &Daemon, path: &str) -> Answer {
    let answer = daemon.get(path);
    let head = answer.head.to_lowercase();
    assert!(
        head.contains("content-security-policy: default-src 'none'; script-src 'self'"),
        "{path}: {head}"
    );
    assert!(
        head.contains("content-type: text/html") && head.contains("cache-control: no-store"),
        "{path}: {head}"
    );
    let body = &answer.body;
    assert!(body.len() < PAGE_BYTES_MAX, "{path}: {} bytes", body.len());
    let scripts = body.matches("<script").count();
    assert_eq!(scripts, body.matches("<script src=\"/console/assets/").count(), "{path}");
    assert_eq!(body.matches("<style").count() + body.matches(" style=").count(), 0, "{path}");
    let odd = |it: char| (it.is_control() && it != '\n') || ('\u{202a}'..='\u{202e}').contains(&it);
    // A field of a form holds what was typed, as it was typed; browsers show it as a value, within its field.
    let values = body.split("value=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let within: usize = values.map(|value| value.chars().filter(|it| odd(*it)).count()).sum();
    assert_eq!(body.chars().filter(|it| odd(*it)).count(), within, "{path}");
    answer
}

/// The amount that a page has beside a term.
fn fact(page: &str, term: &str) -> String {
    let (_, rest) =
        page.split_once(&format!("<dt>{term}</dt>")).unwrap_or_else(|| panic!("no {term}: {page}"));
    rest.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[test]
fn pages_have_the_figures_of_rest_and_of_the_fold_alone() {
    let start = 1_320_098_400_000;
    let hour = 3_600_000;
    let events = [
        event("a", "u", start, "vmtime", "1"),
        event("b", "u", start + 5 * hour, "diskspace", "400.5"),
        event("c", "u", start + 7 * hour, "vmtime", "0"),
        event("d", "u", start + 9 * hour, "traffic", "12.25"),
    ];
    let events = events.join("\n");
    let (_place, daemon) = served(&events);
    for at in [start + hour, start + 6 * hour, start + 30 * hour, start + 900 * hour] {
        let page = page(&daemon, &format!("/console/user?id=u&at={at}")).body;
        let state = daemon.get(&format!("/user/u/state?at={at}")).json();
        let alone = &offline_by(POLICY, &events, at).users["u"];
        assert_eq!(fact(&page, "Balance"), alone.balance.to_string(), "{at}");
        assert_eq!(fact(&page, "Charged in all"), alone.charged.to_string(), "{at}");
        for (term, name) in [
            ("Balance", "balance"),
            ("Threshold", "threshold"),
            ("Cost per hour", "burnRatePerHour"),
            ("Posted", "posted"),
            ("Accrued", "accrued"),
            ("Charged in all", "charged"),
            ("Refilled in all", "refilled"),
        ] {
            assert_eq!(fact(&page, term), state[name], "{term} at {at}");
        }
        // The chart passes through the balance.
        let (_, chart) = page.split_once("data-chart=\"").unwrap();
        let chart = chart.split('"').next().unwrap().replace("&quot;", "\"");
        let chart: serde_json::Value = serde_json::from_str(&chart).unwrap();
        let place = chart["times"].as_array().unwrap().iter().position(|time| *time == at).unwrap();
        let drawn = chart["balance"][place].as_f64().unwrap();
        assert_eq!(drawn, state["balance"].as_str().unwrap().parse::<f64>().unwrap());
    }
    let bill = daemon.get("/user/u/bill/2011/11").json();
    let shown = page(&daemon, "/console/user/bill?id=u&month=2011-11").body;
    assert_eq!(fact(&shown, "Balance after"), bill["closing"]);
    assert_eq!(fact(&shown, "Balance before"), bill["opening"]);
    let csv = daemon.get("/user/u/bill/2011/11?format=csv").body;
    assert!(csv.lines().last().unwrap().ends_with(bill["closing"].as_str().unwrap()), "{csv}");
    for entry in daemon.get("/user/u/wallet").json()["entries"].as_array().unwrap() {
        let id = entry["id"].as_str().unwrap();
        let why = page(&daemon, &format!("/console/user/charge?id=u&entry={id}")).body;
        assert_eq!(fact(&why, "Credits"), entry["credits"]);
        let derivation = daemon.get(&format!("/user/u/entry/{id}")).json();
        for step in derivation["steps"].as_array().unwrap() {
            assert!(why.contains(&format!(">{}</td>", step["value"].as_str().unwrap())), "{step}");
        }
        // The lines of the policy that price and expression stand in, marked among those around them.
        for place in [&entry["source"], &entry["algorithmSource"]] {
            let line: usize = place.as_str().unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
            let text = POLICY.lines().nth(line - 1).unwrap();
            assert!(text.contains(entry["resource"].as_str().unwrap()), "{text}");
            let marked =
                format!(r#"<span class="line meant"><span class="number">{line}</span> <bdi>{text}</bdi>"#);
            assert!(why.contains(&marked), "{marked}: {why}");
        }
    }
}

#[test]
fn what_a_late_event_changed_is_told() {
    let (_place, daemon) = served("");
    let (first, late) = (now() - 1_000, now() - 2_000);
    assert_eq!(daemon.post("/events", JSON, event("a", "u", first, "traffic", "4").as_bytes()).status, 200);
    let known = daemon.now();
    while daemon.now() == known {
        std::thread::yield_now();
    }
    assert_eq!(daemon.post("/events", JSON, event("b", "u", late, "traffic", "8").as_bytes()).status, 200);
    let then = page(&daemon, &format!("/console/user?id=u&known={known}")).body;
    assert_eq!(fact(&then, "Balance"), "-1");
    assert!(
        then.contains("changes the balance at this instant by <data class=\"credits below\" value=\"-2\">")
    );
    assert!(then.contains("data-chart=\"") && then.contains("corrected"));
    let now = page(&daemon, "/console/user?id=u").body;
    assert_eq!(fact(&now, "Balance"), "-3");
    assert!(now.contains("What came late (1)"));
}

#[test]
fn what_senders_write_is_shown_and_never_run() {
    let (_place, daemon) = served("");
    let hostile = "<script>alert(1)</script>\u{202e}\u{0}\"'&<img src=x onerror=alert(2)>";
    let quoted = serde_json::Value::from(hostile).to_string();
    let quoted = quoted.trim_matches('"');
    let started = now() - 3_600_000;
    let usage = |id: &str, occurred: i64, value: &str| {
        event(id, quoted, occurred, "vmtime", value)
            .replace("\"instanceID\":\"1\"", &format!("\"instanceID\":\"{quoted}\""))
            .replace("\"details\":{}", &format!("\"details\":{{\"{quoted}\":\"{quoted}\"}}"))
    };
    let off = usage("off", started + 1_800_000, "0").replace("test", quoted);
    let body = format!("[{},{off}]", usage(quoted, started, "1"));
    let answers = daemon.post("/events", JSON, body.as_bytes());
    assert!(!answers.body.contains("quarantined"), "{}", answers.body);
    let refused =
        event(quoted, quoted, now(), quoted, "1").replace("\"eventVersion\":\"1.0\"", "\"eventVersion\":7");
    assert!(daemon.post("/events", JSON, refused.as_bytes()).body.contains("quarantined"));
    assert!(
        daemon
            .post("/events", JSON, event("nosuch", quoted, now(), quoted, "1").as_bytes())
            .body
            .contains("stored")
    );
    let user = escaped(hostile);
    let paths = [
        "/console".to_owned(),
        format!("/console?query={user}"),
        format!("/console/user?id={user}"),
        format!("/console/user/wallet?id={user}&instance={user}&resource={user}"),
        format!("/console/user/wallet?id={user}"),
        format!("/console/user/bill?id={user}"),
        format!("/console/user/trace?id={user}"),
        "/console/quarantine".to_owned(),
        format!("/console/quarantine?reason={user}"),
        format!("/console/user?id={user}x"),
        format!("/console/user/charge?id={user}&entry={user}"),
        format!("/console/policies?agreement={user}"),
    ];
    for path in paths {
        let body = page(&daemon, &path).body;
        assert!(!body.contains("<script>") && !body.contains("<img"), "{path}: {body}");
    }
    let entries = daemon.get(&format!("/user/{user}/wallet")).json();
    let entry = entries["entries"][0]["id"].as_str().unwrap();
    let why = page(&daemon, &format!("/console/user/charge?id={user}&entry={entry}")).body;
    assert!(why.contains("&lt;script&gt;alert(1)&lt;/script&gt;<span class=\"odd\">U+202E</span>"), "{why}");
    for listed in daemon.get("/quarantine").json()["quarantined"].as_array().unwrap() {
        page(&daemon, &format!("/console/quarantine/one?position={}", listed["position"]));
    }
}

#[test]
fn what_is_not_there_is_told_by_a_page() {
    let (_place, daemon) = served(&event("a", "u", 1_320_098_400_000, "traffic", "1"));
    for (path, status) in [
        ("/console/nothing", 404),
        ("/console/user?id=nobody", 404),
        ("/console/user", 404),
        ("/console/user?id=u&at=1", 404),
        ("/console/user?id=u&at=-1", 400),
        ("/console/user?id=u&at=253402300800000", 400),
        ("/console/user?id=u&at=9223372036854775807", 400),
        ("/console/user?id=u&at=99999999999999999999", 400),
        ("/console/user?id=u&at=soon", 400),
        ("/console/user?id=u&known=253402300799999", 400),
        ("/console/user?id=u&unknown=1", 400),
        ("/console/user?id=%ff", 400),
        ("/console/user/wallet?id=u&month=2011-13", 400),
        ("/console/user/wallet?id=u&month=x", 400),
        ("/console/user/wallet?id=u&after=-1", 400),
        ("/console/user/charge?id=u&entry=x", 404),
        ("/console/user/bill?id=nobody", 404),
        ("/console/policies?deployment=x", 404),
        ("/console/policies/changes?deployment=x", 404),
        ("/console/quarantine?reason=x", 400),
        ("/console/quarantine/one?position=x", 400),
        ("/console/quarantine/one?position=18446744073709551615", 404),
    ] {
        assert_eq!(page(&daemon, path).status, status, "{path}");
    }
    // The borders of time are in it.
    for at in ["1320098400000", "253402300799999", "9999-12-31", "2011-11-01"] {
        assert_eq!(page(&daemon, &format!("/console/user?id=u&at={at}")).status, 200, "{at}");
    }
    assert_eq!(page(&daemon, "/console/user/bill?id=u&month=9999-12").status, 200);
    assert_eq!(daemon.get("/console/assets/none").status, 404);
    assert_eq!(daemon.post("/console", JSON, b"{}").status, 405, "nothing can be changed");
}

#[test]
fn a_user_with_a_hundred_thousand_entries_is_shown_page_by_page() {
    let start = 1_320_098_400_000;
    let events: Vec<String> = (0..100_000)
        .map(|number| event(&format!("e{number}"), "u", start + number * 20_000, "traffic", "0.5"))
        .collect();
    let (_place, daemon) = served(&events.join("\n"));
    let first = page(&daemon, "/console/user/wallet?id=u").body;
    assert!(first.contains("<p>100000 entries"), "{first}");
    assert!(first.contains("after=100\" rel=\"next\""));
    let last = page(&daemon, "/console/user/wallet?id=u&after=99950").body;
    assert!(!last.contains("rel=\"next\"") && last.contains("First page"));
    for path in [
        "/console/user?id=u&at=2011-11-20",
        "/console/user/bill?id=u&month=2011-11",
        "/console/user/trace?id=u&from=2011-11-20",
    ] {
        assert_eq!(page(&daemon, path).status, 200);
    }
    let id = daemon.get("/user/u/wallet?after=50000&limit=1").json()["entries"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(page(&daemon, &format!("/console/user/charge?id=u&entry={id}")).body.contains("e50000"));
}

#[test]
fn the_console_is_where_it_is_said() {
    let place = Place::new("");
    place.up_once();
    let daemon = place.serve();
    assert_eq!(daemon.get("/console").status, 404, "not on the public port, unless it is asked for");
    let admin = daemon.admin("GET", "/console", "", b"");
    assert!(admin.status == 200 && admin.body.contains("<h1>Users</h1>"), "{}", admin.body);
    assert!(daemon.terminate());
    let refused = run(&["serve", "--console", "--data", &place.text("data"), "--listen", "0.0.0.0:0"]);
    assert!(
        !refused.status.success() && text(&refused.stderr).contains("loopback"),
        "{}",
        text(&refused.stderr)
    );
}

#[test]
fn live_figures_come_and_a_stop_does_not_wait_for_their_readers() {
    let (_place, daemon) = served("");
    let mut stream = TcpStream::connect(&daemon.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let request = format!("GET /console/components/live HTTP/1.1\r\nHost: {}\r\n\r\n", daemon.address);
    stream.write_all(request.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let data = lines.by_ref().filter_map(|line| line.strip_prefix("data: ").map(str::to_owned));
    for data in data.take(2) {
        let figures: serde_json::Value = serde_json::from_str(&data).unwrap();
        assert!(Millis(figures["now"].as_i64().unwrap()) > Millis::EPOCH);
        assert!(figures["components"].as_array().unwrap().iter().any(|it| it["name"] == "ingest"));
    }
    assert!(daemon.terminate(), "the stream is still open");
    assert_eq!(lines.filter(|line| line.contains("error")).count(), 0, "it ends as a stream does");
}
