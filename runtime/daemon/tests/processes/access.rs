//! Who may ask what: tokens, TLS, the socket of administrators.

use std::process::Command;

use crate::support::{Answer, Daemon, Place, aquariumd, event, fixture, message, now, send, text};

const JSON: &str = "application/json";

/// `printf TOKEN | sha256sum`, for `reader`, `cyclades` and `root`.
const READER: &str = "3d0941964aa3ebdcb00ccef58b1bb399f9f898465e9886d5aec7f31090a0fb30";
const CYCLADES: &str = "1082831e7d8411936592ed0c4ba959a79cb42bd98e66857bddc74e6e0eb6516a";
const ROOT: &str = "4813494d137e1631bba301d5acab6e7bb7aa74ce1185d456565ef51d737677b2";

fn served(settings: &str) -> (Place, Daemon) {
    let place = Place::new("");
    place.up_once();
    let daemon = place.serve_with(settings);
    (place, daemon)
}

/// A request with a token.
fn with_token(address: &str, method: &str, path: &str, token: &str, body: &str) -> Answer {
    let content_type = if body.is_empty() { "" } else { JSON };
    let request = message("localhost", method, path, content_type, body.as_bytes());
    let request = text(&request).replacen("\r\n", &format!("\r\nAuthorization: Bearer {token}\r\n"), 1);
    send(address, request.as_bytes()).unwrap()
}

#[test]
fn with_tokens_nobody_asks_without_one_and_clients_speak_for_themselves() {
    let (_place, daemon) = served(&format!(
        "http: {{ tokens: [ {{ sha256: {READER} }}, {{ sha256: {CYCLADES}, clients: [cyclades] }} ] }}"
    ));
    assert_eq!(daemon.get("/ping").status, 200);
    let refused = daemon.get("/users");
    assert_eq!((refused.status, refused.fault().0.as_str()), (401, "unauthorized"));
    assert!(refused.head.to_lowercase().contains("www-authenticate: bearer"), "{}", refused.head);
    assert_eq!(with_token(&daemon.address, "GET", "/users", "guess", "").status, 401);
    assert_eq!(with_token(&daemon.address, "GET", "/users", "reader", "").status, 200);
    let foreign = event("a", "u", now(), "traffic", "1");
    let own = event("b", "u", now(), "traffic", "1").replace("\"test\"", "\"cyclades\"");
    let body = format!("[{foreign},{own}]");
    let answers = with_token(&daemon.address, "POST", "/events", "cyclades", &body).json();
    assert_eq!((&answers[0]["reason"], &answers[1]["result"]), (&"reserved-client".into(), &"stored".into()));
    let inventory = r#"{"clientID":"pithos","resources":["vmtime"],"live":[]}"#;
    let refused = with_token(&daemon.address, "POST", "/reconcile", "cyclades", inventory);
    assert_eq!((refused.status, refused.fault().0.as_str()), (403, "forbidden"));
    assert_eq!(daemon.admin("GET", "/clock", "", b"").status, 200, "the socket asks for none");
}

#[test]
fn the_administrators_port_asks_for_an_administrators_token() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let (place, daemon) = served(&format!(
        "http: {{ admin: '{address}', tokens: [ {{ sha256: {READER} }}, {{ sha256: {ROOT}, admin: true }} ] }}"
    ));
    assert_eq!(with_token(&daemon.address, "GET", "/clock", "root", "").status, 404);
    assert_eq!(with_token(&address, "GET", "/clock", "reader", "").status, 403);
    assert_eq!(with_token(&address, "GET", "/clock", "root", "").status, 200);
    assert_eq!(with_token(&address, "GET", "/users", "root", "").status, 200);
    assert!(!place.path("data/admin.sock").exists());
}

#[test]
fn the_socket_is_for_the_daemons_own_account_and_goes_with_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let (place, daemon) = served("{}");
    let socket = place.path("data/admin.sock");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    daemon.kill();
    assert!(socket.exists(), "a killed daemon leaves it behind");
    let daemon = place.serve();
    assert_eq!(daemon.admin("GET", "/clock", "", b"").status, 200);
    assert!(daemon.terminate());
    assert!(!socket.exists());
}

#[test]
fn with_a_certificate_everything_is_private() {
    let (certificate, key) = (fixture("localhost.pem"), fixture("localhost-key.pem"));
    let (place, daemon) = served(&format!("http: {{ tls: {{ certificate: {certificate}, key: {key} }} }}"));
    let url = format!("https://{}/ping", daemon.address);
    let output = Command::new("curl").args(["-sS", "--cacert", &certificate, &url]).output().unwrap();
    assert!(text(&output.stdout).contains("pong"), "{}", text(&output.stderr));
    assert!(send(&daemon.address, b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n").is_none());
    drop(daemon);
    let file = place.text("wrong.yaml");
    for (certificate, key) in [(&certificate, &certificate), (&file, &key)] {
        std::fs::write(&file, format!("http: {{ tls: {{ certificate: {certificate}, key: {key} }} }}"))
            .unwrap();
        let data = place.text("data");
        let arguments = ["serve", "--config", &file, "--data", &data, "--listen", "127.0.0.1:0"];
        let output = aquariumd(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output.stderr);
        assert!(said.contains(".pem") || said.contains("wrong.yaml"), "{said}");
    }
}
