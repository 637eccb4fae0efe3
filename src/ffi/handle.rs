//! The handle: opened, closed, listened to.

use std::ffi::{CString, c_char, c_int, c_void};
use std::sync::Arc;

use super::error::Failure;
use super::fence::{self, optional};
use crate::control::{Config, Level, Log, Netberth};

/// The number of this interface. It changes when programs must be built again, and the soname with
/// it; netberth_abi_version() is the same of the library that a program found.
pub const NETBERTH_ABI: u32 = 0;

/// Something could not be cleaned up or recovered.
pub const NETBERTH_LOG_WARNING: c_int = 4;
/// A verb was done.
pub const NETBERTH_LOG_INFO: c_int = 6;
/// A step, as the `ip`, `nft` or `sysctl` line that it equals.
pub const NETBERTH_LOG_DEBUG: c_int = 7;

/// A state directory that was opened, and the network namespace it was opened in.
pub struct Handle(Netberth);

impl Handle {
    #[cfg(feature = "testing")]
    pub(super) fn of(netberth: Netberth) -> Self {
        Handle(netberth)
    }

    pub(super) fn netberth(&self) -> &Netberth {
        &self.0
    }
}

/// Receives messages: `level` is one of NETBERTH_LOG_..., whose numbers are those of syslog(3),
/// `message` is one line of UTF-8 without a line end that lives until the callback returns, and
/// `user` is what was given to netberth_set_log().
pub type LogFn =
    Option<unsafe extern "C" fn(level: c_int, message: *const c_char, user: *mut c_void)>;

/// What the caller wants back with each message.
struct User(*mut c_void);

// SAFETY: it is only handed back, and the rules for callers say that any thread may do so.
unsafe impl Send for User {}
// SAFETY: as above.
unsafe impl Sync for User {}

impl User {
    /// A method, so that a closure captures the whole of it, and not the bare pointer.
    fn pointer(&self) -> *mut c_void {
        self.0
    }
}

fn number(level: Level) -> c_int {
    match level {
        Level::Warning => NETBERTH_LOG_WARNING,
        Level::Info => NETBERTH_LOG_INFO,
        Level::Debug => NETBERTH_LOG_DEBUG,
    }
}

fn callback(log: LogFn, user: User) -> Option<Arc<Log>> {
    let log = log?;
    Some(Arc::new(move |level: Level, message: &str| {
        let message = CString::new(message.replace('\0', "\u{fffd}")).unwrap_or_default();
        // SAFETY: a function of that type, by the rules for callers; the message outlives the call.
        unsafe { log(number(level), message.as_ptr(), user.pointer()) }
    }))
}

/// Opens a state directory, which is created where it is absent. The network namespace of the
/// calling thread is the host's for this handle, whatever thread uses it later. What a process that
/// died had begun is undone or finished first, and the networks `none`, `host` and `bridge` are
/// there afterwards. Nothing is changed in the kernel by opening a directory that is new.
///
/// \param config_json  {"state_dir","run_dir","netns_dir","lock_timeout_ms"}, all optional; NULL
///                     stands for {}. Absent are /var/lib/netberth, /run/netberth,
///                     RUN_DIR/netns and 30000.
/// \param out          Receives the handle: close it with netberth_close().
/// \param err          Receives the error on failure; may be NULL.
/// \return 0, or the negative kind: `invalid` for a document that says nothing sensible, `denied`
///         or `store` for a directory that cannot be used, `busy` if another process holds it for
///         longer than lock_timeout_ms.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_open(
    config_json: *const c_char,
    out: *mut *mut Handle,
    err: *mut *mut Failure,
) -> c_int {
    fence::opened(optional("config_json", config_json), out, err, |config| {
        Ok(Handle(Netberth::open(Config::from_json(config.as_bytes())?)?))
    })
}

/// Closes a handle. What it made stays: networks outlive handles and processes. No other call with
/// this handle may be under way; when this returns, the log callback is not called again.
///
/// \param nb  A handle, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_close(nb: Option<Box<Handle>>) {
    fence::or((), || drop(nb));
}

/// Sets where messages go: nowhere at first. The callback runs on the thread of the call that has
/// something to tell, when that call holds no lock any more, and may call netberth itself.
///
/// \param nb    A handle.
/// \param log   The callback; NULL for none. Calls of other threads that are under way may still
///              use the one before.
/// \param user  Handed back to the callback and otherwise left alone; may be NULL. It must live
///              until the handle is closed, or until no call is under way that began before
///              another callback was set.
/// \param err   Receives the error on failure; may be NULL.
/// \return 0, or the negative kind: `invalid` if `nb` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_set_log(
    nb: *mut Handle,
    log: LogFn,
    user: *mut c_void,
    err: *mut *mut Failure,
) -> c_int {
    fence::done(nb, [], err, |nb, []| {
        nb.set_log(callback(log, User(user)));
        Ok(())
    })
}

/// The version of the library that the program found, such as "0.1.0"; NETBERTH_VERSION is that of
/// the header that it was built with.
///
/// \return Static text: do not free it. It cannot fail.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_version() -> *const c_char {
    fence::or(c"".as_ptr(), || concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast())
}

/// The number of the interface of the library that the program found. A program that was built with
/// another NETBERTH_ABI must not use it; the soname sees to that for programs that are linked, and
/// this function is for those that load the library by hand.
///
/// \return The number. It cannot fail.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netberth_abi_version() -> u32 {
    fence::or(NETBERTH_ABI, || NETBERTH_ABI)
}
