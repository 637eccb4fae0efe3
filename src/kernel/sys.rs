//! The system calls that have no safe wrapper elsewhere, each in a function of its own.
#![expect(unsafe_code, reason = "system calls without a safe wrapper")]

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use crate::error::{Doing, Error, Result};

/// getrandom(2): 32 bytes; waits only before the first seeding after boot.
pub(super) fn random() -> Result<[u8; 32]> {
    let mut bytes = [0_u8; 32];
    // SAFETY: the buffer is writable and as long as said.
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    // Up to 256 bytes come whole or not at all (getrandom(2), "Interruption by a signal handler").
    check(got).doing(|| "read random bytes")?;
    Ok(bytes)
}

/// `SO_NETNS_COOKIE` (socket(7)); none where the kernel does not know it.
pub(super) fn netns_cookie(socket: BorrowedFd<'_>) -> Result<Option<u64>> {
    let mut cookie = 0_u64;
    let mut length = libc::socklen_t::try_from(size_of::<u64>()).unwrap_or(8);
    // SAFETY: both pointers lead to live variables of the size said.
    let got = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_NETNS_COOKIE,
            (&raw mut cookie).cast(),
            &raw mut length,
        )
    };
    match check(isize::try_from(got).unwrap_or(-1)) {
        Ok(()) => Ok(Some(cookie)),
        Err(error) if error.raw_os_error() == Some(libc::ENOPROTOOPT) => Ok(None),
        Err(error) => Err(Error::io(&error).doing("read a namespace's cookie")),
    }
}

/// A socket for raw frames that receives none (packet(7), protocol 0).
pub(super) fn packet_socket() -> io::Result<OwnedFd> {
    // SAFETY: socket(2) takes no pointers.
    let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
    check(isize::try_from(fd).unwrap_or(-1))?;
    // SAFETY: the descriptor has just been opened and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sends a whole Ethernet frame on an interface.
pub(super) fn send_frame(socket: BorrowedFd<'_>, index: u32, frame: &[u8]) -> io::Result<()> {
    // SAFETY: `sockaddr_ll` is plain numbers, for which zero is a value.
    let mut to: libc::sockaddr_ll = unsafe { MaybeUninit::zeroed().assume_init() };
    to.sll_family = libc::AF_PACKET.try_into().unwrap_or_default();
    to.sll_ifindex = index.cast_signed();
    let length = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>()).unwrap_or_default();
    loop {
        // SAFETY: the frame and the address are live and as long as said.
        let sent = unsafe {
            libc::sendto(
                socket.as_raw_fd(),
                frame.as_ptr().cast(),
                frame.len(),
                0,
                (&raw const to).cast(),
                length,
            )
        };
        match check(sent) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// While it lives, no signal is delivered to this thread, nor to one spawned from it: the caller's
/// handlers are not to run on a thread that it does not know.
pub(super) struct SignalsBlocked(libc::sigset_t);

impl SignalsBlocked {
    /// Blocks them.
    pub(super) fn new() -> Self {
        let mut all = MaybeUninit::uninit();
        let mut before = MaybeUninit::uninit();
        // SAFETY: both sets are filled in before they are read.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::sigemptyset(before.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
            SignalsBlocked(before.assume_init())
        }
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: the set was filled in by `new`.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut())
        };
    }
}

/// Waits until every packet that was under way in the kernel has come out of its hooks: they run as
/// readers of RCU, and `MEMBARRIER_CMD_GLOBAL` waits for all of those (membarrier(2)). Some 10 ms.
pub(super) fn grace_period() {
    const MEMBARRIER_CMD_GLOBAL: c_int = 1;
    // SAFETY: it takes no pointer.
    let done = unsafe { libc::syscall(libc::SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) };
    if done != 0 {
        // Not with nohz_full, nor where a filter of system calls forbids it: most are out by then.
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

fn check(returned: isize) -> io::Result<()> {
    if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

const _: () = assert!(size_of::<c_int>() == 4, "ifindex and descriptors are 32 bits");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_differ() {
        assert_ne!(random().unwrap(), random().unwrap());
    }
}
