package netberth

// #include <netberth.h>
import "C"

import (
	"encoding/json"
	"errors"
	"fmt"
	"syscall"
)

// ErrClosed is what a call on a closed handle returns.
var ErrClosed = errors.New("the netberth handle is closed")

// Kind is a kind of failure, and the error to compare with: errors.Is(err, netberth.ErrNotFound).
// Its numbers never change meaning, and there may be more than are listed here.
type Kind int

const (
	// ErrInvalid: the request is malformed or contradicts itself.
	ErrInvalid Kind = C.NETBERTH_KIND_INVALID
	// ErrNotFound: nothing has that name or id.
	ErrNotFound Kind = C.NETBERTH_KIND_NOT_FOUND
	// ErrExists: the name, address, port or device is taken already.
	ErrExists Kind = C.NETBERTH_KIND_EXISTS
	// ErrInUse: it cannot go while something else depends on it.
	ErrInUse Kind = C.NETBERTH_KIND_IN_USE
	// ErrExhausted: a pool, a bridge or a table is full.
	ErrExhausted Kind = C.NETBERTH_KIND_EXHAUSTED
	// ErrDenied: the caller lacks a right, or the object is not the caller's to change.
	ErrDenied Kind = C.NETBERTH_KIND_DENIED
	// ErrUnsupported: this kernel or this version cannot do it.
	ErrUnsupported Kind = C.NETBERTH_KIND_UNSUPPORTED
	// ErrKernel: the kernel refused a request; Error.Errno says with which number.
	ErrKernel Kind = C.NETBERTH_KIND_KERNEL
	// ErrStore: the state directory cannot be read or written.
	ErrStore Kind = C.NETBERTH_KIND_STORE
	// ErrBusy: another goroutine or process holds the state directory for too long.
	ErrBusy Kind = C.NETBERTH_KIND_BUSY
	// ErrTimeout: something did not happen in time.
	ErrTimeout Kind = C.NETBERTH_KIND_TIMEOUT
	// ErrBug: netberth broke one of its own promises; the process is unharmed.
	ErrBug Kind = C.NETBERTH_KIND_BUG
)

var kindWords = map[Kind]string{
	ErrInvalid:     "invalid",
	ErrNotFound:    "not_found",
	ErrExists:      "exists",
	ErrInUse:       "in_use",
	ErrExhausted:   "exhausted",
	ErrDenied:      "denied",
	ErrUnsupported: "unsupported",
	ErrKernel:      "kernel",
	ErrStore:       "store",
	ErrBusy:        "busy",
	ErrTimeout:     "timeout",
	ErrBug:         "bug",
}

// String is the word that stands for the kind in JSON, such as "not_found".
func (k Kind) String() string {
	if word, known := kindWords[k]; known {
		return word
	}
	return fmt.Sprintf("kind %d", int(k))
}

func (k Kind) Error() string { return "netberth: " + k.String() }

// Error is a failure of the library.
type Error struct {
	Kind Kind
	// The operating system's number; 0 if there is none.
	Errno syscall.Errno
	// What was being done, what was found, what to do about it. One line, and one more for each
	// failure of the undoing.
	Message string
	// What was being done, outermost first.
	Doing []string
	// What went wrong while undoing.
	Cleanup []string
}

func (e *Error) Error() string { return e.Message }

// Is says whether target is this kind of failure.
func (e *Error) Is(target error) bool {
	kind, ok := target.(Kind)
	return ok && kind == e.Kind
}

// Unwrap is the operating system's number, which knows fs.ErrPermission and the like.
func (e *Error) Unwrap() error {
	if e.Errno == 0 {
		return nil
	}
	return e.Errno
}

type errorDocument struct {
	Message string        `json:"message"`
	Kind    string        `json:"kind"`
	Errno   syscall.Errno `json:"errno,omitempty"`
	Doing   []string      `json:"doing,omitempty"`
	Cleanup []string      `json:"cleanup,omitempty"`
}

// MarshalJSON writes the error as the library does.
func (e *Error) MarshalJSON() ([]byte, error) {
	return json.Marshal(errorDocument{e.Message, e.Kind.String(), e.Errno, e.Doing, e.Cleanup})
}

// UnmarshalJSON reads an error that stands in an answer; a kind that is newer than this package is 0.
func (e *Error) UnmarshalJSON(data []byte) error {
	var document errorDocument
	if err := json.Unmarshal(data, &document); err != nil {
		return err
	}
	*e = Error{0, document.Errno, document.Message, document.Doing, document.Cleanup}
	for kind, word := range kindWords {
		if word == document.Kind {
			e.Kind = kind
		}
	}
	return nil
}

// failure makes an error of one of C, and frees that.
func failure(code C.int, err *C.netberth_error) error {
	defer C.netberth_error_free(err)
	e := &Error{
		Kind:    Kind(code),
		Errno:   syscall.Errno(C.netberth_error_errno(err)),
		Message: C.GoString(C.netberth_error_message(err)),
	}
	var more struct{ Doing, Cleanup []string }
	if json.Unmarshal([]byte(C.GoString(C.netberth_error_json(err))), &more) == nil {
		e.Doing, e.Cleanup = more.Doing, more.Cleanup
	}
	if e.Message == "" {
		e.Message = e.Kind.Error()
	}
	return e
}
