package netberth

// #include <netberth.h>
import "C"

import (
	"context"
	"net/netip"
	"time"
)

// EndpointRequest is an endpoint that is asked for.
type EndpointRequest struct {
	Name         string        `json:"name"`
	ExposedPorts []ExposedPort `json:"exposed_ports,omitempty"`
	PortMapping  []PortMapping `json:"port_mapping,omitempty"`
	// The next free one if zero.
	IPv4Address netip.Addr `json:"ipv4_address"`
	// The next free one if zero.
	IPv6Address netip.Addr `json:"ipv6_address"`
	// Made from the address if empty.
	MAC MAC `json:"mac_address,omitempty"`
	// Further names by which its network finds it.
	Aliases []string `json:"aliases,omitempty"`
	// The endpoint of a container with the highest priority carries its default route.
	Priority int64             `json:"priority,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"`
}

// Endpoint is a place on a network, or a service. What follows Network is there with Verbose.
type Endpoint struct {
	Name string `json:"name"`
	ID   string `json:"id"`
	// The name of its network.
	Network string `json:"network"`

	// With the length of their subnets.
	Addresses    []netip.Prefix    `json:"addresses,omitempty"`
	MAC          MAC               `json:"mac,omitempty"`
	ExposedPorts []ExposedPort     `json:"exposed_ports"`
	PortMapping  []PortMapping     `json:"port_mapping"`
	Container    string            `json:"container,omitempty"`
	Interface    string            `json:"interface,omitempty"`
	SandboxKey   string            `json:"sandbox_key,omitempty"`
	Aliases      []string          `json:"aliases"`
	Priority     int64             `json:"priority"`
	Labels       map[string]string `json:"labels"`
	Created      time.Time         `json:"created"`

	// Of a service: its own addresses.
	VirtualAddresses []netip.Prefix `json:"virtual_addresses,omitempty"`
	// Of a service; empty if this is none.
	Balance Balance `json:"balance,omitempty"`
	// Of a service.
	Backends []Backend `json:"backends"`
}

// CreateEndpoint creates an endpoint on a network and returns its id. Its addresses and ports are its
// own until it is deleted.
func (h *Handle) CreateEndpoint(ctx context.Context, net string, r EndpointRequest) (string, error) {
	return h.do(ctx, []argument{network(net), request(r)}, func(c *call) C.int {
		return C.netberth_endpoint_create(h.nb, c.arg[0], c.arg[1], &c.out, &c.err)
	})
}

// Endpoint shows an endpoint. Flag: Verbose.
func (h *Handle) Endpoint(ctx context.Context, net, name string, flags ...Flag) (Endpoint, error) {
	arguments := []argument{network(net), endpoint(name)}
	return ask[Endpoint](ctx, h, arguments, func(c *call) C.int {
		return C.netberth_endpoint_get(h.nb, c.arg[0], c.arg[1], union(flags), &c.out, &c.err)
	})
}

// Endpoints lists the endpoints of a network in order of creation. Flag: Verbose.
func (h *Handle) Endpoints(
	ctx context.Context, net string, filter Filter, flags ...Flag,
) ([]Endpoint, error) {
	arguments := []argument{network(net), document("filter", filter)}
	return ask[[]Endpoint](ctx, h, arguments, func(c *call) C.int {
		return C.netberth_endpoint_list(h.nb, c.arg[0], c.arg[1], union(flags), &c.out, &c.err)
	})
}

// DeleteEndpoint deletes an endpoint and releases its addresses and ports. Flag: Force.
func (h *Handle) DeleteEndpoint(ctx context.Context, net, name string, flags ...Flag) error {
	_, err := h.do(ctx, []argument{network(net), endpoint(name)}, func(c *call) C.int {
		return C.netberth_endpoint_delete(h.nb, c.arg[0], c.arg[1], union(flags), &c.err)
	})
	return err
}
