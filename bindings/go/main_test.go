package netberth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var background = context.Background()

// outside has, for the tests themselves, the network namespace that they were started in.
const outside = "NETBERTH_TEST_OUTSIDE"

// The first thread of the process is for tests of that thread.
func init() { runtime.LockOSThread() }

var first = make(chan func())

func onFirstThread(work func()) {
	done := make(chan struct{})
	first <- func() {
		defer close(done)
		work()
	}
	<-done
}

// TestMain starts the tests once more in a network and with mounts of their own, so that nothing
// happens to the machine, wherever they are started.
func TestMain(m *testing.M) {
	here, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		refuse(err)
	}
	if was := os.Getenv(outside); was != "" && was != here {
		furnish()
		decoded = nothingIsLost
		status := 0
		go func() {
			defer close(first)
			status = m.Run()
		}()
		for work := range first {
			work()
		}
		if len(lost) > 0 {
			fmt.Fprintf(os.Stderr, "what Go's types lose of the library's answers:\n%s\n",
				strings.Join(lost, "\n"))
			status = 1
		}
		os.Exit(status)
	}
	// Pdeathsig counts from this thread, the first, which stays.
	self := exec.Command("/proc/self/exe", os.Args[1:]...)
	self.Env = append(os.Environ(), outside+"="+here)
	self.Stdin, self.Stdout, self.Stderr = os.Stdin, os.Stdout, os.Stderr
	self.SysProcAttr = &syscall.SysProcAttr{
		Unshareflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		Pdeathsig:    syscall.SIGKILL,
	}
	var status *exec.ExitError
	if err := self.Run(); errors.As(err, &status) {
		os.Exit(status.ExitCode())
	} else if err != nil {
		refuse(err)
	}
}

func refuse(err error) {
	fmt.Fprintf(os.Stderr, "the tests cannot make namespaces: %v: run them as root\n", err)
	os.Exit(1)
}

// furnish makes a bare namespace fit for networks and containers.
func furnish() {
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		refuse(fmt.Errorf("ip link set lo up: %w: %s", err, out))
	}
	// crun refuses to see both kinds of cgroups at once; where there is one kind, there is nothing
	// to unmount.
	_ = syscall.Unmount("/sys/fs/cgroup/unified", syscall.MNT_DETACH)
}

var (
	lostLock sync.Mutex
	lost     []string
)

// nothingIsLost sees every answer of the library and what Go made of it: each member must be there
// again, with its value.
func nothingIsLost(text string, value any) {
	encoded, err := json.Marshal(value)
	if err != nil {
		encoded = []byte(err.Error())
	}
	if missing := missing("", parsed([]byte(text)), parsed(encoded)); len(missing) > 0 {
		lostLock.Lock()
		defer lostLock.Unlock()
		lost = append(lost, missing...)
	}
}

func parsed(text []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return err
	}
	return value
}

// missing names what wanted has and got has not.
func missing(path string, wanted, got any) (all []string) {
	switch wanted := wanted.(type) {
	case map[string]any:
		got, _ := got.(map[string]any)
		for key, member := range wanted {
			if _, there := got[key]; !there {
				all = append(all, path+"."+key+" is not there")
			} else if there {
				all = append(all, missing(path+"."+key, member, got[key])...)
			}
		}
		return all
	case []any:
		got, _ := got.([]any)
		if len(got) != len(wanted) {
			return []string{fmt.Sprintf("%s has %d members of %d", path, len(got), len(wanted))}
		}
		for i := range wanted {
			all = append(all, missing(path+"[]", wanted[i], got[i])...)
		}
		return all
	}
	if !reflect.DeepEqual(wanted, got) {
		return []string{fmt.Sprintf("%s is %v and not %v", path, got, wanted)}
	}
	return nil
}

// at is a directory of the test's own.
func at(t testing.TB) Config {
	directory := t.TempDir()
	return Config{
		StateDir: filepath.Join(directory, "state"), RunDir: filepath.Join(directory, "run"),
	}
}

// open opens a handle; when the test ends, what it made is gone again, and so is all in the kernel.
func open(t testing.TB) *Handle {
	t.Helper()
	h := must(Open(background, at(t)))(t)
	t.Cleanup(func() {
		t.Helper()
		for _, sandbox := range must(h.Sandboxes(background))(t) {
			check(t, h.DeleteSandbox(background, sandbox.ContainerID))
		}
		for _, s := range must(h.Services(background, Filter{}))(t) {
			check(t, h.UnpublishService(background, s.ID, Force))
		}
		for _, network := range must(h.Networks(background, Filter{}))(t) {
			if network.Type == "bridge" && network.Name != "bridge" {
				check(t, h.DeleteNetwork(background, network.ID))
			}
		}
		check(t, h.Close())
		// The kernel reaps the links of namespaces that were given up in its own time.
		left := must(net.Interfaces())(t)
		for patience := 3000; len(left) > 1 && patience > 0; patience-- {
			time.Sleep(10 * time.Millisecond)
			left = must(net.Interfaces())(t)
		}
		for _, one := range left {
			if one.Name != "lo" {
				t.Errorf("the interface %s is left", one.Name)
			}
		}
	})
	return h
}

// must gives what a call returned, which must have succeeded.
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		check(t, err)
		return value
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fails says that a call failed in this way, and said these words.
func fails(t testing.TB, err error, as error, words string) {
	t.Helper()
	if !errors.Is(err, as) || !strings.Contains(err.Error(), words) {
		t.Errorf("failed with %v, not with %v and %q", err, as, words)
	}
}

func equal(t testing.TB, got, wanted any) {
	t.Helper()
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("got %v, not %v", got, wanted)
	}
}

// interfaces are the names and addresses of a namespace's.
func interfaces(t testing.TB, path string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	check(t, within(path, func() error {
		all, err := net.Interfaces()
		for _, one := range all {
			addresses, _ := one.Addrs()
			found[one.Name] = []string{}
			for _, address := range addresses {
				found[one.Name] = append(found[one.Name], address.String())
			}
		}
		return err
	}))
	return found
}
