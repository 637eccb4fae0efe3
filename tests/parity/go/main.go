// The Go door of tests/parity: verbs as JSON lines come in, answers as JSON lines go out.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/netberth/netberth/bindings/go"
)

type step struct {
	Verb, Network, Endpoint, Service, Container string
	Verbose, Force, Drain, Atomic, Dry          bool
	Filter                                      netberth.Filter
	Request                                     json.RawMessage
}

func (s step) flags() (all []netberth.Flag) {
	for flag, on := range map[netberth.Flag]bool{
		netberth.Verbose: s.Verbose, netberth.Force: s.Force, netberth.Drain: s.Drain,
		netberth.Atomic: s.Atomic,
	} {
		if on {
			all = append(all, flag)
		}
	}
	return all
}

// read turns the document into the binding's own type.
func read[T any](s step) (request T) {
	if err := json.Unmarshal(s.Request, &request); err != nil {
		panic(err)
	}
	return request
}

func done(err error) (any, error) { return nil, err }

func (s step) plan() netberth.Step {
	switch s.Verb {
	case "network_create":
		return netberth.PlanCreateNetwork(read[netberth.NetworkRequest](s))
	case "network_delete":
		return netberth.PlanDeleteNetwork(s.Network)
	case "endpoint_create":
		return netberth.PlanCreateEndpoint(s.Network, read[netberth.EndpointRequest](s))
	case "endpoint_delete":
		return netberth.PlanDeleteEndpoint(s.Network, s.Endpoint, s.flags()...)
	case "join":
		return netberth.PlanJoin(s.Network, s.Endpoint, read[netberth.JoinRequest](s))
	case "join_many":
		return netberth.PlanJoinMany(read[[]netberth.JoinManyRequest](s), s.flags()...)
	case "detach":
		return netberth.PlanDetach(s.Network, s.Endpoint, s.Container)
	case "sandbox_delete":
		return netberth.PlanDeleteSandbox(s.Container)
	case "service_publish":
		return netberth.PlanPublishService(read[netberth.ServiceRequest](s))
	case "service_unpublish":
		return netberth.PlanUnpublishService(s.Service, s.flags()...)
	case "service_attach":
		return netberth.PlanAttachBackend(s.Service, read[netberth.JoinRequest](s))
	case "service_detach":
		return netberth.PlanDetachBackend(s.Service, s.Container, s.flags()...)
	case "repair":
		return netberth.PlanRepair()
	case "gc":
		return netberth.PlanGC()
	}
	panic("no plan for " + s.Verb)
}

func (s step) call(ctx context.Context, nb *netberth.Handle) (any, error) {
	if s.Dry {
		lines, err := nb.Plan(ctx, s.plan())
		return map[string]any{"plan": lines}, err
	}
	switch s.Verb {
	case "network_create":
		return nb.CreateNetwork(ctx, read[netberth.NetworkRequest](s))
	case "network_get":
		return nb.Network(ctx, s.Network, s.flags()...)
	case "network_list":
		return nb.Networks(ctx, s.Filter, s.flags()...)
	case "network_delete":
		return done(nb.DeleteNetwork(ctx, s.Network))
	case "endpoint_create":
		return nb.CreateEndpoint(ctx, s.Network, read[netberth.EndpointRequest](s))
	case "endpoint_get":
		return nb.Endpoint(ctx, s.Network, s.Endpoint, s.flags()...)
	case "endpoint_list":
		return nb.Endpoints(ctx, s.Network, s.Filter, s.flags()...)
	case "endpoint_delete":
		return done(nb.DeleteEndpoint(ctx, s.Network, s.Endpoint, s.flags()...))
	case "join":
		return nb.Join(ctx, s.Network, s.Endpoint, read[netberth.JoinRequest](s))
	case "join_many":
		return nb.JoinMany(ctx, read[[]netberth.JoinManyRequest](s), s.flags()...)
	case "detach":
		return done(nb.Detach(ctx, s.Network, s.Endpoint, s.Container))
	case "sandbox_get":
		return nb.Sandbox(ctx, s.Container)
	case "sandbox_list":
		return nb.Sandboxes(ctx)
	case "sandbox_delete":
		return done(nb.DeleteSandbox(ctx, s.Container))
	case "service_publish":
		return nb.PublishService(ctx, read[netberth.ServiceRequest](s))
	case "service_get":
		return nb.Service(ctx, s.Service, s.flags()...)
	case "service_list":
		return nb.Services(ctx, s.Filter, s.flags()...)
	case "service_unpublish":
		return done(nb.UnpublishService(ctx, s.Service, s.flags()...))
	case "service_attach":
		return nb.AttachBackend(ctx, s.Service, read[netberth.JoinRequest](s))
	case "service_backends":
		return nb.Backends(ctx, s.Service, s.flags()...)
	case "service_detach":
		return done(nb.DetachBackend(ctx, s.Service, s.Container, s.flags()...))
	case "verify":
		differences, err := nb.Verify(ctx)
		return map[string]any{"differences": differences}, err
	case "repair":
		return nb.Repair(ctx)
	case "gc":
		collected, err := nb.GC(ctx)
		return map[string]any{"collected": collected}, err
	}
	panic("no verb " + s.Verb)
}

func main() {
	ctx, home := context.Background(), os.Args[1]
	nb, err := netberth.Open(ctx, netberth.Config{
		StateDir: filepath.Join(home, "state"), RunDir: filepath.Join(home, "run"),
	})
	if err != nil {
		panic(err)
	}
	defer nb.Close()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s step
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			panic(err)
		}
		answer, err := s.call(ctx, nb)
		reply := map[string]any{"ok": answer}
		var failure *netberth.Error
		if errors.As(err, &failure) {
			reply = map[string]any{"error": map[string]any{
				"kind": failure.Kind.String(), "message": failure.Message,
			}}
		} else if err != nil {
			panic(err)
		}
		text, err := json.Marshal(reply)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(text))
	}
}
