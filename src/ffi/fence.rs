//! Between C and Rust: what comes in is checked, what panics is caught, what goes out is whole.
//!
//! The functions here follow raw pointers and are yet not `unsafe`: their only callers are the
//! exported functions, which hand on what C gave them, and C promised by the rules for callers that
//! a pointer is NULL or good for what its type says.

use std::any::Any;
use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use super::error::{Failure, number};
use super::handle::Handle;
use crate::control::Netberth;
use crate::error::{Error, Kind, Result};

/// A text that C passed, and what the header calls it.
pub(super) struct Text {
    name: &'static str,
    pointer: *const c_char,
    absent: Option<&'static str>,
}

/// A text that must be there.
pub(super) fn text(name: &'static str, pointer: *const c_char) -> Text {
    Text { name, pointer, absent: None }
}

/// A document that may be NULL, and then is empty.
pub(super) fn optional(name: &'static str, pointer: *const c_char) -> Text {
    Text { name, pointer, absent: Some("{}") }
}

impl Text {
    fn read<'a>(&self) -> Result<&'a str> {
        if self.pointer.is_null() {
            return self.absent.ok_or_else(|| null(self.name));
        }
        // SAFETY: not NULL, hence a string that ends in NUL and stays until the call returns.
        let text = unsafe { CStr::from_ptr(self.pointer) };
        text.to_str().map_err(|error| {
            let what = format!("{} is not UTF-8: {error}", self.name);
            Error::new(Kind::Invalid, what)
        })
    }
}

fn null(name: &str) -> Error {
    Error::new(Kind::Invalid, format!("{name} is NULL"))
}

/// Where an output goes; looked at before a verb begins, written after it succeeded.
struct Out<T>(*mut T);

impl<T> Out<T> {
    fn check(pointer: *mut T, name: &str) -> Result<Self> {
        if pointer.is_null() { Err(null(name)) } else { Ok(Out(pointer)) }
    }

    fn write(self, value: T) {
        // SAFETY: not NULL, hence good for one pointer; what it held is not read or dropped.
        unsafe { self.0.write(value) }
    }
}

fn read<'a, const N: usize>(texts: [Text; N]) -> Result<[&'a str; N]> {
    let mut read = [""; N];
    for (slot, text) in read.iter_mut().zip(texts) {
        *slot = text.read()?;
    }
    Ok(read)
}

fn borrow<'a>(nb: *mut Handle) -> Result<&'a Netberth> {
    // SAFETY: NULL, or a handle that is not closed while it is in use.
    unsafe { nb.as_ref() }.map(Handle::netberth).ok_or_else(|| null("nb"))
}

/// A verb that answers with a text.
pub(super) fn answer<const N: usize>(
    nb: *mut Handle,
    texts: [Text; N],
    out: *mut *mut c_char,
    err: *mut *mut Failure,
    verb: impl FnOnce(&Netberth, [&str; N]) -> Result<String>,
) -> c_int {
    guarded(err, || {
        let (nb, out) = (borrow(nb)?, Out::check(out, "the output")?);
        let answer = CString::new(verb(nb, read(texts)?)?);
        let bug = |_| Error::new(Kind::Bug, "an answer has a NUL in it");
        out.write(answer.map_err(bug)?.into_raw());
        Ok(())
    })
}

/// A verb that only succeeds.
pub(super) fn done<const N: usize>(
    nb: *mut Handle,
    texts: [Text; N],
    err: *mut *mut Failure,
    verb: impl FnOnce(&Netberth, [&str; N]) -> Result<()>,
) -> c_int {
    guarded(err, || verb(borrow(nb)?, read(texts)?))
}

/// What makes a handle.
pub(super) fn opened(
    config: Text,
    out: *mut *mut Handle,
    err: *mut *mut Failure,
    open: impl FnOnce(&str) -> Result<Handle>,
) -> c_int {
    guarded(err, || {
        let out = Out::check(out, "the output")?;
        let [config] = read([config])?;
        out.write(Box::into_raw(Box::new(open(config)?)));
        Ok(())
    })
}

/// What cannot fail, and answers `fallback` if it does.
pub(super) fn or<T>(fallback: T, work: impl FnOnce() -> T) -> T {
    caught(work).unwrap_or(fallback)
}

fn guarded(err: *mut *mut Failure, work: impl FnOnce() -> Result<()>) -> c_int {
    let error = match caught(work) {
        Ok(Ok(())) => return 0,
        Ok(Err(error)) | Err(error) => error,
    };
    let code = number(error.kind());
    // A caller that passed no room for an error wants the number only.
    if let Ok(err) = Out::check(err, "err")
        && let Ok(failure) = panic::catch_unwind(AssertUnwindSafe(|| Failure::new(&error)))
    {
        err.write(Box::into_raw(Box::new(failure)));
    }
    code
}

thread_local! {
    /// This thread is in netberth.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic of this thread was.
    static PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

/// Runs `work`, whose panic becomes an error.
///
/// A verb that panics leaves nothing half changed that another could see: what it had begun in the
/// kernel is in the intent, which the next holder of the lock undoes, and locks are dropped.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T> {
    hold_the_tongue();
    let before = INSIDE.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(|| {
        #[cfg(feature = "testing")]
        injected::fire();
        work()
    }));
    INSIDE.set(before);
    result.map_err(|panic| {
        let place = PLACE.take().unwrap_or_default();
        let what = format!("netberth panicked{place}: {}; please report it", words(&*panic));
        Error::new(Kind::Bug, what)
    })
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words")
}

/// Keeps Rust from writing a caught panic to the standard error of a program that is not ours.
///
/// Rust has one hook per copy of its library, and no other way to be silent. The hook is set once,
/// by the first call from C, never taken away, and passes on to the one before it all panics that
/// are not of a thread in netberth: an embedder that brings Rust of its own in the same copy (a
/// Rust program that calls these functions) keeps its messages.
fn hold_the_tongue() {
    static ONCE: Once = Once::new();
    // To set a hook on a thread that panics already would end the process.
    if ONCE.is_completed() || std::thread::panicking() {
        return;
    }
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if INSIDE.try_with(Cell::get).unwrap_or(false) || is_worker() {
                let place = info.location().map(|at| format!(" at {}:{}", at.file(), at.line()));
                _ = PLACE.try_with(|slot| slot.set(place));
            } else {
                previous(info);
            }
        }));
    });
}

/// Whether this is a thread that the kernel's hands started, which are named so.
fn is_worker() -> bool {
    std::thread::current().name() == Some("netberth")
}

/// Panics on demand, to see that none comes out.
#[cfg(feature = "testing")]
pub(super) mod injected {
    use std::cell::Cell;

    thread_local! {
        static NEXT: Cell<bool> = const { Cell::new(false) };
    }

    #[cfg(test)]
    pub(in crate::ffi) fn arm() {
        NEXT.set(true);
    }

    pub(super) fn fire() {
        assert!(!NEXT.replace(false), "injected");
    }
}
