package netberth

// #include <netberth.h>
import "C"

import (
	"context"
	"net/netip"
)

// JoinRequest is a container that is to be joined to an endpoint or attached to a service.
type JoinRequest struct {
	ContainerID string `json:"container_id"`
	// For the container's own line of its hosts file.
	HostName   string `json:"host_name,omitempty"`
	DomainName string `json:"domain_name,omitempty"`
	// Files elsewhere than below the state directory.
	HostsPath      string `json:"hosts_path,omitempty"`
	ResolvConfPath string `json:"resolv_conf_path,omitempty"`
	// The host's if empty, each of the three.
	DNS        []netip.Addr `json:"dns,omitempty"`
	DNSSearch  []string     `json:"dns_search,omitempty"`
	DNSOptions []string     `json:"dns_options,omitempty"`
	// Further lines of the hosts file.
	ExtraHosts []ExtraHost `json:"extra_hosts,omitempty"`
	// Changes to other containers' hosts files.
	ParentUpdates []ParentUpdate `json:"parent_updates,omitempty"`
	// On the network host, where it changes the key.
	UseDefaultSandbox bool `json:"use_default_sandbox,omitempty"`
	// The path of a namespace that is there already; netberth makes one if neither this nor PID is
	// given. /proc/self means nothing certain in a program of several threads.
	Netns string `json:"netns,omitempty"`
	// A process whose namespace it is to be.
	PID int `json:"pid,omitempty"`
	// The next eth0, eth1... if empty.
	InterfaceName string `json:"interface_name,omitempty"`
	// Keys below net., set inside.
	Sysctls map[string]string `json:"sysctls,omitempty"`
}

// ExtraHost is a line of a hosts file.
type ExtraHost struct {
	Name    string     `json:"name"`
	Address netip.Addr `json:"address"`
}

// ParentUpdate gives a name in another container's hosts file a new address.
type ParentUpdate struct {
	// The other's endpoint: id, name, or the first digits of its id.
	EndpointID string     `json:"endpoint_id"`
	Name       string     `json:"name"`
	Address    netip.Addr `json:"address"`
}

// Sandbox is the network namespace of a container, and its files.
type Sandbox struct {
	ContainerID string `json:"container_id"`
	// The path of the namespace, for CommandIn or a runtime.
	Key string `json:"key"`
	// What is joined, in order of joining.
	Endpoints []Endpoint `json:"endpoints"`
	// Netberth made the namespace and destroys it.
	Owned          bool   `json:"owned"`
	HostsPath      string `json:"hosts_path"`
	ResolvConfPath string `json:"resolv_conf_path"`
}

// Join joins a container to an endpoint and returns its sandbox key: the path of its network
// namespace. Nothing is left of a join that fails.
func (h *Handle) Join(ctx context.Context, net, name string, r JoinRequest) (string, error) {
	arguments := []argument{network(net), endpoint(name), request(r)}
	return h.do(ctx, arguments, func(c *call) C.int {
		return C.netberth_join(h.nb, c.arg[0], c.arg[1], c.arg[2], &c.out, &c.err)
	})
}

// Detach detaches a container from an endpoint, which keeps its addresses. The container's sandbox
// stays, so that it can be joined again, until DeleteSandbox.
func (h *Handle) Detach(ctx context.Context, net, name, id string) error {
	arguments := []argument{network(net), endpoint(name), container(id)}
	_, err := h.do(ctx, arguments, func(c *call) C.int {
		return C.netberth_detach(h.nb, c.arg[0], c.arg[1], c.arg[2], 0, &c.err)
	})
	return err
}

// Sandbox shows the sandbox of a container.
func (h *Handle) Sandbox(ctx context.Context, id string) (Sandbox, error) {
	return ask[Sandbox](ctx, h, []argument{container(id)}, func(c *call) C.int {
		return C.netberth_sandbox_get(h.nb, c.arg[0], 0, &c.out, &c.err)
	})
}

// Sandboxes lists sandboxes in order of creation.
func (h *Handle) Sandboxes(ctx context.Context) ([]Sandbox, error) {
	return ask[[]Sandbox](ctx, h, nil, func(c *call) C.int {
		return C.netberth_sandbox_list(h.nb, nil, 0, &c.out, &c.err)
	})
}

// DeleteSandbox detaches everything from a container, forgets it, and destroys its namespace if
// netberth made it.
func (h *Handle) DeleteSandbox(ctx context.Context, id string) error {
	_, err := h.do(ctx, []argument{container(id)}, func(c *call) C.int {
		return C.netberth_sandbox_delete(h.nb, c.arg[0], 0, &c.err)
	})
	return err
}
