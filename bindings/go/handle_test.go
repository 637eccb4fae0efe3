package netberth

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestVersionsAgree(t *testing.T) {
	equal(t, Version(), HeaderVersion)
	equal(t, ABIVersion(), ABI)
}

func TestAClosedHandleSaysSo(t *testing.T) {
	h := must(Open(background, at(t)))(t)
	check(t, h.Close())
	check(t, h.Close())
	for name, call := range everyCall(h) {
		if err := call(background); err != ErrClosed {
			t.Errorf("%s of a closed handle: %v", name, err)
		}
	}
	fails(t, h.SetLog(nil), ErrClosed, "closed")
	var never Handle
	fails(t, never.DeleteNetwork(background, "x"), ErrClosed, "")
	check(t, never.Close())
}

func TestAnEndedContextStopsACallBeforeItBegins(t *testing.T) {
	h := open(t)
	ended, cancel := context.WithCancel(background)
	cancel()
	for name, call := range everyCall(h) {
		if err := call(ended); err != context.Canceled {
			t.Errorf("%s with a context that has ended: %v", name, err)
		}
	}
	if _, err := Open(ended, Config{StateDir: "/nowhere"}); err != context.Canceled {
		t.Error(err)
	}
}

func TestCloseWaitsForCallsUnderWay(t *testing.T) {
	config := at(t)
	h := must(Open(background, config))(t)
	var began, open sync.WaitGroup
	began.Add(1)
	open.Add(1)
	var once sync.Once
	var inside error
	check(t, h.SetLog(func(Level, string) {
		once.Do(func() {
			began.Done()
			open.Wait()
			_, inside = h.Networks(background, Filter{})
		})
	}))
	created := make(chan error, 1)
	go func() {
		_, err := h.CreateNetwork(background, NetworkRequest{Name: "slow"})
		created <- err
	}()
	began.Wait()
	closed := make(chan error, 2)
	go func() { closed <- h.Close() }()
	go func() { closed <- h.Close() }()
	for {
		if _, err := h.Networks(background, Filter{}); err == ErrClosed {
			break
		}
	}
	select {
	case <-closed:
		t.Error("closed while a call was under way")
	case <-time.After(50 * time.Millisecond):
	}
	open.Done()
	check(t, <-created)
	check(t, <-closed)
	check(t, <-closed)
	equal(t, inside, ErrClosed)
	again := must(Open(background, config))(t)
	check(t, again.DeleteNetwork(background, "slow"))
	check(t, again.Close())
}

func TestManyGoroutinesShareAHandle(t *testing.T) {
	h := open(t)
	must(h.CreateNetwork(background, NetworkRequest{Name: "crowd"}))(t)
	var all sync.WaitGroup
	for worker := 0; worker < 6; worker++ {
		name := fmt.Sprintf("w%d", worker)
		all.Add(1)
		go func() {
			defer all.Done()
			for round := 0; round < 2; round++ {
				if err := life(h, name); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}()
	}
	all.Wait()
	equal(t, must(h.Endpoints(background, "crowd", Filter{}))(t), []Endpoint{})
}

// life is that of a container.
func life(h *Handle, name string) error {
	if _, err := h.CreateEndpoint(background, "crowd", EndpointRequest{Name: name}); err != nil {
		return err
	}
	key, err := h.Join(background, "crowd", name, JoinRequest{ContainerID: name})
	if err != nil {
		return err
	}
	out, err := CommandIn(background, key, "ip", "-o", "link").Output()
	if err != nil || strings.Count(string(out), "\n") != 2 {
		return fmt.Errorf("%q: %w", out, err)
	}
	shown, err := h.Endpoint(background, "crowd", name, Verbose)
	if err != nil || shown.Container != name {
		return fmt.Errorf("%+v: %w", shown, err)
	}
	if err := h.DeleteSandbox(background, name); err != nil {
		return err
	}
	return h.DeleteEndpoint(background, "crowd", name)
}

func TestMessagesArrive(t *testing.T) {
	h := open(t)
	var mu sync.Mutex
	heard := map[Level][]string{}
	check(t, h.SetLog(func(level Level, line string) {
		// It may use the handle, and end its goroutine.
		if _, err := h.Networks(background, Filter{}); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		heard[level] = append(heard[level], line)
		runtime.Goexit()
	}))
	request := NetworkRequest{Name: "loud", Options: &NetworkOptionsRequest{Bridge: "nb-loud"}}
	must(h.CreateNetwork(background, request))(t)
	check(t, h.SetLog(nil))
	check(t, h.DeleteNetwork(background, "loud"))
	equal(t, len(heard[LevelInfo]), 1)
	if lines := strings.Join(heard[LevelDebug], "\n"); !strings.Contains(lines, "ip link add nb-loud") {
		t.Errorf("no step in %q", lines)
	}
}

func TestTheLockIsWaitedForNoLongerThanAsked(t *testing.T) {
	config := at(t)
	config.LockTimeout = 30 * time.Millisecond
	h := must(Open(background, config))(t)
	defer h.Close()
	file := must(os.OpenFile(lockFile(t, config.StateDir), os.O_RDWR, 0))(t)
	defer file.Close()
	check(t, syscall.Flock(int(file.Fd()), syscall.LOCK_EX))
	began := time.Now()
	_, err := h.CreateNetwork(background, NetworkRequest{Name: "late"})
	fails(t, err, ErrBusy, "waited")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("waited %v", took)
	}
	must(h.Networks(background, Filter{}))(t)
}

func lockFile(t *testing.T, state string) string {
	t.Helper()
	found := must(filepath.Glob(filepath.Join(state, "*lock*")))(t)
	if len(found) != 1 {
		t.Fatalf("the lock is not one file: %v", found)
	}
	return found[0]
}

func TestAForgottenHandleIsClosed(t *testing.T) {
	before := descriptors(t)
	must(Open(background, at(t)))(t)
	for end := time.Now().Add(10 * time.Second); descriptors(t) != before; {
		if time.Now().After(end) {
			t.Fatalf("%d descriptors, %d before", descriptors(t), before)
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}

func TestRefusalsOfOpen(t *testing.T) {
	_, err := Open(background, Config{StateDir: "relative"})
	fails(t, err, ErrInvalid, "state_dir")
	_, err = Open(background, Config{StateDir: t.TempDir(), LockTimeout: -1})
	fails(t, err, ErrInvalid, "lock_timeout_ms")
	_, err = Open(background, Config{StateDir: t.TempDir(), RunDir: "/dev/null/run"})
	fails(t, err, syscall.ENOTDIR, "open ")
	var failed *Error
	if !errors.As(err, &failed) || len(failed.Doing) == 0 {
		t.Errorf("not what was being done: %+v", failed)
	}
}

func TestTimesAreRoundedUp(t *testing.T) {
	for wait, document := range map[time.Duration]int64{
		0: 0, 1: 1, time.Millisecond: 1, time.Millisecond + 1: 2, time.Minute: 60000, -1: -1,
	} {
		equal(t, Config{LockTimeout: wait}.document().LockTimeout, document)
	}
}

func everyCall(h *Handle) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"CreateNetwork": func(c context.Context) error { _, e := h.CreateNetwork(c, NetworkRequest{}); return e },
		"Network":       func(c context.Context) error { _, e := h.Network(c, "x"); return e },
		"Networks":      func(c context.Context) error { _, e := h.Networks(c, Filter{}); return e },
		"DeleteNetwork": func(c context.Context) error { return h.DeleteNetwork(c, "x") },
		"CreateEndpoint": func(c context.Context) error {
			_, e := h.CreateEndpoint(c, "x", EndpointRequest{})
			return e
		},
		"Endpoint":       func(c context.Context) error { _, e := h.Endpoint(c, "x", "x"); return e },
		"Endpoints":      func(c context.Context) error { _, e := h.Endpoints(c, "x", Filter{}); return e },
		"DeleteEndpoint": func(c context.Context) error { return h.DeleteEndpoint(c, "x", "x") },
		"Join":           func(c context.Context) error { _, e := h.Join(c, "x", "x", JoinRequest{}); return e },
		"Detach":         func(c context.Context) error { return h.Detach(c, "x", "x", "x") },
		"Sandbox":        func(c context.Context) error { _, e := h.Sandbox(c, "x"); return e },
		"Sandboxes":      func(c context.Context) error { _, e := h.Sandboxes(c); return e },
		"DeleteSandbox":  func(c context.Context) error { return h.DeleteSandbox(c, "x") },
		"PublishService": func(c context.Context) error {
			_, e := h.PublishService(c, ServiceRequest{})
			return e
		},
		"Service":          func(c context.Context) error { _, e := h.Service(c, "x"); return e },
		"Services":         func(c context.Context) error { _, e := h.Services(c, Filter{}); return e },
		"UnpublishService": func(c context.Context) error { return h.UnpublishService(c, "x") },
		"AttachBackend":    func(c context.Context) error { _, e := h.AttachBackend(c, "x", JoinRequest{}); return e },
		"Backends":         func(c context.Context) error { _, e := h.Backends(c, "x"); return e },
		"DetachBackend":    func(c context.Context) error { return h.DetachBackend(c, "x", "x") },
		"Plan":             func(c context.Context) error { _, e := h.Plan(c); return e },
		"Verify":           func(c context.Context) error { _, e := h.Verify(c); return e },
	}
}
