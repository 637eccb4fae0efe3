//! Services on the test bed, and connections to them that last.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test bed says so and ends")]

use std::io::{Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use netberth::Result;
use netberth::model::view::BackendView;
use netberth::model::{JoinSpec, ServiceSpec};

use super::bed::{Bed, Container};
use super::net::{PORT, within};

/// Publishes a service, and tells its virtual addresses.
pub fn try_publish(bed: &Bed<'_>, json: &str) -> Result<(String, String)> {
    let spec = ServiceSpec::from_json(json.as_bytes()).unwrap();
    let id = bed.netberth.service_publish(&spec)?.to_string();
    let more = bed.netberth.service(&id, true)?.more.unwrap();
    Ok(families(&more.virtual_addresses.unwrap()))
}

/// The same, which must succeed; `more` are further members.
pub fn publish(bed: &Bed<'_>, name: &str, network: &str, more: &str) -> (String, String) {
    try_publish(bed, &format!("{{\"name\":\"{name}\",\"network_name\":\"{network}\"{more}}}"))
        .unwrap()
}

/// The first address of each family, without its prefix length.
pub fn families(addresses: &[String]) -> (String, String) {
    let of = |v6: bool| {
        let found = addresses.iter().find(|address| address.contains(':') == v6);
        found.and_then(|cidr| cidr.split('/').next()).unwrap_or_default().to_owned()
    };
    (of(false), of(true))
}

/// What is behind a service.
pub fn backends(bed: &Bed<'_>, service: &str) -> Vec<BackendView> {
    bed.netberth.service_backends(service, true).unwrap()
}

/// Attaches a container to a service, and tells where it is.
pub fn attach(bed: &Bed<'_>, service: &str, name: &str) -> Container {
    let spec = JoinSpec::from_json(format!("{{\"container_id\":\"{name}\"}}").as_bytes()).unwrap();
    let key = bed.netberth.service_attach(service, &spec).unwrap();
    let one = backends(bed, service).into_iter().find(|one| one.id == name).unwrap();
    let (v4, v6) = families(&one.addresses.unwrap());
    Container { key, v4, v6, mac: one.mac.unwrap_or_default() }
}

/// Detaches a container from a service, at once.
pub fn detach(bed: &Bed<'_>, service: &str, name: &str) {
    bed.netberth.service_detach(service, name, false).unwrap();
}

/// Says its name at once, and then answers whatever it is sent until its client has enough.
pub struct Talker(Arc<AtomicBool>, Option<std::thread::JoinHandle<()>>);

impl Talker {
    pub fn new(ns: &Path, name: &str) -> Self {
        let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT));
        let listener = within(ns, || TcpListener::bind(any).unwrap());
        listener.set_nonblocking(true).unwrap();
        let (ends, name) = (Arc::new(AtomicBool::new(false)), name.to_owned());
        let end = Arc::clone(&ends);
        let thread = std::thread::spawn(move || {
            let mut streams: Vec<TcpStream> = Vec::new();
            let mut buffer = [0; 64];
            while !end.load(Ordering::Relaxed) {
                if let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nonblocking(true).unwrap();
                    let _ = stream.write_all(name.as_bytes());
                    streams.push(stream);
                }
                for stream in &mut streams {
                    if let Ok(length) = stream.read(&mut buffer) {
                        let _ = stream.write_all(&buffer[..length]);
                    }
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Talker(ends, Some(thread))
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        let _ = self.1.take().map(std::thread::JoinHandle::join);
    }
}

/// A new connection, and who has it.
pub fn connected(from: &Path, to: &str) -> (TcpStream, String) {
    let to = SocketAddr::new(to.parse().unwrap(), PORT);
    within(from, || {
        let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(5)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut buffer = [0; 1];
        stream.read_exact(&mut buffer).unwrap();
        (stream, String::from_utf8_lossy(&buffer).into_owned())
    })
}

/// Whether a connection goes on, both ways.
pub fn goes_on(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 5];
    stream.write_all(b"hello").and_then(|()| stream.read_exact(&mut buffer)).is_ok()
        && &buffer == b"hello"
}
