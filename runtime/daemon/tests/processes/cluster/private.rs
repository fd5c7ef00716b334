//! Nodes that speak TLS to each other and to everybody, and ask for tokens.

use std::fs;
use std::process::Command;

use super::load::{USERS, one_each, user};
use super::nodes::Nodes;
use crate::servers::postgres::postgres;
use crate::support::{eventually, fixture, text};

/// A token, and `printf TOKEN | sha256sum`.
const TOKEN: &str = "reader";
const TOKEN_DIGEST: &str = "3d0941964aa3ebdcb00ccef58b1bb399f9f898465e9886d5aec7f31090a0fb30";

/// The settings of a node that trusts an authority, and shows a secret.
fn private(nodes: &Nodes, authority: &str, secret: &str) -> String {
    fs::write(nodes.place.path(secret), secret).unwrap();
    format!(
        ", secret_file: '{}', authorities: '{}' }}\n\
         http: {{ tls: {{ certificate: '{}', key: '{}' }}, tokens: [{{ sha256: {TOKEN_DIGEST} }}] }}",
        nodes.place.text(secret),
        fixture(authority),
        fixture("broker.pem"),
        fixture("broker-key.pem"),
    )
}

/// What a node says to an administrator about all users: their balances, or why there are none.
fn asked(nodes: &Nodes, number: usize) -> Vec<(u16, String)> {
    let asked = (0..USERS).map(|of| {
        let answer = nodes.node(number).admin("GET", &format!("/user/{}/balance", user(of)), "", b"");
        (answer.status, answer.body)
    });
    asked.collect()
}

/// The status of a balance that is asked for over TLS, with what curl is told besides.
fn status(nodes: &Nodes, number: usize, more: &[&str]) -> String {
    let url = format!("https://{}/user/{}/balance", nodes.node(number).address, user(0));
    let authority = fixture("authority.pem");
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--cacert", &authority, "-o", "/dev/null", "-w", "%{http_code}"]).args(more);
    text(&curl.arg(url).output().unwrap().stdout)
}

#[test]
fn nodes_ask_each_other_over_tls_where_tokens_are_asked_for_and_tell_nobody_else() {
    let mut nodes = Nodes::new(postgres());
    let (url, trusting) = (nodes.url(), private(&nodes, "authority.pem", "between us"));
    (1..=2).for_each(|number| nodes.start_with(number, &url, &trusting, &[]));
    // One that does not trust the others, and one that does not know their secret.
    let (distrusting, guessing) =
        (private(&nodes, "localhost.pem", "between us"), private(&nodes, "authority.pem", "guessed"));
    nodes.start_with(3, &url, &distrusting, &[]);
    nodes.start_with(4, &url, &guessing, &[]);
    nodes.settle(4);
    let lines = one_each();
    let stored = nodes.node(1).admin("POST", "/events", "application/x-ndjson", lines.join("\n").as_bytes());
    assert_eq!(stored.status, 200, "{}", stored.body);
    for (number, said) in [(3, "certificate"), (4, "this is not the secret of the nodes")] {
        eventually("it knows of its own users, and is told of no others", || {
            let (known, unknown): (Vec<_>, Vec<_>) =
                asked(&nodes, number).into_iter().partition(|(status, _)| *status == 200);
            !known.is_empty() && !unknown.is_empty() && unknown.iter().all(|(_, body)| body.contains(said))
        });
    }
    nodes.terminate(3);
    nodes.terminate(4);
    nodes.settle(2);
    for number in [1, 2] {
        eventually("it is told of all users", || {
            asked(&nodes, number).iter().all(|(status, _)| *status == 200)
        });
        assert!(asked(&nodes, number).iter().all(|(_, body)| body.contains("-0.5")));
        assert_eq!(status(&nodes, number, &[]), "401");
        let token = format!("Authorization: Bearer {TOKEN}");
        assert_eq!(status(&nodes, number, &["-H", &token]), "200");
        let pretended = ["-H", "Aquarium-Node: x", "-H", "Aquarium-Secret: guessed"];
        assert_eq!(status(&nodes, number, &pretended), "403");
    }
    nodes.terminate_all();
}
