//! Mutual TLS: who the server is, and who we are.

use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use netberth::error::Doing;
use netberth::{Error, Kind, Result};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

/// The files by which a client and a server know each other, in PEM.
pub(crate) struct Credentials<'a> {
    /// Who signed the server's certificate.
    pub(crate) authority: &'a Path,
    pub(crate) certificate: &'a Path,
    pub(crate) key: &'a Path,
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).doing(|| format!("read {}", file.display()))
}

fn wrong(file: &Path, error: &impl Display) -> Error {
    Error::new(Kind::Invalid, format!("{}: {}", file.display(), error.to_string().to_lowercase()))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let text = read(file)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.map_err(|error| wrong(file, &error))?;
    if all.is_empty() {
        return Err(wrong(file, &"there is no certificate in it"));
    }
    Ok(all)
}

/// What a connection is secured with.
///
/// # Errors
/// Those of reading; `invalid` for a file that does not hold what it should.
pub(crate) fn config(credentials: &Credentials<'_>) -> Result<Arc<ClientConfig>> {
    let Credentials { authority, certificate, key } = credentials;
    let mut roots = RootCertStore::empty();
    for root in certificates(authority)? {
        roots.add(root).map_err(|error| wrong(authority, &error))?;
    }
    let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| wrong(key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(Kind::Bug, error.to_string()))?;
    versions
        .with_root_certificates(roots)
        .with_client_auth_cert(certificates(certificate)?, private)
        .map(Arc::new)
        .map_err(|error| wrong(certificate, &error))
}

/// The name that the server's certificate has to have.
///
/// # Errors
/// `invalid` for what is no name of a host.
pub(crate) fn name(host: &str) -> Result<ServerName<'static>> {
    let wrong = |_| Error::new(Kind::Invalid, format!("`{host}` is no name of a host"));
    ServerName::try_from(host.to_owned()).map_err(wrong)
}

/// One of the two does not take the other for who it should be.
pub(crate) fn refused(host: &str, error: &std::io::Error) -> Error {
    let what = format!("{error}: is it `{host}`, and is its certificate signed by --tlscacert?");
    Error::new(Kind::Denied, what.to_lowercase()).doing("tls")
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::path::PathBuf;
    use std::thread::{self, JoinHandle};

    use bytes::Bytes;
    use hyper::Method;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    use rustls::server::WebPkiClientVerifier;
    use rustls::{ServerConfig, ServerConnection, Stream};
    use tempfile::TempDir;

    use super::*;
    use crate::client::{Address, Client};

    /// Two authorities, and for each of them a certificate for `localhost`.
    struct Files(TempDir);

    impl Files {
        fn new() -> Files {
            let files = Files(TempDir::new().unwrap());
            for authority in ["ours", "theirs"] {
                let key = KeyPair::generate().unwrap();
                let mut params = CertificateParams::default();
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
                fs::write(files.path(authority, "ca"), params.self_signed(&key).unwrap().pem())
                    .unwrap();
                let issuer = Issuer::new(params, key);
                let key = KeyPair::generate().unwrap();
                let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
                let signed = params.signed_by(&key, &issuer).unwrap();
                fs::write(files.path(authority, "cert"), signed.pem()).unwrap();
                fs::write(files.path(authority, "key"), key.serialize_pem()).unwrap();
            }
            files
        }

        fn path(&self, authority: &str, what: &str) -> PathBuf {
            self.0.path().join(format!("{authority}.{what}.pem"))
        }

        /// A server of ours that wants to know who asks; it serves one connection.
        fn server(&self) -> (u16, JoinHandle<()>) {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let mut roots = RootCertStore::empty();
            roots.add(certificates(&self.path("ours", "ca")).unwrap().remove(0)).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
            let chain = certificates(&self.path("ours", "cert")).unwrap();
            let key = PrivateKeyDer::from_pem_file(self.path("ours", "key")).unwrap();
            let config = ServerConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_client_cert_verifier(verifier.build().unwrap())
                .with_single_cert(chain, key)
                .unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let serve = move || {
                let (mut socket, _) = listener.accept().unwrap();
                let mut connection = ServerConnection::new(Arc::new(config)).unwrap();
                let mut stream = Stream::new(&mut connection, &mut socket);
                // A refused client is gone by now, whatever is written.
                if stream.read(&mut [0; 4096]).is_ok() {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
                }
            };
            (port, thread::spawn(serve))
        }

        fn ask(&self, host: &str, authority: &str, who: &str) -> Result<Bytes> {
            let (port, server) = self.server();
            let config = config(&Credentials {
                authority: &self.path(authority, "ca"),
                certificate: &self.path(who, "cert"),
                key: &self.path(who, "key"),
            })?;
            let client = Client::new(Address::Tcp(host.into(), port), Some(config))?;
            let answer = client.send(Method::GET, "/", Bytes::new());
            server.join().unwrap();
            answer.map(|(_, body)| body)
        }
    }

    #[test]
    fn both_must_be_who_they_should_be() {
        let files = Files::new();
        assert_eq!(files.ask("localhost", "ours", "ours").unwrap(), "{}");
        let stranger = files.ask("localhost", "theirs", "ours").unwrap_err();
        assert_eq!(stranger.kind(), Kind::Denied, "{stranger}");
        let misnamed = files.ask("127.0.0.1", "ours", "ours").unwrap_err();
        assert_eq!(misnamed.kind(), Kind::Denied, "{misnamed}");
        // The server says so when the client has said who it is: not before the first answer.
        files.ask("localhost", "ours", "theirs").unwrap_err();
    }

    #[test]
    fn files_that_do_not_hold_what_they_should() {
        let files = Files::new();
        let of = |authority: &str, certificate: &str, key: &str| {
            config(&Credentials {
                authority: &files.path("ours", authority),
                certificate: &files.path("ours", certificate),
                key: &files.path("ours", key),
            })
        };
        assert!(of("ca", "cert", "key").is_ok());
        for bad in [of("key", "cert", "key"), of("ca", "key", "key"), of("ca", "cert", "cert")] {
            assert_eq!(bad.unwrap_err().kind(), Kind::Invalid);
        }
        let strange = config(&Credentials {
            authority: &files.path("ours", "ca"),
            certificate: &files.path("ours", "cert"),
            key: &files.path("theirs", "key"),
        });
        assert_eq!(strange.unwrap_err().kind(), Kind::Invalid);
        assert!(of("none", "cert", "key").is_err());
    }
}
