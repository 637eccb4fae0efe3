//! Mutual TLS: both sides show a certificate, and may be given new ones while the server runs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use netberth::error::Doing;
use netberth::{Error, Kind, Result};
use parking_lot::RwLock;
use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// Where the certificates and the key are.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) ca: PathBuf,
}

/// What new connections are served with.
pub(crate) struct Tls {
    files: Files,
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// `invalid` for a file that is not what it should be, or a key that is another certificate's;
    /// those of reading.
    pub(crate) fn load(files: Files) -> Result<Self> {
        let config = RwLock::new(config(&files).doing(|| "set up TLS")?);
        Ok(Tls { files, config })
    }

    /// Reads the files again; those who are connected stay.
    ///
    /// # Errors
    /// Those of [`Tls::load`], and then everything is as before.
    pub(crate) fn reload(&self) -> Result<()> {
        let fresh = config(&self.files).doing(|| "read the certificates again")?;
        *self.config.write() = fresh;
        Ok(())
    }

    /// For one connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.read().clone())
    }
}

fn config(files: &Files) -> Result<Arc<ServerConfig>> {
    let chain = certificates(&files.cert)?;
    let key = key(&files.key)?;
    let mut roots = RootCertStore::empty();
    for root in certificates(&files.ca)? {
        roots.add(root).map_err(|error| invalid(&files.ca, &error))?;
    }
    let provider = Arc::new(ring::default_provider());
    let judge = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let judge = judge.build().map_err(|error| invalid(&files.ca, &error))?;
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| Error::new(Kind::Bug, error.to_string()))?;
    let mut config = builder
        .with_client_cert_verifier(judge)
        .with_single_cert(chain, key)
        .map_err(|error| invalid(&files.key, &format!("with {}: {error}", files.cert.display())))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn invalid(path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Invalid, format!("{}: {why}", path.display()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let text = fs::read(path).doing(|| format!("read {}", path.display()))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|error| invalid(path, &error))?;
    if found.is_empty() {
        return Err(invalid(path, &"there is no certificate in it; PEM is expected"));
    }
    Ok(found)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    let text = fs::read(path).doing(|| format!("read {}", path.display()))?;
    let mode =
        fs::metadata(path).doing(|| format!("stat {}", path.display()))?.permissions().mode();
    if mode & 0o007 != 0 {
        let path = path.display();
        tracing::warn!("{path} is open to every user (mode {:o}): chmod o= {path}", mode & 0o777);
    }
    PrivateKeyDer::from_pem_slice(&text)
        .map_err(|error| invalid(path, &format!("no private key in it: {error}")))
}

/// Who a certificate says that somebody is: `CN=alice,O=example` (RFC 4514).
pub(crate) fn name(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let name = certificate.tbs_certificate.subject.to_string();
    Some(name).filter(|name| !name.is_empty())
}
