//! Addresses of servers: as PostgreSQL's own programs take them, a URL or `name=value ...`.

use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::error::PostgresError;
use super::server::PostgresOptions;

/// The longest that connecting may take.
pub const CONNECTING_MAX: Duration = Duration::from_secs(10);
/// Silent connections are asked for a sign of life after so long: a cut network says nothing.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// The port where an address names none.
const PORT: u16 = 5432;
/// How URLs begin.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// How a server is reached, by what an address says and what is said over it.
pub fn config(options: &PostgresOptions) -> Result<Config, PostgresError> {
    let mut config = parse(&options.url)?;
    if let Some(user) = &options.user {
        config.user(user);
    }
    if let Some(password) = &options.password {
        config.password(password);
    }
    config.connect_timeout(CONNECTING_MAX).keepalives_idle(KEEPALIVE).tcp_user_timeout(KEEPALIVE * 3);
    config.application_name(&options.application);
    Ok(config)
}

/// A server and its database as they may be shown.
pub fn place(config: &Config) -> String {
    let port = |number: usize| {
        let ports = config.get_ports();
        ports.get(number).or(ports.first()).copied().unwrap_or(PORT)
    };
    let host = |(number, host): (usize, &Host)| match host {
        Host::Tcp(name) => format!("{name}:{}", port(number)),
        Host::Unix(path) => format!("{}:{}", path.display(), port(number)),
    };
    let hosts: Vec<String> = config.get_hosts().iter().enumerate().map(host).collect();
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("{}/{database}", hosts.join(","))
}

/// What an address says. Its connections are private where it asks for that, and then whoever answers is verified; else
/// they are open: what was not asked for would have to be trusted, too.
fn parse(address: &str) -> Result<Config, PostgresError> {
    let is_url = SCHEMES.iter().any(|scheme| address.starts_with(scheme));
    let known = if is_url { url_in_known_words(address) } else { pairs_in_known_words(address) };
    let mut config: Config =
        known.parse().map_err(|error: tokio_postgres::Error| PostgresError::Address(words(&error)))?;
    if config.get_ssl_mode() != SslMode::Require {
        config.ssl_mode(SslMode::Disable);
    }
    Ok(config)
}

/// A URL whose `verify-full` is `require`, which is what the library knows, and means the same here.
fn url_in_known_words(url: &str) -> String {
    // As the library reads it: names and passwords end with the first `@`, and parameters begin after the first `?` beyond.
    let after_names = url.find('@').unwrap_or_default();
    let beyond = url.get(after_names..).and_then(|rest| rest.find('?')).map(|place| after_names + place + 1);
    let Some((head, parameters)) = beyond.and_then(|begin| url.split_at_checked(begin)) else {
        return url.to_owned();
    };
    let known = |parameter| if parameter == "sslmode=verify-full" { "sslmode=require" } else { parameter };
    let parameters: Vec<&str> = parameters.split('&').map(known).collect();
    head.to_owned() + &parameters.join("&")
}

/// The same of `name=value ...`.
fn pairs_in_known_words(pairs: &str) -> String {
    let (mut known, mut rest) = (String::new(), pairs);
    while let Some((name, after)) = rest.split_once('=') {
        let (value, others) = after.split_at_checked(end_of_value(after)).unwrap_or((after, ""));
        let is_meant = name.trim() == "sslmode" && ["verify-full", "'verify-full'"].contains(&value.trim());
        known.extend([name, "=", if is_meant { "require" } else { value }]);
        rest = others;
    }
    known + rest
}

/// Where the value ends with which a text begins: at a blank, or, where it is quoted, with the quote. A `\` takes the
/// meaning from what follows it.
fn end_of_value(text: &str) -> usize {
    let blank = text.len() - text.trim_start().len();
    let is_quoted = text.trim_start().starts_with('\'');
    let mut is_escaped = false;
    for (place, letter) in
        text.char_indices().skip_while(|(place, _)| *place < blank + usize::from(is_quoted))
    {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '\'' if is_quoted => return place + 1,
            _ if !is_quoted && letter.is_whitespace() => return place,
            _ => {}
        }
    }
    text.len()
}

fn words(error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether connections are private, and the password.
    fn read(address: &str) -> (bool, String) {
        let config = parse(address).unwrap();
        let password = config.get_password().unwrap_or_default().to_vec();
        (config.get_ssl_mode() == SslMode::Require, String::from_utf8(password).unwrap())
    }

    #[test]
    fn who_is_to_be_verified_is_and_a_password_is_what_it_is_whatever_it_says() {
        for (address, private, password) in [
            ("postgresql://u@h/d", false, ""),
            ("postgresql://u@h/d?sslmode=prefer", false, ""),
            ("postgresql://u@h/d?sslmode=require", true, ""),
            ("postgres://u@h/d?sslmode=verify-full", true, ""),
            ("postgresql://u@h?connect_timeout=3&sslmode=verify-full&target_session_attrs=any", true, ""),
            ("postgresql://u@h/d?sslmode=verify-full&sslmode=disable", false, ""),
            ("postgresql://u:sslmode=verify-full@h/d", false, "sslmode=verify-full"),
            ("postgresql://u:?sslmode=verify-full@h/d?sslmode=verify-full", true, "?sslmode=verify-full"),
            ("postgresql://h/d?user=u&password=sslmode=verify-full", false, "sslmode=verify-full"),
            ("host=h user=u sslmode=verify-full", true, ""),
            (" host = h  sslmode =\t'verify-full' user=u", true, ""),
            ("host=h user=u password=sslmode=verify-full", false, "sslmode=verify-full"),
            ("host=h password='x sslmode=verify-full' user=u", false, "x sslmode=verify-full"),
            (r"host=h password='\' sslmode=verify-full' sslmode=verify-full", true, "' sslmode=verify-full"),
            (r"host=h password=x\ sslmode=verify-full user=u", false, "x sslmode=verify-full"),
            ("host=h password=verify-full sslmode=disable", false, "verify-full"),
        ] {
            assert_eq!(read(address), (private, password.to_owned()), "{address}");
        }
    }

    #[test]
    fn what_would_trust_anybody_or_makes_no_sense_is_refused() {
        for (address, said) in [
            ("postgresql://u@h/d?sslmode=verify-ca", "`sslmode`"),
            ("host=h sslmode='verify-full", "unterminated"),
            ("host=h sslmode=allow", "`sslmode`"),
            ("sslmode", "unexpected EOF"),
            ("http://localhost", "unexpected EOF"),
            ("host=h sslrootcert=x", "unknown option `sslrootcert`"),
        ] {
            let refused = parse(address).unwrap_err().to_string();
            assert!(refused.contains(said), "{address}: {refused}");
        }
    }

    #[test]
    fn a_place_shows_every_host_and_no_password() {
        let place = |address: &str| place(&parse(address).unwrap());
        assert_eq!(place("postgresql://u:secret@one,two:6432/d"), "one:5432,two:6432/d");
        assert_eq!(place("host=/run/postgresql user=u"), "/run/postgresql:5432/u");
    }
}
