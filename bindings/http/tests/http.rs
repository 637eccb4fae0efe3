//! The server as its clients meet it: the real program in a network and with mounts of its own, and
//! raw HTTP/1.1 over its sockets. Needs root.

#[cfg(test)]
mod http {
    mod access;
    mod client;
    mod conflicts;
    mod document;
    mod joins;
    mod limits;
    mod openapi;
    mod order;
    mod refusals;
    mod rules;
    mod server;
    mod services;
    mod sockets;
    mod stop;
    mod tls;
    mod verify;
}
