package netberth

// #include <netberth.h>
import "C"

import (
	"context"
	"net/netip"
)

// Balance says how new connections are spread over back ends.
type Balance string

const (
	// RoundRobin takes each in turn. It is what is done if nothing is said.
	RoundRobin Balance = "round-robin"
	// Random takes one by chance.
	Random Balance = "random"
	// Source takes the same for the same client's address.
	Source Balance = "source"
)

// ServiceRequest is a service that is asked for.
type ServiceRequest struct {
	Name string `json:"name"`
	// The network bridge if empty.
	Network      string        `json:"network_name,omitempty"`
	ExposedPorts []ExposedPort `json:"exposed_ports,omitempty"`
	PortMapping  []PortMapping `json:"port_mapping,omitempty"`
	Balance      Balance       `json:"balance,omitempty"`
	// The next free one if zero.
	VirtualAddress netip.Addr        `json:"virtual_address"`
	Aliases        []string          `json:"aliases,omitempty"`
	Priority       int64             `json:"priority,omitempty"`
	Labels         map[string]string `json:"labels,omitempty"`
}

// Service is an address and a name on a network, with any number of containers behind it. In the API
// of 2015 a service and an endpoint are one noun, and lists of services have every endpoint.
type Service = Endpoint

// Backend is a container behind a service. What follows ID is there with Verbose.
type Backend struct {
	// The container's id, as it was attached.
	ID        string         `json:"id"`
	Addresses []netip.Prefix `json:"addresses,omitempty"`
	MAC       MAC            `json:"mac,omitempty"`
	// "attached", "draining" or "detaching".
	State string `json:"state,omitempty"`
}

// PublishService publishes a service and returns its id.
func (h *Handle) PublishService(ctx context.Context, r ServiceRequest) (string, error) {
	return h.do(ctx, []argument{request(r)}, func(c *call) C.int {
		return C.netberth_service_publish(h.nb, c.arg[0], &c.out, &c.err)
	})
}

// Service shows a service. Flag: Verbose.
func (h *Handle) Service(ctx context.Context, name string, flags ...Flag) (Service, error) {
	return ask[Service](ctx, h, []argument{service(name)}, func(c *call) C.int {
		return C.netberth_service_get(h.nb, c.arg[0], union(flags), &c.out, &c.err)
	})
}

// Services lists every endpoint of every network in order of creation. Flag: Verbose.
func (h *Handle) Services(ctx context.Context, filter Filter, flags ...Flag) ([]Service, error) {
	return ask[[]Service](ctx, h, []argument{document("filter", filter)}, func(c *call) C.int {
		return C.netberth_service_list(h.nb, c.arg[0], union(flags), &c.out, &c.err)
	})
}

// UnpublishService deletes a service and releases its addresses and ports. Flag: Force.
func (h *Handle) UnpublishService(ctx context.Context, name string, flags ...Flag) error {
	_, err := h.do(ctx, []argument{service(name)}, func(c *call) C.int {
		return C.netberth_service_unpublish(h.nb, c.arg[0], union(flags), &c.err)
	})
	return err
}

// AttachBackend attaches a container to a service, as one more of its back ends, and returns its
// sandbox key.
func (h *Handle) AttachBackend(ctx context.Context, name string, r JoinRequest) (string, error) {
	return h.do(ctx, []argument{service(name), request(r)}, func(c *call) C.int {
		return C.netberth_service_attach(h.nb, c.arg[0], c.arg[1], &c.out, &c.err)
	})
}

// Backends lists the containers attached to a service, in order of attaching. Flag: Verbose.
func (h *Handle) Backends(ctx context.Context, name string, flags ...Flag) ([]Backend, error) {
	return ask[[]Backend](ctx, h, []argument{service(name)}, func(c *call) C.int {
		return C.netberth_service_backends(h.nb, c.arg[0], union(flags), &c.out, &c.err)
	})
}

// DetachBackend detaches a container from a service. Its connections by way of the service end; with
// Drain they go on, and it is a back end until it is detached without.
func (h *Handle) DetachBackend(ctx context.Context, name, id string, flags ...Flag) error {
	_, err := h.do(ctx, []argument{service(name), container(id)}, func(c *call) C.int {
		return C.netberth_service_detach(h.nb, c.arg[0], c.arg[1], union(flags), &c.err)
	})
	return err
}
