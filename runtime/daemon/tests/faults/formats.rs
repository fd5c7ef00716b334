//! Data that earlier versions wrote, as they left it: this version opens it, and charges what they charged.
//!
//! Each directory below `tests/fixtures/formats` is a backup that was made by a version that wrote the format, its journals cut off
//! behind their last byte, with the balances of then. None of them is ever changed; a format that changes gets another.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Daemon, Place, run, text};

fn formats() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats")
}

#[test]
fn what_every_earlier_format_left_is_opened_and_charged_as_it_was() {
    let mut found = 0;
    for entry in fs::read_dir(formats()).unwrap() {
        let fixture = entry.unwrap().path();
        if !fixture.is_dir() {
            continue;
        }
        let place = Place::new("");
        let data = place.text("data");
        let restored = run(&["restore", fixture.to_str().unwrap(), "--data", &data]);
        assert!(restored.status.success(), "{}: {}", fixture.display(), text(&restored.stderr));
        let verified = run(&["verify", "--data", &data]);
        assert!(verified.status.success(), "{}: {}", fixture.display(), text(&verified.stderr));
        assert!(text(&verified.stderr).is_empty(), "something was begun again: {}", text(&verified.stderr));
        let expected: Value =
            serde_json::from_slice(&fs::read(fixture.join("expected.json")).unwrap()).unwrap();
        let daemon = Daemon::start(&["serve", "--data", &data, "--listen", "127.0.0.1:0"]);
        let at = expected["at"].as_i64().unwrap();
        for (user, balance) in expected["balances"].as_object().unwrap() {
            assert_eq!(daemon.balance(user, at), *balance, "{}: {user}", fixture.display());
        }
        let told = daemon.get("/credit-events").json()["creditEvents"].clone();
        let known = expected["creditEvents"].as_array().unwrap();
        assert_eq!(told.as_array().unwrap()[..known.len()], known[..], "{}", fixture.display());
        assert!(daemon.terminate());
        found += 1;
    }
    assert!(found >= 1, "there is no fixture");
}
