//! The system calls that have no safe wrapper elsewhere, each in a function of its own.
#![expect(unsafe_code, reason = "system calls without a safe wrapper")]

use std::ffi::{c_char, c_int};
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

/// fsopen(2), fsconfig(2), fsmount(2): an instance of proc that is mounted nowhere.
pub(super) fn proc() -> io::Result<OwnedFd> {
    // `linux/mount.h`: FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC; FSCONFIG_CMD_CREATE of `enum fsconfig_command`.
    const CLOSE_ON_EXEC: libc::c_uint = 1;
    const CREATE: libc::c_uint = 6;
    let null = std::ptr::null::<c_char>();
    // SAFETY: the name is terminated.
    let context =
        descriptor(unsafe { libc::syscall(libc::SYS_fsopen, c"proc".as_ptr(), CLOSE_ON_EXEC) })?;
    let number = context.as_raw_fd();
    // SAFETY: this command takes neither key nor value.
    let made = unsafe { libc::syscall(libc::SYS_fsconfig, number, CREATE, null, null, 0) };
    check(isize::try_from(made).unwrap_or(-1))?;
    // SAFETY: it takes no pointer.
    descriptor(unsafe { libc::syscall(libc::SYS_fsmount, number, CLOSE_ON_EXEC, 0) })
}

/// A new descriptor that a system call returned, which is nobody else's.
fn descriptor(returned: libc::c_long) -> io::Result<OwnedFd> {
    check(isize::try_from(returned).unwrap_or(-1))?;
    let number = c_int::try_from(returned).map_err(io::Error::other)?;
    // SAFETY: the kernel has just given it out.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
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
