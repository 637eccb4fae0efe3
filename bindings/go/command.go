package netberth

// #define _GNU_SOURCE
// #include <sched.h>
import "C"

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// Cmd is a program that is started in a network namespace. It is an exec.Cmd, whose fields are set
// and whose pipes are asked for as ever; Start, Run, Output and CombinedOutput must be those of this
// type.
type Cmd struct {
	*exec.Cmd
	path string
}

// CommandIn is exec.CommandContext for a program that is to run in the network namespace at a path,
// such as the sandbox key that Join returned. Only the network is another: files, /sys among them,
// are those of the caller. A runtime such as crun, started so, gives that network to a container
// whose configuration names no namespace for it. The caller's thread is left alone.
func CommandIn(ctx context.Context, path, name string, args ...string) *Cmd {
	return &Cmd{exec.CommandContext(ctx, name, args...), path}
}

// Start starts the program; see exec.Cmd.
func (c *Cmd) Start() error {
	// The kernel sends that signal when the thread ends that started the program, which is at once.
	if c.SysProcAttr != nil && c.SysProcAttr.Pdeathsig != 0 {
		return errors.New("netberth: Pdeathsig does not go with Start: use Run or Output")
	}
	return within(c.path, c.Cmd.Start)
}

// Run starts the program and waits for it; see exec.Cmd.
func (c *Cmd) Run() error { return within(c.path, c.Cmd.Run) }

// Output runs the program and returns what it wrote; see exec.Cmd.
func (c *Cmd) Output() ([]byte, error) { return c.read(c.Cmd.Output) }

// CombinedOutput runs the program and returns what it wrote, errors too; see exec.Cmd.
func (c *Cmd) CombinedOutput() ([]byte, error) { return c.read(c.Cmd.CombinedOutput) }

func (c *Cmd) read(run func() ([]byte, error)) (output []byte, err error) {
	err = within(c.path, func() error {
		output, err = run()
		return err
	})
	return output, err
}

// within runs work on a thread of its own in a network namespace.
func within(path string, work func() error) error {
	namespace, err := os.Open(path)
	if err != nil {
		return err
	}
	defer namespace.Close()
	done := make(chan error, 1)
	go enter(namespace, work, done)
	return <-done
}

// enter ends with its thread locked, and so the thread ends with it and no other goroutine ever runs
// in that namespace. Go begins the threads that it needs meanwhile from one that is not locked.
func enter(namespace *os.File, work func() error, done chan<- error) {
	runtime.LockOSThread()
	// Go keeps the first thread of a process, whose namespace /proc/self shows to everybody.
	if syscall.Gettid() == syscall.Getpid() {
		other := make(chan error, 1)
		go enter(namespace, work, other)
		err := <-other
		runtime.UnlockOSThread()
		done <- err
		return
	}
	if _, err := C.setns(C.int(namespace.Fd()), C.CLONE_NEWNET); err != nil {
		done <- fmt.Errorf("enter the network namespace %s: %w", namespace.Name(), err)
		return
	}
	done <- work()
}
