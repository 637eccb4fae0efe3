// Package netberth gives containers their network. It is a thin door to libnetberth, which speaks
// raw netlink in this process: no daemon, no program that is run.
//
//	nb, err := netberth.Open(ctx, netberth.Config{})
//	...
//	defer nb.Close()
//	_, err = nb.CreateNetwork(ctx, netberth.NetworkRequest{Name: "web"})
//	_, err = nb.CreateEndpoint(ctx, "web", netberth.EndpointRequest{Name: "front"})
//	key, err := nb.Join(ctx, "web", "front", netberth.JoinRequest{ContainerID: "c1"})
//	out, err := netberth.CommandIn(ctx, key, "ip", "addr").Output()
//
// # Rules for callers
//
// Errors. A failure of the library is an [*Error]. Decide by its kind, with
// errors.Is(err, netberth.ErrNotFound), or by the operating system's number, with
// errors.Is(err, syscall.ENOSPC); the text is for people. A kind that this package does not know
// yet is a Kind all the same. A call on a closed handle is ErrClosed.
//
// Names. Wherever a network, an endpoint or a service is named, its id will do, its name, or the
// first four or more digits of its id.
//
// Requests. A field that has its zero value is not asked for, and the library's default holds; what
// is true by default is a *bool. The library checks every value; nothing is checked twice here,
// except that text must be UTF-8 without NUL, because it would not arrive as it was.
//
// Answers. Members that a newer library adds are passed over.
//
// Handles. Any number of goroutines may use one [Handle] at once. Close waits for the calls that are
// under way, and may be called again. A handle that is forgotten is closed when it is collected,
// which may be never: close it.
//
// Threads. No caller needs runtime.LockOSThread. The host of a handle is the network namespace of the
// thread that called Open, which is the process's unless the program itself moves threads about.
// Work in a container's namespace, the library's and that of CommandIn, is done by a thread that is
// thrown away.
//
// Contexts. A call that has begun is not interrupted: its context is looked at before, and a call
// with a context that has ended does nothing and returns ctx.Err(). Open, Plan, Verify and what
// changes something wait while another process or goroutine changes something, for no longer than
// Config.LockTimeout, and are then ErrBusy; once such a call has its turn it runs to its end, so that
// its error says what became of it. A deadline does not shorten that wait. Calls that look do not
// wait. CommandIn kills its program when its context ends.
//
// Debugging. With NETBERTH_DEBUG_GC=1 in the environment, or built with the tag netberth_debug, every
// call collects garbage before and after it: what is used after it was freed shows itself at once.
package netberth
