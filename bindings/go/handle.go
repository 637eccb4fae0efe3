package netberth

// #include <netberth.h>
import "C"

import (
	"context"
	"runtime"
	"runtime/cgo"
	"sync"
	"time"
)

// Config says where things are kept, and how long to wait.
type Config struct {
	// Records, and the containers' files; /var/lib/netberth if empty.
	StateDir string
	// What does not outlive a boot; /run/netberth if empty.
	RunDir string
	// Where the namespaces are mounted; RunDir/netns if empty.
	NetnsDir string
	// How long a call waits for other goroutines and processes before it is ErrBusy; rounded up to
	// milliseconds, 30 seconds if zero.
	LockTimeout time.Duration
}

type configDocument struct {
	StateDir    string `json:"state_dir,omitempty"`
	RunDir      string `json:"run_dir,omitempty"`
	NetnsDir    string `json:"netns_dir,omitempty"`
	LockTimeout int64  `json:"lock_timeout_ms,omitempty"`
}

func (c Config) document() configDocument {
	wait := c.LockTimeout.Milliseconds()
	if c.LockTimeout > time.Duration(wait)*time.Millisecond {
		wait++
	}
	// What rounds to nothing is still not nothing.
	if c.LockTimeout < 0 && wait == 0 {
		wait = -1
	}
	return configDocument{c.StateDir, c.RunDir, c.NetnsDir, wait}
}

// Handle is a state directory that was opened, and the network namespace it was opened in. It is
// made by Open.
type Handle struct {
	nb    *C.netberth
	calls sync.WaitGroup
	free  sync.Once

	// Guards what follows, and that no call begins once Close waits for the last.
	mu     sync.Mutex
	closed bool

	log  *logger
	user cgo.Handle
}

// Open opens a state directory, which is created where it is absent. What a process that died had
// begun is undone or finished first. The network namespace of the calling thread is the host's for
// this handle, whatever thread uses it later.
func Open(ctx context.Context, config Config) (*Handle, error) {
	h := &Handle{log: &logger{}}
	c, err := prepare(ctx, document("config", config.document()))
	if err != nil {
		return nil, err
	}
	if err := c.run(func() C.int { return C.netberth_open(c.arg[0], &h.nb, &c.err) }); err != nil {
		return nil, err
	}
	h.user = cgo.NewHandle(h.log)
	runtime.SetFinalizer(h, (*Handle).Close)
	return h, nil
}

// Close waits for the calls that are under way and closes the handle; further calls are ErrClosed.
// What the handle made stays: networks outlive handles and processes. It returns nil and may be
// called again. The function that was given to SetLog must not call it, since the call that has
// something to tell would be waited for.
func (h *Handle) Close() error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.calls.Wait()
	h.free.Do(func() {
		runtime.SetFinalizer(h, nil)
		if h.nb != nil {
			C.netberth_close(h.nb)
			h.user.Delete()
		}
	})
	return nil
}

// begin counts a call in, and leave counts it out.
func (h *Handle) begin() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.nb == nil {
		return ErrClosed
	}
	h.calls.Add(1)
	return nil
}

func (h *Handle) leave() { h.calls.Done() }

// Version is the version of the library that the program found, such as "0.1.0".
func Version() string { return C.GoString(C.netberth_version()) }

// HeaderVersion is the version of the library that the program was built with.
const HeaderVersion = C.NETBERTH_VERSION

// ABI is the number of the interface that the program was built with.
const ABI = C.NETBERTH_ABI

// ABIVersion is the number of the interface of the library that the program found.
func ABIVersion() int { return int(C.netberth_abi_version()) }
