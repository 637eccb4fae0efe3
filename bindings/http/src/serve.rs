//! Serving: connections in, answers out, until a signal says stop.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use netberth::Result;
use netberth::error::Doing;
use sd_notify::NotifyState;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Semaphore, watch};

use crate::door::Door;
use crate::gate::Gate;
use crate::listen::{Listener, Socket};
use crate::routes;

/// A request's head, and the pause between two requests of a connection.
const HEADER_TIME: Duration = Duration::from_secs(10);

/// A request's head in bytes, and its header lines; more is answered by 431.
const HEADER_BYTES: usize = 64 << 10;
const HEADER_LINES: usize = 64;

/// Connections at once, over all listeners; more wait in the kernel's queue.
const CONNECTIONS: usize = 512;

/// How long running requests may take to finish after the signal.
const GRACE: Duration = Duration::from_secs(30);

/// Serves until SIGTERM or SIGINT, then finishes what is under way.
pub(crate) async fn run(listeners: Vec<Listener>, door: Door) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).doing(|| "wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).doing(|| "wait for SIGINT")?;
    let router = routes::router(door);
    let graceful = Arc::new(GracefulShutdown::new());
    let (stop, stopped) = watch::channel(());
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut accepting = Vec::new();
    for listener in listeners {
        let browsers = matches!(listener.socket, Socket::Tcp(_));
        let post = Post {
            gate: Gate { router: router.clone(), browsers },
            graceful: graceful.clone(),
            room: room.clone(),
        };
        let listener = Asynchronous::of(listener)?;
        accepting.push(tokio::spawn(post.listen(listener, stopped.clone())));
    }
    tell(&NotifyState::Ready);
    signalled(&mut terminate, &mut interrupt).await;
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
    gate: Gate,
    graceful: Arc<GracefulShutdown>,
    room: Arc<Semaphore>,
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
            Either::Unix(socket) => self.serve(socket.accept().await?.0, room),
            Either::Tcp(socket) => {
                let (stream, _) = socket.accept().await?;
                // An answer is one write; waiting for more only delays it.
                stream.set_nodelay(true)?;
                self.serve(stream, room);
            }
        }
        Ok(())
    }

    fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        room: tokio::sync::OwnedSemaphorePermit,
    ) {
        let gate = self.gate.clone();
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME)
            .max_headers(HEADER_LINES)
            .max_buf_size(HEADER_BYTES)
            // `nc -N` and its like shut down their side after the request and wait for the answer.
            .half_close(true)
            .serve_connection(
                TokioIo::new(stream),
                service_fn(move |request| gate.clone().pass(request)),
            );
        let connection = self.graceful.watch(connection);
        tokio::spawn(async move {
            let _room = room;
            if let Err(error) = connection.await {
                tracing::debug!("connection: {error}");
            }
        });
    }
}
