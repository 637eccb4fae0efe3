package netberth

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

func descriptors(t testing.TB) int {
	t.Helper()
	return len(must(os.ReadDir("/proc/self/fd"))(t))
}

// resident is what the process has in memory, in bytes.
func resident(t testing.TB) int {
	t.Helper()
	fields := bytes.Fields(must(os.ReadFile("/proc/self/statm"))(t))
	return must(strconv.Atoi(string(fields[1])))(t) * os.Getpagesize()
}

// What goes in, what comes out and what errors say is long: if 300 rounds lose one of these, it is far
// more than what the collector leaves lying about.
func TestNothingGrows(t *testing.T) {
	h, long := open(t), strings.Repeat("long", 10000)
	config := at(t)
	must(h.CreateNetwork(background, NetworkRequest{Name: "net"}))(t)
	for i := 0; i < 40; i++ {
		must(h.CreateEndpoint(background, "net", EndpointRequest{
			Name: fmt.Sprintf("e%d", i), Labels: map[string]string{"long": long[:1000]},
		}))(t)
	}
	calls := 0
	_, err := h.Network(background, long)
	fails(t, err, ErrNotFound, long)
	round := func() {
		one := must(Open(background, config))(t)
		check(t, one.SetLog(func(Level, string) {}))
		_, err := one.Network(background, long)
		fails(t, err, ErrNotFound, "not found")
		_, err = h.CreateNetwork(background, NetworkRequest{Name: "net"})
		fails(t, err, ErrExists, "net")
		equal(t, len(must(h.Endpoints(background, "net", Filter{}, Verbose))(t)), 40)
		check(t, one.Close())
		calls += 6
	}
	for i := 0; i < 40; i++ {
		round()
	}
	fds, tasks, memory := descriptors(t), len(must(os.ReadDir("/proc/self/task"))(t)), resident(t)
	for calls = 0; calls < 2000; {
		round()
	}
	equal(t, descriptors(t), fds)
	if now := threads(t, tasks+2); now > tasks+2 {
		t.Errorf("%d threads, %d before", now, tasks)
	}
	if grown := resident(t) - memory; grown > 8<<20 {
		t.Errorf("%d kB more in memory", grown>>10)
	} else {
		t.Logf("%d calls: %d kB more in memory", calls, grown>>10)
	}
}

func TestCommandsLeaveNoThread(t *testing.T) {
	for i := 0; i < 20; i++ {
		check(t, CommandIn(background, "/proc/self/ns/net", "true").Run())
	}
	fds, tasks := descriptors(t), len(must(os.ReadDir("/proc/self/task"))(t))
	for i := 0; i < 200; i++ {
		check(t, CommandIn(background, "/proc/self/ns/net", "true").Run())
	}
	equal(t, descriptors(t), fds)
	if now := threads(t, tasks+2); now > tasks+2 {
		t.Errorf("%d threads, %d before", now, tasks)
	}
}
