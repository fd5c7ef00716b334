//! What surrounds the program: pipes that close, devices that are full or never end, narrow terminals, paths that are
//! not what they should be. Each ends with a message and the right exit code, none with a panic.

#![allow(clippy::disallowed_methods, reason = "the test runs the program on files")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aquariumc"));
    command.args(arguments).env_remove("COLUMNS").env_remove("CLICOLOR_FORCE").env("NO_COLOR", "1");
    command
}

fn aquariumc(arguments: &[&str]) -> Output {
    program(arguments).output().unwrap()
}

fn quickstart(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/quickstart").join(name);
    path.to_str().unwrap().to_owned()
}

/// A policy with an error and a warning that shows dates.
fn faulty() -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.aquarium");
    let text = "aquariumpolicy:\n  effective:\n    from: 1293703200\n  nosuch: 1\n";
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (directory, path)
}

#[test]
fn a_pipe_that_closes_early_ends_every_verb_quietly() {
    let (policy, events) = (quickstart("policy.aquarium.yaml"), quickstart("events.ndjson"));
    let (_directory, faulty) = faulty();
    let verbs: [(&[&str], i32); 9] = [
        (&["explain"], 0),
        (&["explain", "AQ0401"], 0),
        (&["compile", &policy, "--emit", "ir", "-o", "-"], 0),
        (&["compile", &policy, "-o", "-"], 0),
        (&["simulate", &policy, &events], 0),
        (&["simulate", &policy, &events, "--format", "json"], 0),
        (&["completions", "bash"], 0),
        (&["fmt", "--diff", &faulty], 0),
        // What was found decides, whoever reads it.
        (&["check", "--format", "json", &faulty], 1),
    ];
    for (arguments, code) in verbs {
        let mut child = program(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.as_str()), (Some(code), ""), "{arguments:?}");
    }
}

#[test]
fn closed_standard_error_changes_no_exit_code() {
    let (_directory, faulty) = faulty();
    for (arguments, code) in [(&["check", &faulty][..], 1), (&["check", "no/such.aquarium"], 2)] {
        let mut child = program(arguments).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stderr.take());
        assert_eq!(child.wait().unwrap().code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn a_full_device_is_told() {
    let policy = quickstart("policy.aquarium.yaml");
    for arguments in
        [&["explain"][..], &["compile", &policy, "-o", "-"], &["check", &policy, "--format", "json"]]
    {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = program(arguments).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("standard output"), "{said}");
    }
    let output = aquariumc(&["compile", &policy, "-o", "/dev/full"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("/dev/full"));
}

#[test]
fn an_endless_device_is_a_file_that_is_too_large() {
    let output = aquariumc(&["check", "--format", "short", "/dev/zero"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("/dev/zero:1:1: error[AQ0104]"), "{said}");
}

#[test]
fn paths_that_are_no_policy_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    std::os::unix::fs::symlink("nowhere", at("broken.aquarium")).unwrap();
    std::os::unix::fs::symlink("loop.aquarium", at("loop.aquarium")).unwrap();
    std::fs::create_dir(at("empty")).unwrap();
    std::fs::write(at("file.aquarium"), "aquariumpolicy:\n").unwrap();
    let (policy, module) = (quickstart("policy.aquarium.yaml"), at("out/of/reach.wasm"));
    let within = at("file.aquarium/within.aquarium");
    let cases: [(&[&str], &str); 11] = [
        (&["check", &at("broken.aquarium")], "broken.aquarium"),
        (&["check", &at("loop.aquarium")], "loop.aquarium"),
        (&["check", directory.path().to_str().unwrap()], "broken.aquarium"),
        (&["check", &at("empty")], "holds no policy"),
        (&["fmt", &at("empty")], "holds no policy"),
        (&["fmt", &within], "within.aquarium"),
        (&["compile", &policy, "-o", &module], "reach.wasm"),
        (&["compile", &policy, "-o", &at("empty")], "empty"),
        (&["simulate", &policy, &at("empty")], "empty"),
        (&["simulate", &at("no.wasm"), "-"], "no.wasm"),
        (&["init", &at("file.aquarium")], "file.aquarium"),
    ];
    for (arguments, said) in cases {
        let output = aquariumc(arguments);
        let report = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {report}");
        assert!(report.starts_with("aquariumc: ") && report.contains(said), "{arguments:?}: {report}");
        assert_eq!(report.lines().count(), 1, "{report}");
    }
}

#[test]
fn a_policy_may_come_through_a_named_pipe() {
    let directory = tempfile::tempdir().unwrap();
    let pipe: PathBuf = directory.path().join("pipe.aquarium");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let child =
        program(&["check", "--format", "short", pipe.to_str().unwrap()]).stdout(Stdio::piped()).spawn();
    std::fs::write(&pipe, "aquariumpolicy:\n  nosuch: 1\n").unwrap();
    let output = child.unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("pipe.aquarium:2:3: error[AQ0201]"));
}

#[test]
fn reports_are_readable_in_narrow_terminals_and_dates_stay_whole() {
    let (_directory, faulty) = faulty();
    for columns in ["1", "20", "40", "60", "80", "200", "nonsense"] {
        let output = program(&["check", &faulty]).env("COLUMNS", columns).output().unwrap();
        let report = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        for whole in ["p.aquarium:3:11", "p.aquarium:4:3", "1970-01-15T23:21:43.200Z", "2010-12-30T10:00:00Z"]
        {
            assert!(report.contains(whole), "{columns}: {whole} is broken in\n{report}");
        }
    }
}

#[test]
fn colours_are_for_terminals_and_whoever_asks() {
    let (_directory, faulty) = faulty();
    let report = |variables: &[(&str, &str)]| {
        let mut command = program(&["check", &faulty]);
        command.env_remove("NO_COLOR").envs(variables.iter().copied());
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    assert!(!report(&[]).contains('\u{1b}'));
    assert!(report(&[("CLICOLOR_FORCE", "1")]).contains('\u{1b}'));
    assert!(!report(&[("CLICOLOR_FORCE", "0")]).contains('\u{1b}'));
    assert!(!report(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).contains('\u{1b}'));
}

#[test]
fn a_module_of_another_format_or_cut_short_is_refused() {
    /// Format and digest stand at the end of a module.
    const SEAL: usize = 4 + 32;
    let directory = tempfile::tempdir().unwrap();
    let module = directory.path().join("p.wasm");
    let path = module.to_str().unwrap();
    assert!(aquariumc(&["compile", &quickstart("policy.aquarium.yaml"), "-o", path]).status.success());
    let whole = std::fs::read(&module).unwrap();
    let mut newer = whole.clone();
    newer[whole.len() - SEAL] += 1;
    for (bytes, said) in [(&newer[..], "the module has format 3"), (&whole[..whole.len() / 2], "p.wasm")] {
        std::fs::write(&module, bytes).unwrap();
        let output = aquariumc(&["simulate", path, "-"]);
        let report = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{report}");
        assert!(report.contains(said), "{report}");
    }
}

#[test]
fn broken_event_lines_are_named_with_file_and_line() {
    let directory = tempfile::tempdir().unwrap();
    let events = directory.path().join("events.ndjson");
    let event = r#"{"id":"1","occurredMillis":1320110725874,"clientID":"c","userID":"u","resource":"bandwidthup","instanceID":"1","value":1,"eventVersion":"1.0","details":{}}"#;
    let mut bytes = format!("{event}\n{{\"id\":\n\n{}\n", &event[..40]).into_bytes();
    bytes.extend([0xff, 0xfe, b'\n', 0, b'\n']);
    std::fs::write(&events, bytes).unwrap();
    let output = aquariumc(&["simulate", &quickstart("policy.aquarium.yaml"), events.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "what cannot be charged is listed, the rest is charged");
    let report = String::from_utf8(output.stdout).unwrap();
    for line in [2, 4, 5, 6] {
        assert!(report.contains(&format!("events.ndjson:{line}: ")), "line {line}: {report}");
    }
    assert!(report.contains("1 users"), "{report}");
}
