/*
 * netberth: container networking in your process, over raw netlink.
 *
 * This file is generated from src/ffi by `make header`; change it there.
 *
 * Rules for callers
 * =================
 *
 * Success    A function that can fail returns 0, or the negative number of the kind of failure.
 *            Outputs are written on success and only then.
 *
 * Errors     The last argument, `netberth_error **err`, may be NULL. On failure it receives an
 *            error, which is yours: free it with netberth_error_free(). On success it is left as
 *            it was, so set it to NULL before the first call. Nothing is kept per thread.
 *            Kinds are numbers that never change meaning; the words are for people.
 *
 * Text       Requests and answers are JSON, the same documents at every door (C, HTTP, command
 *            line). All text is UTF-8 that ends in NUL; anything else is refused as invalid.
 *            A key that netberth does not know is refused, by name, and not passed over.
 *
 * Ownership  What you pass in stays yours and is not kept after the call. Each `char **` output
 *            is yours: free it with netberth_string_free(), never with free(). Every *_free()
 *            takes NULL and does nothing. Free each thing once.
 *
 * NULL       A NULL handle, request or output is refused as invalid and never followed, except
 *            where a function says that NULL has a meaning.
 *
 * Handles    They are opaque. No structure declared here has members you can see, so none can
 *            change its size under you. A handle must not be used after it was closed.
 *
 * Threads    One handle may be used by any number of threads at once. Closing it is the
 *            exception: no other call may be under way. No function depends on the thread it is
 *            called from, and none moves the calling thread to another namespace.
 *
 * Processes  Any number of processes may use one state directory at once. After fork() the child
 *            opens a handle of its own and leaves its parent's alone.
 *
 * Your       netberth installs no signal handler, writes no environment variable, prints nothing,
 * process    runs no program and starts no thread that outlives the call unless you ask for one.
 *
 * Panics     None crosses this boundary. Should netberth break a promise of its own, the call
 *            fails with the kind `bug` and the process lives on.
 *
 * Callbacks  They may come from any thread, never while a lock is held, and must return: no
 *            longjmp() and no C++ exception may leave one.
 *
 * Versions   The soname changes when a program would have to be rebuilt, and at no other time.
 *            netberth_abi_version() is the library's own number; the macros below are those of
 *            this header.
 */


#ifndef NETBERTH_H
#define NETBERTH_H

#include <stddef.h>
#include <stdint.h>

#define NETBERTH_VERSION_MAJOR 0
#define NETBERTH_VERSION_MINOR 1
#define NETBERTH_VERSION_PATCH 0
#define NETBERTH_VERSION "0.1.0"


#endif  /* NETBERTH_H */
