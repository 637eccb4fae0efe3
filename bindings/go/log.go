package netberth

// #include <netberth.h>
//
// extern void netberthGoLog(int level, char *message, uintptr_t user);
//
// static void netberth_go_log(int level, const char *message, void *user)
// {
//     netberthGoLog(level, (char *)message, (uintptr_t)user);
// }
//
// // A handle of Go's is a number, and a number is not for Go to make a pointer of.
// static int netberth_go_set_log(netberth *nb, int on, uintptr_t user, netberth_error **err)
// {
//     return netberth_set_log(nb, on ? netberth_go_log : NULL, (void *)user, err);
// }
import "C"

import "sync"

// Level says how much a message matters; the numbers are those of syslog(3).
type Level int

const (
	// LevelWarning: something could not be cleaned up or recovered.
	LevelWarning Level = C.NETBERTH_LOG_WARNING
	// LevelInfo: a verb was done.
	LevelInfo Level = C.NETBERTH_LOG_INFO
	// LevelDebug: a step, as the ip, nft or sysctl line that it equals.
	LevelDebug Level = C.NETBERTH_LOG_DEBUG
)

// logger is what C hands back with each message; it lives until its handle is closed, so that a
// function that was replaced can be forgotten at once.
type logger struct {
	// Held while a function is set, so that the library and this agree.
	setting sync.Mutex

	mu  sync.Mutex
	log func(Level, string)
}

func (l *logger) set(log func(Level, string)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log = log
}

func (l *logger) get() func(Level, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log
}

// SetLog sets where messages go, nowhere at first and for nil; a message is one line without a line
// end. The function runs on a goroutine of its own, for which the call waits that has something to
// tell; it may run several times at once, and may use the handle, but not close it.
func (h *Handle) SetLog(log func(Level, string)) error {
	if err := h.begin(); err != nil {
		return err
	}
	defer h.leave()
	h.log.setting.Lock()
	defer h.log.setting.Unlock()
	h.log.set(log)
	on := C.int(0)
	if log != nil {
		on = 1
	}
	c := &call{}
	return c.run(func() C.int {
		return C.netberth_go_set_log(h.nb, on, C.uintptr_t(h.user), &c.err)
	})
}
