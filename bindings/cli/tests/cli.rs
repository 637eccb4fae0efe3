//! The command line as it is typed: the real program in a network and with mounts of its own, in its
//! own process and through a real server. Needs root.

#[cfg(test)]
mod cli {
    mod bed;
    mod bulk;
    mod doors;
    mod dry;
    mod exec;
    mod generated;
    mod look;
    mod status;
    mod tls;
}
