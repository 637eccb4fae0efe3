//! Where the server listens: unix sockets, loopback addresses, and what a service manager passed.

use std::fmt;
use std::fs::{self, File, Permissions};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use listenfd::ListenFd;
use netberth::error::Doing;
use netberth::{Error, Kind, Result};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Group, getegid};

/// Where to listen if nothing is said.
const DEFAULT: &str = "/run/netberth/netberthd.sock";

/// An address of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// `unix:///run/netberth/netberthd.sock`
    Unix(PathBuf),
    /// `tcp://127.0.0.1:2015`
    Tcp(SocketAddr),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix://") {
            if !path.starts_with('/') || path.ends_with('/') {
                return Err("the path of a socket is absolute: unix:///PATH".to_owned());
            }
            return Ok(Address::Unix(path.into()));
        }
        let Some(socket) = text.strip_prefix("tcp://") else {
            return Err("expected unix:///PATH or tcp://ADDRESS:PORT".to_owned());
        };
        let address: SocketAddr =
            socket.parse().map_err(|_| "expected tcp://ADDRESS:PORT, no host name".to_owned())?;
        Ok(Address::Tcp(address))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Unix(path) => write!(f, "unix://{}", path.display()),
            Address::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

/// Whoever reaches the server commands the host's network.
fn guarded(address: SocketAddr, tls: bool) -> Result<()> {
    if tls || address.ip().is_loopback() {
        return Ok(());
    }
    let what = format!(
        "{address} is not a loopback address: plain TCP is served on 127.0.0.0/8 and [::1] only; \
         for others give --tlscert, --tlskey and --tlscacert"
    );
    Err(Error::new(Kind::Denied, what))
}

/// The kinds of sockets.
#[derive(Debug)]
pub(crate) enum Socket {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// A socket that listens. If it was made here, its file goes with it.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) socket: Socket,
    /// As it is reached: with the port that was chosen.
    pub(crate) address: Address,
    file: Option<Inode>,
}

/// Which file a socket is, so that nobody else's is removed.
#[derive(Debug, PartialEq, Eq)]
struct Inode {
    device: u64,
    number: u64,
}

impl Inode {
    fn of(path: &Path) -> io::Result<Self> {
        let found = fs::symlink_metadata(path)?;
        Ok(Inode { device: found.dev(), number: found.ino() })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let Address::Unix(path) = &self.address else { return };
        if self.file.is_some() && Inode::of(path).ok() == self.file {
            let _ = fs::remove_file(path);
        }
    }
}

/// Listens everywhere that was asked, and on what a service manager passed.
///
/// # Errors
/// `exists` where somebody else listens; `denied` for TCP that is neither on loopback nor TLS.
pub(crate) fn all(addresses: &[Address], group: Option<&str>, tls: bool) -> Result<Vec<Listener>> {
    let group = group.map_or_else(|| Ok(getegid().as_raw()), group_id)?;
    let mut listeners = passed(tls)?;
    // Before anything listens.
    for address in addresses {
        if let Address::Tcp(socket) = address {
            guarded(*socket, tls).doing(|| format!("listen on {address}"))?;
        }
    }
    for address in addresses {
        listeners.push(bind(address, group).doing(|| format!("listen on {address}"))?);
    }
    if listeners.is_empty() {
        let address = Address::Unix(DEFAULT.into());
        listeners.push(bind(&address, group).doing(|| format!("listen on {address}"))?);
    }
    Ok(listeners)
}

fn group_id(name: &str) -> Result<u32> {
    let found = Group::from_name(name).map_err(|errno| Error::os(errno as i32));
    match found.doing(|| format!("look up group {name}"))? {
        Some(group) => Ok(group.gid.as_raw()),
        None => Err(Error::new(Kind::NotFound, format!("there is no group {name}"))),
    }
}

/// `sd_listen_fds(3)`.
fn passed(tls: bool) -> Result<Vec<Listener>> {
    let mut found = Vec::new();
    let mut sockets = ListenFd::from_env();
    for index in 0..sockets.len() {
        let listener = take(&mut sockets, index, tls);
        found.push(listener.doing(|| format!("take socket {index} of the service manager"))?);
    }
    Ok(found)
}

fn take(sockets: &mut ListenFd, index: usize, tls: bool) -> Result<Listener> {
    if let Ok(Some(socket)) = sockets.take_unix_listener(index) {
        let local = socket.local_addr().doing(|| "getsockname")?;
        let path = local.as_pathname().unwrap_or(Path::new("")).to_owned();
        return Ok(Listener {
            socket: Socket::Unix(socket),
            address: Address::Unix(path),
            file: None,
        });
    }
    let Ok(Some(socket)) = sockets.take_tcp_listener(index) else {
        let what = "it is neither a unix nor a TCP socket that listens";
        return Err(Error::new(Kind::Unsupported, what));
    };
    let local = socket.local_addr().doing(|| "getsockname")?;
    guarded(local, tls)?;
    Ok(Listener { socket: Socket::Tcp(socket), address: Address::Tcp(local), file: None })
}

fn bind(address: &Address, group: u32) -> Result<Listener> {
    match address {
        Address::Unix(path) => bind_unix(path, group),
        Address::Tcp(asked) => {
            let socket = TcpListener::bind(asked).map_err(|error| in_use(&error))?;
            let address = Address::Tcp(socket.local_addr().doing(|| "getsockname")?);
            Ok(Listener { socket: Socket::Tcp(socket), address, file: None })
        }
    }
}

fn in_use(error: &io::Error) -> Error {
    let taken = error.kind() == io::ErrorKind::AddrInUse;
    let os = Error::io(error);
    if taken { os.with_kind(Kind::Exists) } else { os }
}

fn bind_unix(path: &Path, group: u32) -> Result<Listener> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder).doing(|| format!("mkdir -p {}", folder.display()))?;
    // Two servers that start at once must not take each other's socket for stale.
    let guard = File::open(folder).doing(|| format!("open {}", folder.display()))?;
    guard.lock().doing(|| format!("lock {}", folder.display()))?;
    remove_stale(path)?;
    // Nobody else may connect before the group is set.
    let before = umask(Mode::from_bits_truncate(0o177));
    let bound = UnixListener::bind(path);
    umask(before);
    let socket = bound.map_err(|error| in_use(&error))?;
    let file = Some(Inode::of(path).doing(|| format!("stat {}", path.display()))?);
    let listener =
        Listener { socket: Socket::Unix(socket), address: Address::Unix(path.into()), file };
    chown(path, None, Some(group)).doing(|| format!("chgrp {group} {}", path.display()))?;
    let mode = Permissions::from_mode(0o660);
    fs::set_permissions(path, mode).doing(|| format!("chmod 0660 {}", path.display()))?;
    Ok(listener)
}

/// Removes a socket on which nobody listens any more.
fn remove_stale(path: &Path) -> Result<()> {
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(()) };
    if !found.file_type().is_socket() {
        let what = format!("{} exists and is not a socket", path.display());
        return Err(Error::new(Kind::Exists, what));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).doing(|| format!("rm {}", path.display()))
        }
        Err(error) => Err(Error::io(&error)).doing(|| format!("connect to {}", path.display())),
        Ok(_) => {
            let what = format!("somebody listens on {} already", path.display());
            Err(Error::new(Kind::Exists, what))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in
            ["unix:///run/a.sock", "tcp://127.0.0.1:0", "tcp://127.9.9.9:80", "tcp://[::1]:1"]
        {
            assert_eq!(good.parse::<Address>().unwrap().to_string(), good);
        }
        for (bad, why) in [
            ("tcp://localhost:80", "no host name"),
            ("tcp://127.0.0.1", "ADDRESS:PORT"),
            ("tcp://127.0.0.1:65536", "ADDRESS:PORT"),
            ("unix://a.sock", "absolute"),
            ("unix://", "absolute"),
            ("/run/a.sock", "expected unix"),
            ("", "expected unix"),
        ] {
            let error = bad.parse::<Address>().unwrap_err();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }

    #[test]
    fn beyond_loopback_only_with_tls() {
        for address in ["0.0.0.0:80", "[::]:80", "192.168.1.1:80", "[::ffff:127.0.0.1]:80"] {
            let error = guarded(address.parse().unwrap(), false).unwrap_err();
            assert_eq!(error.kind(), Kind::Denied);
            assert!(error.to_string().contains("--tlscert"), "{error}");
            guarded(address.parse().unwrap(), true).unwrap();
        }
        guarded("127.9.9.9:80".parse().unwrap(), false).unwrap();
        guarded("[::1]:80".parse().unwrap(), false).unwrap();
    }
}
