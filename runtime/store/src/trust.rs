//! Whom encrypted connections trust: servers of PostgreSQL here, brokers, webhooks and other nodes elsewhere.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Where systems keep the certificates of the authorities that they trust.
const SYSTEM_AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// What makes connections private, to those for whom an authority of a PEM file vouches, or else one of the system's.
///
/// # Errors
/// What is wrong with the file, which is named. Of the system's own, what cannot be read vouches for nobody, and the others
/// do.
pub fn connector(authorities: Option<&Path>) -> Result<TlsConnector, String> {
    let roots = match authorities {
        Some(path) => named(path)?,
        None => of_system()?,
    };
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn named(path: &Path) -> Result<RootCertStore, String> {
    let unusable = |error: &dyn Display| unusable(path, error);
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unusable(&error))? {
        let certificate = certificate.map_err(|error| unusable(&error))?;
        roots.add(certificate).map_err(|error| unusable(&error))?;
    }
    some(roots, path)
}

fn of_system() -> Result<RootCertStore, String> {
    let path = SYSTEM_AUTHORITIES.iter().map(Path::new).find(|path| path.is_file());
    let path =
        path.ok_or("this system has no file of trusted certificates; name one in the configuration")?;
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unusable(path, &error))?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates.filter_map(Result::ok));
    some(roots, path)
}

fn some(roots: RootCertStore, path: &Path) -> Result<RootCertStore, String> {
    if roots.is_empty() { Err(unusable(path, &"it holds no certificate")) } else { Ok(roots) }
}

fn unusable(path: &Path, why: &dyn Display) -> String {
    format!("`{}`: {why}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a file is what is read")]
    fn authorities_that_cannot_be_used_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        let refused = |path: &Path| connector(Some(path)).err().unwrap();
        assert!(refused(&path).contains("ca.pem"));
        std::fs::write(&path, "nothing\n").unwrap();
        assert!(refused(&path).contains("it holds no certificate"));
    }
}
