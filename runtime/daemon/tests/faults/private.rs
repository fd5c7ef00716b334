//! Webhooks over TLS: who is not who the address says gets nothing.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::support::{Place, event, eventually, now};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/processes/fixtures").join(name)
}

/// What a server saw: what was posted, and handshakes that came to nothing.
#[derive(Default)]
struct Seen {
    posted: Vec<Value>,
    refused: usize,
}

/// A server that takes whatever is posted to it, and its port.
fn server() -> (u16, Arc<Mutex<Seen>>) {
    let certificate = CertificateDer::from_pem_file(fixture("webhook.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(fixture("webhook-key.pem")).unwrap();
    let config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen: Arc<Mutex<Seen>> = Arc::default();
    let taken = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            match take(StreamOwned::new(connection, stream.unwrap())) {
                Some(event) => taken.lock().unwrap().posted.push(event),
                None => taken.lock().unwrap().refused += 1,
            }
        }
    });
    (port, seen)
}

fn take(stream: StreamOwned<ServerConnection, std::net::TcpStream>) -> Option<Value> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line).ok()? > 2 {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut stream = reader.into_inner();
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").ok()?;
    stream.conn.send_close_notify();
    stream.flush().ok()?;
    serde_json::from_slice(&body).ok()
}

#[test]
fn credit_events_are_posted_over_tls_to_whom_the_authority_vouches_for_and_to_nobody_else() {
    let place = Place::new("");
    place.up_once();
    fs::write(place.path("key"), "a key that nobody can guess").unwrap();
    let (port, seen) = server();
    let webhook = |name: &str, host: &str| {
        format!(
            "{{ name: {name}, url: 'https://{host}:{port}/hook', secret_file: '{}', ca_file: '{}' }}",
            place.text("key"),
            fixture("authority.pem").display()
        )
    };
    // The certificate is for `localhost` alone; the other name leads to the same server.
    let other = webhook("other", "127.0.0.1");
    let settings = format!("credit_events: {{ webhooks: [{}, {other}] }}", webhook("right", "localhost"));
    let daemon = place.serve_with(&settings);
    let body = event("e", "u", now(), "traffic", "1");
    assert_eq!(daemon.post("/events", "application/json", body.as_bytes()).status, 200);
    eventually("it is posted", || seen.lock().unwrap().posted.len() == 1);
    assert_eq!(seen.lock().unwrap().posted[0]["userID"], "u");
    let lag = || {
        let components = daemon.admin("GET", "/admin/components", "", b"").json();
        let of = |name: &str| {
            components.as_array().unwrap().iter().find(|it| it["name"] == name).unwrap()["lag"].clone()
        };
        (of("webhook-right"), of("webhook-other"))
    };
    eventually("one has it and the other has not", || lag() == (0.into(), 1.into()));
    assert_eq!(seen.lock().unwrap().posted.len(), 1);
    assert!(daemon.terminate());
}
