package netberth

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// joined is a handle, and a container's namespace with its gateway.
func joined(t testing.TB) (h *Handle, key, gateway string) {
	t.Helper()
	h = open(t)
	must(h.CreateNetwork(background, NetworkRequest{Name: "net"}))(t)
	must(h.CreateEndpoint(background, "net", EndpointRequest{Name: "e"}))(t)
	key = must(h.Join(background, "net", "e", JoinRequest{ContainerID: "c"}))(t)
	options := must(h.Network(background, "net", Verbose))(t).Options
	return h, key, options.Subnets[0].Gateway.String()
}

func TestCommandsRunInsideAndNobodyElseDoes(t *testing.T) {
	_, key, gateway := joined(t)
	outside := must(os.Readlink("/proc/thread-self/ns/net"))(t)
	inside := func() string {
		out := must(CommandIn(background, key, "readlink", "/proc/self/ns/net").Output())(t)
		return strings.TrimSpace(string(out))
	}
	if inside() == outside {
		t.Error("the command runs outside")
	}
	check(t, CommandIn(background, key, "ping", "-c", "1", "-W", "5", gateway).Run())
	out, err := CommandIn(background, key, "sh", "-c", "echo a; echo b >&2; exit 3").CombinedOutput()
	equal(t, string(out), "a\nb\n")
	var status *exec.ExitError
	equal(t, errors.As(err, &status) && status.ExitCode() == 3, true)

	command := CommandIn(background, key, "readlink", "/proc/self/ns/net")
	pipe := must(command.StdoutPipe())(t)
	check(t, command.Start())
	line := make([]byte, 64)
	n := must(pipe.Read(line))(t)
	check(t, command.Wait())
	equal(t, strings.TrimSpace(string(line[:n])), inside())

	var all sync.WaitGroup
	for i := 0; i < 40; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			_ = CommandIn(background, key, "true").Run()
			here, err := os.Readlink("/proc/thread-self/ns/net")
			if err != nil || here != outside {
				t.Errorf("a goroutine was moved to %s: %v", here, err)
			}
		}()
	}
	all.Wait()
	equal(t, must(os.Readlink("/proc/self/ns/net"))(t), outside)
	for end := time.Now().Add(10 * time.Second); threadsOutside(t, outside) > 0; {
		if time.Now().After(end) {
			t.Fatal("a thread stays inside")
		}
		time.Sleep(time.Millisecond)
	}
}

// threadsOutside counts the threads that are not in a namespace.
func threadsOutside(t *testing.T, namespace string) (count int) {
	t.Helper()
	for _, task := range must(os.ReadDir("/proc/self/task"))(t) {
		here, err := os.Readlink("/proc/self/task/" + task.Name() + "/ns/net")
		if err == nil && here != namespace {
			count++
		}
	}
	return count
}

// The first thread of a process cannot be thrown away: work that comes to it is handed on.
func TestTheFirstThreadStaysOutside(t *testing.T) {
	namespace := must(os.Open(anotherNamespace(t)))(t)
	defer namespace.Close()
	outside := must(os.Readlink("/proc/self/ns/net"))(t)
	worker := 0
	onFirstThread(func() {
		done := make(chan error, 1)
		enter(namespace, func() error {
			worker = syscall.Gettid()
			return nil
		}, done)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	if worker == 0 || worker == syscall.Getpid() {
		t.Errorf("the work was done by thread %d of process %d", worker, syscall.Getpid())
	}
	equal(t, must(os.Readlink("/proc/self/ns/net"))(t), outside)
}

// anotherNamespace is the path of one that ends with the test.
func anotherNamespace(t *testing.T) string {
	t.Helper()
	guest := exec.Command("unshare", "-n", "sh", "-c", "echo ready; exec sleep 60")
	ready := must(guest.StdoutPipe())(t)
	check(t, guest.Start())
	t.Cleanup(func() {
		check(t, guest.Process.Kill())
		_ = guest.Wait()
	})
	must(ready.Read(make([]byte, 8)))(t)
	return fmt.Sprintf("/proc/%d/ns/net", guest.Process.Pid)
}

func TestACommandEndsWithItsContext(t *testing.T) {
	_, key, _ := joined(t)
	short, cancel := context.WithTimeout(background, 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := CommandIn(short, key, "sleep", "60").Run()
	if err == nil || time.Since(began) > 30*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func TestWhereNoCommandCanRun(t *testing.T) {
	fails(t, CommandIn(background, "/no/such", "true").Run(), fs.ErrNotExist, "/no/such")
	fails(t, CommandIn(background, os.DevNull, "true").Run(), syscall.EINVAL, "network namespace "+os.DevNull)
	fails(t, CommandIn(background, "/proc/self/ns/mnt", "true").Start(), syscall.EINVAL, "enter")
	fails(t, CommandIn(background, "/proc/self/ns/net", "no-such-program").Run(), exec.ErrNotFound, "")
	command := CommandIn(background, "/proc/self/ns/net", "true")
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err == nil || !strings.Contains(err.Error(), "Pdeathsig") {
		t.Error(err)
	}
	check(t, command.Run())
}

// threads waits for threads to end that are about to.
func threads(t testing.TB, atMost int) int {
	t.Helper()
	count := 0
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		count = len(must(os.ReadDir("/proc/self/task"))(t))
		if count <= atMost {
			break
		}
		runtime.Gosched()
	}
	return count
}
