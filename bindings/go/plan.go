package netberth

// #include <netberth.h>
import "C"

import (
	"context"
	"encoding/json"
)

// Step is a call that changes something, to be rehearsed by Plan: PlanJoin makes that of Join, and so
// on for each.
type Step struct{ document stepDocument }

type stepDocument struct {
	Verb      string `json:"verb"`
	Network   string `json:"network,omitempty"`
	Endpoint  string `json:"endpoint,omitempty"`
	Service   string `json:"service,omitempty"`
	Container string `json:"container,omitempty"`
	Force     bool   `json:"force,omitempty"`
	Drain     bool   `json:"drain,omitempty"`
	Atomic    bool   `json:"atomic,omitempty"`
	// What no verb has a word for: the library refuses it by this name.
	Flags   uint32 `json:"flags,omitempty"`
	Request any    `json:"request,omitempty"`
}

// MarshalJSON writes the step as the library reads it.
func (s Step) MarshalJSON() ([]byte, error) { return json.Marshal(s.document) }

func (s Step) with(flags []Flag) Step {
	all := Flag(union(flags))
	s.document.Force = all&Force != 0
	s.document.Drain = all&Drain != 0
	s.document.Atomic = all&Atomic != 0
	s.document.Flags = uint32(all &^ (Force | Drain | Atomic))
	return s
}

// PlanCreateNetwork rehearses CreateNetwork.
func PlanCreateNetwork(r NetworkRequest) Step {
	return Step{stepDocument{Verb: "network_create", Request: r}}
}

// PlanDeleteNetwork rehearses DeleteNetwork.
func PlanDeleteNetwork(network string) Step {
	return Step{stepDocument{Verb: "network_delete", Network: network}}
}

// PlanCreateEndpoint rehearses CreateEndpoint.
func PlanCreateEndpoint(network string, r EndpointRequest) Step {
	return Step{stepDocument{Verb: "endpoint_create", Network: network, Request: r}}
}

// PlanDeleteEndpoint rehearses DeleteEndpoint.
func PlanDeleteEndpoint(network, endpoint string, flags ...Flag) Step {
	step := Step{stepDocument{Verb: "endpoint_delete", Network: network, Endpoint: endpoint}}
	return step.with(flags)
}

// PlanJoin rehearses Join.
func PlanJoin(network, endpoint string, r JoinRequest) Step {
	return Step{stepDocument{Verb: "join", Network: network, Endpoint: endpoint, Request: r}}
}

// PlanJoinMany rehearses JoinMany.
func PlanJoinMany(r []JoinManyRequest, flags ...Flag) Step {
	return Step{stepDocument{Verb: "join_many", Request: r}}.with(flags)
}

// PlanDetach rehearses Detach.
func PlanDetach(network, endpoint, container string) Step {
	return Step{stepDocument{
		Verb: "detach", Network: network, Endpoint: endpoint, Container: container,
	}}
}

// PlanDeleteSandbox rehearses DeleteSandbox.
func PlanDeleteSandbox(container string) Step {
	return Step{stepDocument{Verb: "sandbox_delete", Container: container}}
}

// PlanPublishService rehearses PublishService.
func PlanPublishService(r ServiceRequest) Step {
	return Step{stepDocument{Verb: "service_publish", Request: r}}
}

// PlanUnpublishService rehearses UnpublishService.
func PlanUnpublishService(service string, flags ...Flag) Step {
	return Step{stepDocument{Verb: "service_unpublish", Service: service}}.with(flags)
}

// PlanAttachBackend rehearses AttachBackend.
func PlanAttachBackend(service string, r JoinRequest) Step {
	return Step{stepDocument{Verb: "service_attach", Service: service, Request: r}}
}

// PlanDetachBackend rehearses DetachBackend.
func PlanDetachBackend(service, container string, flags ...Flag) Step {
	step := Step{stepDocument{Verb: "service_detach", Service: service, Container: container}}
	return step.with(flags)
}

// PlanRepair rehearses Repair.
func PlanRepair() Step { return Step{stepDocument{Verb: "repair"}} }

// PlanGC rehearses GC.
func PlanGC() Step { return Step{stepDocument{Verb: "gc"}} }

// Plan rehearses steps in order, each seeing what those before it would have made, and returns the
// ip, nft and sysctl lines that an operator would type. Nothing is changed.
func (h *Handle) Plan(ctx context.Context, steps ...Step) ([]string, error) {
	type plan struct {
		Plan []string `json:"plan"`
	}
	// No step is an array of none, not null.
	steps = append([]Step{}, steps...)
	answer, err := ask[plan](ctx, h, []argument{request(steps)}, func(c *call) C.int {
		return C.netberth_plan(h.nb, c.arg[0], &c.out, &c.err)
	})
	return answer.Plan, err
}
