package netberth

// #include <netberth.h>
import "C"

import (
	"context"
	"net/netip"
	"time"
)

// NetworkRequest is a network that is asked for.
type NetworkRequest struct {
	Name string `json:"name"`
	// "bridge" if empty.
	Type    string                 `json:"network_type,omitempty"`
	Options *NetworkOptionsRequest `json:"options,omitempty"`
}

// NetworkOptionsRequest is what is asked of a network.
type NetworkOptionsRequest struct {
	// One IPv4 subnet is chosen if there is none.
	Subnets []Subnet `json:"subnets,omitempty"`
	// An IPv6 subnet is chosen if there is none.
	IPv6 bool `json:"ipv6,omitempty"`
	// No way out and no way in.
	Internal bool `json:"internal,omitempty"`
	// Containers of the network may talk to each other; true if nil.
	ICC *bool `json:"icc,omitempty"`
	// What leaves the host takes the host's address; true if nil.
	Masquerade *bool `json:"masquerade,omitempty"`
	// In bytes; that of the host's default route if zero.
	MTU int `json:"mtu,omitempty"`
	// The name of the bridge; one is made up if empty.
	Bridge string `json:"bridge,omitempty"`
	// Where ports are published that name no address.
	HostBinding netip.Addr        `json:"host_binding"`
	Labels      map[string]string `json:"labels,omitempty"`
}

// Subnet is a subnet of a network, asked for or in effect.
type Subnet struct {
	Subnet netip.Prefix `json:"subnet"`
	// Addresses are chosen from here; from all of the subnet if zero.
	Range netip.Prefix `json:"range"`
	// The bridge's own address; the first of the subnet is asked for if zero.
	Gateway netip.Addr `json:"gateway"`
	// Never chosen.
	Reserved []netip.Prefix `json:"reserved,omitempty"`
}

// Network is a network. Options, Created and Labels are there with Verbose.
type Network struct {
	Name      string            `json:"name"`
	ID        string            `json:"id"`
	Type      string            `json:"type"`
	Endpoints []Endpoint        `json:"endpoints"`
	Options   *NetworkOptions   `json:"options,omitempty"`
	Created   time.Time         `json:"created"`
	Labels    map[string]string `json:"labels"`
}

// NetworkOptions is what is in effect.
type NetworkOptions struct {
	Subnets    []Subnet `json:"subnets"`
	IPv6       bool     `json:"ipv6"`
	Internal   bool     `json:"internal"`
	ICC        bool     `json:"icc"`
	Masquerade bool     `json:"masquerade"`
	// In bytes; 0 while nothing of the network is in the kernel.
	MTU         int        `json:"mtu"`
	Bridge      string     `json:"bridge"`
	HostBinding netip.Addr `json:"host_binding"`
}

// CreateNetwork creates a network, brings it up and returns its id. Nothing is left of a creation
// that fails.
func (h *Handle) CreateNetwork(ctx context.Context, r NetworkRequest) (string, error) {
	return h.do(ctx, []argument{request(r)}, func(c *call) C.int {
		return C.netberth_network_create(h.nb, c.arg[0], &c.out, &c.err)
	})
}

// Network shows a network. Flag: Verbose.
func (h *Handle) Network(ctx context.Context, name string, flags ...Flag) (Network, error) {
	return ask[Network](ctx, h, []argument{network(name)}, func(c *call) C.int {
		return C.netberth_network_get(h.nb, c.arg[0], union(flags), &c.out, &c.err)
	})
}

// Networks lists networks in order of creation. Flag: Verbose.
func (h *Handle) Networks(ctx context.Context, filter Filter, flags ...Flag) ([]Network, error) {
	return ask[[]Network](ctx, h, []argument{document("filter", filter)}, func(c *call) C.int {
		return C.netberth_network_list(h.nb, c.arg[0], union(flags), &c.out, &c.err)
	})
}

// DeleteNetwork deletes a network that has no endpoints.
func (h *Handle) DeleteNetwork(ctx context.Context, name string) error {
	_, err := h.do(ctx, []argument{network(name)}, func(c *call) C.int {
		return C.netberth_network_delete(h.nb, c.arg[0], 0, &c.err)
	})
	return err
}
