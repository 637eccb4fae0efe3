//! One request to a server: over a unix socket or TCP.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use netberth::error::Doing;
use netberth::{Error, Kind, Result};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::tls;

/// A change may wait for the lock of the state directory, which a server may be told to wait long for.
const PATIENCE: Duration = Duration::from_mins(10);
const TO_CONNECT: Duration = Duration::from_secs(10);

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// `unix:///run/netberth/netberthd.sock`
    Unix(PathBuf),
    /// `tcp://127.0.0.1:2015`: a name or an address, without brackets, and a port
    Tcp(String, u16),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text.strip_prefix("unix://"), text.strip_prefix("tcp://")) {
            (Some(path), _) if path.starts_with('/') => Ok(Address::Unix(path.into())),
            (Some(_), _) => Err("the path of a socket is absolute: unix:///PATH".to_owned()),
            (_, Some(address)) => tcp(address).ok_or_else(|| "expected tcp://HOST:PORT".to_owned()),
            _ => Err("expected unix:///PATH or tcp://HOST:PORT".to_owned()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Unix(path) => write!(f, "unix://{}", path.display()),
            Address::Tcp(host, port) if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Address::Tcp(host, port) => write!(f, "tcp://{host}:{port}"),
        }
    }
}

/// `HOST:PORT`; IPv6 addresses stand in brackets.
fn tcp(text: &str) -> Option<Address> {
    let (host, port) = text.rsplit_once(':')?;
    let port: u16 = port.parse().ok().filter(|port| *port != 0)?;
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').filter(|inner| inner.contains(':'))?,
        None => Some(host).filter(|host| !host.is_empty() && !host.contains([':', '/']))?,
    };
    Some(Address::Tcp(host.to_owned(), port))
}

impl Address {
    /// Whether what is sent there stays on this machine.
    fn is_local(&self) -> bool {
        match self {
            Address::Unix(_) => true,
            Address::Tcp(host, _) => {
                host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
            }
        }
    }
}

/// A server, and the means to wait for it.
pub(crate) struct Client {
    address: Address,
    tls: Option<Arc<rustls::ClientConfig>>,
    runtime: Runtime,
}

impl Client {
    /// For the server at this address; nothing is sent yet. A socket file needs no `tls`.
    ///
    /// # Errors
    /// `invalid` for another machine without `tls`; `kernel` when descriptors run out.
    pub(crate) fn new(address: Address, tls: Option<Arc<rustls::ClientConfig>>) -> Result<Self> {
        if tls.is_none() && !address.is_local() {
            let what =
                format!("{address} is another machine: give --tlscacert, --tlscert and --tlskey");
            return Err(Error::new(Kind::Invalid, what));
        }
        let runtime = Builder::new_current_thread().enable_all().build();
        Ok(Client { address, tls, runtime: runtime.doing(|| "start the runtime")? })
    }

    /// Whether the server runs on this machine.
    pub(crate) fn is_local(&self) -> bool {
        self.address.is_local()
    }

    /// Sends a request, on a connection of its own, and reads the whole answer.
    ///
    /// # Errors
    /// `not_found` when nobody listens there, `timeout`, and `kernel` when the connection breaks.
    pub(crate) fn send(
        &self,
        method: Method,
        target: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes)> {
        let asked = format!("{method} {target} of {}", self.address);
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::HOST, "netberth")
            .header(header::USER_AGENT, concat!("netberth/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(body))
            .map_err(|error| Error::new(Kind::Invalid, error.to_string()))
            .doing(|| asked.clone())?;
        self.runtime.block_on(self.exchange(request)).doing(|| asked)
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes)> {
        let late = |_| Error::new(Kind::Timeout, "the server does not answer");
        match &self.address {
            Address::Unix(path) => {
                let stream = timeout(TO_CONNECT, UnixStream::connect(path)).await.map_err(late)?;
                let stream = stream.map_err(|error| unreachable(&error))?;
                timeout(PATIENCE, speak(stream, request)).await.map_err(late)?
            }
            Address::Tcp(host, port) => {
                let connecting = TcpStream::connect((host.as_str(), *port));
                let stream = timeout(TO_CONNECT, connecting).await.map_err(late)?;
                let stream = stream.map_err(|error| unreachable(&error))?;
                let Some(config) = &self.tls else {
                    return timeout(PATIENCE, speak(stream, request)).await.map_err(late)?;
                };
                let greeting = TlsConnector::from(config.clone()).connect(tls::name(host)?, stream);
                let stream = timeout(TO_CONNECT, greeting).await.map_err(late)?;
                let stream = stream.map_err(|error| tls::refused(host, &error))?;
                timeout(PATIENCE, speak(stream, request)).await.map_err(late)?
            }
        }
    }
}

fn unreachable(error: &std::io::Error) -> Error {
    use std::io::ErrorKind::{ConnectionRefused, NotFound};
    match error.kind() {
        NotFound | ConnectionRefused => {
            Error::io(error).with_kind(Kind::NotFound).because("is netberthd running there?")
        }
        _ => Error::io(error),
    }
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes)> {
    let broken = |error: hyper::Error| Error::new(Kind::Kernel, error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let driving = tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(broken)?;
    let status = answer.status();
    let body = answer.into_body().collect().await.map_err(broken)?.to_bytes();
    driving.abort();
    Ok((status, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (good, local) in [
            ("unix:///run/a.sock", true),
            ("tcp://127.0.0.1:80", true),
            ("tcp://[::1]:80", true),
            ("tcp://localhost:80", true),
            ("tcp://192.0.2.1:80", false),
            ("tcp://a.example:80", false),
        ] {
            let address: Address = good.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.is_local()), (good, local));
            assert_eq!(Client::new(address, None).is_ok(), local, "{good}");
        }
        for bad in [
            "unix://a",
            "tcp://1.2.3.4",
            "tcp://::1:80",
            "tcp://[a]:80",
            "tcp://:80",
            "tcp://a:0",
            "tcp://a/b:80",
            "/run/a.sock",
            "",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
