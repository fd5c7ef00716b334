//! Brokers that cannot be used as they are configured: the daemon says why, and goes on with the others.

use std::fs;
use std::io::Write;
use std::net::TcpListener;

use super::client::{Client, Message};
use super::rabbit::{self, POWERLESS, rabbit};
use super::{Names, check_all, connected, trouble, usage};
use crate::support::{Place, eventually, now, run, text};

const HOUR: i64 = 3_600_000;

/// A server that speaks something else.
fn no_broker() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    port
}

#[test]
fn it_is_said_what_is_wrong_with_a_broker_and_the_other_sources_go_on() {
    let _whole = rabbit::with_others();
    let place = Place::new("");
    place.up_once();
    let names = Names::new("wrong");
    let (port, other) = (rabbit().port, no_broker());
    fs::write(place.path("password"), "wrong").unwrap();
    fs::write(place.path("powerless"), POWERLESS).unwrap();
    let (password, powerless) = (place.text("password"), place.text("powerless"));
    let client = Client::connect(port).unwrap();
    client.declare(&names.exchange, &names.queue);
    let settings = format!(
        "brokers:
  - {{ name: password, urls: ['amqp://127.0.0.1:{port}'], user: guest, password_file: '{password}', sources: ['e:k:q'] }}
  - {{ name: nobody, urls: ['amqp://127.0.0.1:1'], sources: ['e:k:q'] }}
  - {{ name: host, urls: ['amqp://127.0.0.1:{port}/nosuch'], sources: ['e:k:q'] }}
  - {{ name: rights, urls: ['amqp://{POWERLESS}@127.0.0.1:{port}'], password_file: '{powerless}', sources: ['e:k:q'] }}
  - {{ name: other, urls: ['amqp://127.0.0.1:{other}'], sources: ['e:k:q'] }}
  - {{ name: tls, urls: ['amqps://localhost:{}'], sources: ['e:k:q'] }}
  - {{ name: plain, urls: ['amqps://localhost:{port}'], sources: ['e:k:q'] }}
  - {{ name: bound, urls: ['amqp://127.0.0.1:{port}'], sources: ['amq.nosuch:k:queue-of-no-exchange'] }}
  - {{ name: main, urls: ['amqp://127.0.0.1:{port}'], sources: ['{}'] }}",
        rabbit().tls_port,
        names.route()
    );
    let daemon = place.serve_with(&settings);
    connected(&daemon, &names);
    for (source, said, remedy) in [
        ("password/e:k:q", "does not accept `guest` with this password", "password_file"),
        ("nobody/e:k:q", "nobody listens at 127.0.0.1:1", "start the broker"),
        ("host/e:k:q", "virtual host `nosuch`", "rabbitmqctl add_vhost 'nosuch'"),
        ("rights/e:k:q", "the broker does not allow it", "rabbitmqctl set_permissions"),
        // It ends the connection, and lapin sees the end before the answer, or after.
        ("other/e:k:q", "127.0.0.1", "AMQP 0-9-1"),
        ("tls/e:k:q", "is not trusted", "`authorities`"),
        ("plain/e:k:q", "speaks no TLS", "`authorities`"),
        ("bound/amq.nosuch:k:queue-of-no-exchange", "amq.nosuch", "set_permissions"),
    ] {
        let component = format!("source-{source}");
        eventually(&component, || !trouble(&daemon, &component).is_empty());
        let trouble = trouble(&daemon, &component);
        assert!(trouble.contains(said) && trouble.contains(remedy), "{component}: {trouble}");
    }
    let events = usage("wrong", 0, 20, now() - HOUR);
    assert_eq!(client.publish(&names.exchange, events.iter().cloned().map(Message::json)), 20);
    eventually("all are taken", || client.waiting(&names.queue) == 0);
    eventually("all are charged", || daemon.get("/metrics").body.contains("{outcome=\"stored\"} 20"));
    check_all(&place, daemon, &events, now());
}

#[test]
fn what_can_never_work_is_said_at_the_start() {
    let place = Place::new("");
    for (settings, said) in [
        ("[{ name: a, urls: ['amqp://u:secret@localhost'] }]", "a password does not belong into `urls`"),
        ("[{ name: a, urls: ['amqp://localhost'], sources: [queue] }]", "exchange:routing.key:queue"),
        ("[{ name: a, urls: ['amqp://localhost'], password_file: '/nonexistent' }]", "`/nonexistent`"),
        ("[{ name: a, urls: ['amqp://localhost'], source: [] }]", "source"),
    ] {
        fs::write(place.path("aquarium.yaml"), format!("brokers: {settings}\n")).unwrap();
        let (data, configuration) = (place.text("data"), place.text("aquarium.yaml"));
        let arguments = ["serve", "--data", &data, "--listen", "127.0.0.1:0", "--config", &configuration];
        let output = run(&arguments);
        let complained = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{complained}");
        assert!(complained.contains(said) && !complained.contains("secret@"), "{complained}");
    }
}
