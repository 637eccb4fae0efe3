//! Serving: connections in, answers out, until a signal says stop.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use netberth::error::Doing;
use netberth::{Error, Kind, Result};
use nix::sys::socket::{setsockopt, sockopt};
use sd_notify::NotifyState;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;

use crate::body::Patience;
use crate::door::Door;
use crate::gate::Gate;
use crate::limits::Limits;
use crate::listen::{Listener, Socket};
use crate::log::Access;
use crate::peer::{Crowd, Peer, Present};
use crate::routes;
use crate::tls::{self, Tls};

/// A request's head in bytes, and its header lines; more is answered by 431.
const HEADER_BYTES: usize = 64 << 10;
const HEADER_LINES: usize = 64;

/// When a peer that says nothing is asked whether it is still there, how often, and in which pauses:
/// a machine that lost its power closes no connection.
const QUIET: u32 = 60;
const QUESTIONS: u32 = 3;
const PAUSE: u32 = 10;

/// How long running requests may take to finish after the signal.
const GRACE: Duration = Duration::from_secs(30);

/// What SIGHUP reads or opens anew.
pub(crate) struct Reload {
    pub(crate) tls: Option<Tls>,
    pub(crate) access: Access,
}

impl Reload {
    fn again(&self) {
        let tls = self.tls.as_ref().map_or(Ok(()), Tls::reload);
        for done in [tls, self.access.reopen()] {
            if let Err(error) = done {
                tracing::error!("{error}: going on with what there was");
            }
        }
        tracing::info!("read again what can be read while running");
    }
}

/// Serves until SIGTERM or SIGINT, then finishes what is under way.
pub(crate) async fn run(
    listeners: Vec<Listener>,
    door: Door,
    limits: Limits,
    reload: Reload,
) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).doing(|| "wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).doing(|| "wait for SIGINT")?;
    let mut hangup = signal(SignalKind::hangup()).doing(|| "wait for SIGHUP")?;
    let reload = Arc::new(reload);
    let router = routes::router(door);
    let graceful = Arc::new(GracefulShutdown::new());
    let (stop, stopped) = watch::channel(());
    let mut accepting = Vec::new();
    for listener in listeners {
        let post = Post {
            router: router.clone(),
            graceful: graceful.clone(),
            room: Arc::new(Semaphore::new(limits.connections)),
            crowd: Crowd::new(limits.per_peer),
            limits,
            reload: reload.clone(),
        };
        let listener = Asynchronous::of(listener)?;
        accepting.push(tokio::spawn(post.listen(listener, stopped.clone())));
    }
    tell(&NotifyState::Ready);
    loop {
        tokio::select! {
            () = signalled(&mut terminate, &mut interrupt) => break,
            _ = hangup.recv() => reload.again(),
        }
    }
    tell(&NotifyState::Stopping);
    tracing::info!("stopping: finishing the requests that are under way");
    drop(stop);
    for task in accepting {
        let _ = task.await;
    }
    // The listening tasks had the other references, and they are over.
    let Some(graceful) = Arc::into_inner(graceful) else { return Ok(()) };
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(GRACE) => {
            tracing::warn!("stopped with requests under way after {} s", GRACE.as_secs());
        }
        () = signalled(&mut terminate, &mut interrupt) => {
            tracing::warn!("stopped with requests under way by a second signal");
        }
    }
    Ok(())
}

async fn signalled(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

fn tell(state: &NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(std::slice::from_ref(state)) {
        tracing::warn!("notify the service manager: {error}");
    }
}

/// A listener as the runtime has it; dropping it removes the socket's file.
struct Asynchronous {
    socket: Either,
    from: Listener,
}

enum Either {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Asynchronous {
    fn of(from: Listener) -> Result<Self> {
        let socket = register(&from.socket).doing(|| format!("listen on {}", from.address))?;
        tracing::info!("listening on {}", from.address);
        Ok(Asynchronous { socket, from })
    }
}

fn register(socket: &Socket) -> io::Result<Either> {
    Ok(match socket {
        Socket::Unix(socket) => {
            socket.set_nonblocking(true)?;
            Either::Unix(UnixListener::from_std(socket.try_clone()?)?)
        }
        Socket::Tcp(socket) => {
            socket.set_nonblocking(true)?;
            Either::Tcp(TcpListener::from_std(socket.try_clone()?)?)
        }
    })
}

/// One listener's share of everything.
struct Post {
    router: Router,
    graceful: Arc<GracefulShutdown>,
    room: Arc<Semaphore>,
    crowd: Arc<Crowd>,
    limits: Limits,
    reload: Arc<Reload>,
}

impl Post {
    async fn listen(self, listener: Asynchronous, mut stopped: watch::Receiver<()>) {
        loop {
            let next = tokio::select! {
                // The sender is never used, only dropped.
                _ = stopped.changed() => break,
                next = self.next(&listener.socket) => next,
            };
            if let Err(error) = next {
                // Out of descriptors, or a client that went before it was accepted.
                tracing::warn!("accept on {}: {error}", listener.from.address);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    async fn next(&self, socket: &Either) -> io::Result<()> {
        let room = self.room.clone().acquire_owned().await.map_err(io::Error::other)?;
        match socket {
            Either::Unix(socket) => {
                let stream = socket.accept().await?.0;
                let peer = Peer::process(stream.peer_cred());
                let Some(present) = self.crowd.admit(&peer) else {
                    tokio::spawn(self.turn_away(stream, peer, room));
                    return Ok(());
                };
                tokio::spawn(self.serve(stream, peer, (room, present), false));
            }
            Either::Tcp(socket) => {
                let (stream, address) = socket.accept().await?;
                keep_alive(&stream, self.limits.write)?;
                let peer = Peer::Address { address, name: None };
                let Some(present) = self.crowd.admit(&peer) else {
                    tokio::spawn(self.turn_away(stream, peer, room));
                    return Ok(());
                };
                match &self.reload.tls {
                    Some(tls) => {
                        let (acceptor, place) = (tls.acceptor(), (room, present));
                        tokio::spawn(self.serve_tls(acceptor, stream, address, place));
                    }
                    None => {
                        tokio::spawn(self.serve(stream, peer, (room, present), true));
                    }
                }
            }
        }
        Ok(())
    }

    /// Says that there are too many of that peer's; with TLS it cannot be said, only done.
    fn turn_away(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Peer,
        room: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (patience, most) = (self.limits.header, self.limits.per_peer);
        let plain = self.reload.tls.is_none() || matches!(peer, Peer::Process { .. });
        async move {
            let _room = room;
            tracing::warn!(%peer, "refused: {most} connections are open already");
            if plain {
                let what = format!("{most} connections of yours are open already: close some");
                let body = Error::new(Kind::Busy, what).to_json().to_string();
                let head = "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\
                    content-type: application/json\r\ncontent-length: ";
                let answer = format!("{head}{}\r\n\r\n{body}\n", body.len() + 1);
                let say = async {
                    stream.write_all(answer.as_bytes()).await?;
                    stream.shutdown().await?;
                    // Closing before the request is read would take the answer back.
                    tokio::io::copy(&mut stream.take(1 << 16), &mut tokio::io::sink()).await
                };
                let _ = tokio::time::timeout(patience, say).await;
            }
        }
    }

    fn serve_tls(
        &self,
        acceptor: TlsAcceptor,
        stream: TcpStream,
        address: SocketAddr,
        place: Place,
    ) -> impl Future<Output = ()> + Send + 'static {
        let patience = self.limits.header;
        let serve = self.server(false);
        async move {
            let shaken = tokio::time::timeout(patience, acceptor.accept(stream)).await;
            let stream = match shaken {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => return tracing::info!(peer = %address, "handshake: {error}"),
                Err(_) => return tracing::info!(peer = %address, "handshake: it took too long"),
            };
            let certificates = stream.get_ref().1.peer_certificates();
            let name = certificates.and_then(|all| all.first()).and_then(tls::name);
            serve(Box::new(stream), Peer::Address { address, name }, place).await;
        }
    }

    fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Peer,
        place: Place,
        browsers: bool,
    ) -> impl Future<Output = ()> + Send + 'static {
        self.server(browsers)(Box::new(stream), peer, place)
    }

    /// Serves one connection to its end.
    fn server(
        &self,
        browsers: bool,
    ) -> impl FnOnce(Box<dyn Stream>, Peer, Place) -> Pin<Box<dyn Future<Output = ()> + Send>>
    + Send
    + 'static {
        let (router, watch, limits) = (self.router.clone(), self.graceful.watcher(), self.limits);
        move |stream, peer, place| {
            let gate = Gate {
                router,
                browsers,
                peer: Arc::new(peer.clone()),
                patience: Patience(limits.body),
            };
            let mut stream = TimeoutStream::new(stream);
            stream.set_write_timeout(Some(limits.write));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.header)
                .max_headers(HEADER_LINES)
                .max_buf_size(HEADER_BYTES)
                // `nc -N` and its like shut down their side after the request and wait for the
                // answer.
                .half_close(true)
                .serve_connection(
                    TokioIo::new(Box::pin(stream)),
                    service_fn(move |request| gate.clone().pass(request)),
                );
            let connection = watch.watch(connection);
            Box::pin(async move {
                let _place = place;
                if let Err(error) = connection.await {
                    tracing::debug!(%peer, "connection: {error}");
                }
            })
        }
    }
}

/// What a connection takes up until it ends.
type Place = (OwnedSemaphorePermit, Present);

/// Bytes in both directions.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A peer that is gone is found out, whether something is being sent to it or not.
fn keep_alive(stream: &TcpStream, patience: Duration) -> io::Result<()> {
    // An answer is one write; waiting for more only delays it.
    stream.set_nodelay(true)?;
    let patience = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
    setsockopt(stream, sockopt::KeepAlive, &true)?;
    setsockopt(stream, sockopt::TcpKeepIdle, &QUIET)?;
    setsockopt(stream, sockopt::TcpKeepInterval, &PAUSE)?;
    setsockopt(stream, sockopt::TcpKeepCount, &QUESTIONS)?;
    setsockopt(stream, sockopt::TcpUserTimeout, &patience)?;
    Ok(())
}
