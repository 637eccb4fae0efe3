package netberth

import (
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestSandboxes(t *testing.T) {
	h := open(t)
	must(h.CreateNetwork(background, NetworkRequest{Name: "left"}))(t)
	must(h.CreateEndpoint(background, "left", EndpointRequest{Name: "a"}))(t)
	must(h.CreateEndpoint(background, "left", EndpointRequest{Name: "b"}))(t)
	hosts := filepath.Join(t.TempDir(), "hosts")
	check(t, os.WriteFile(hosts, []byte("192.0.2.1 other\n"), 0o644))
	must(h.Join(background, "left", "a", JoinRequest{ContainerID: "parent", HostsPath: hosts}))(t)
	key := must(h.Join(background, "left", "b", JoinRequest{
		ContainerID: "box", HostName: "box", DomainName: "test",
		DNS:           []netip.Addr{netip.MustParseAddr("192.0.2.53")},
		DNSSearch:     []string{"example.com"},
		DNSOptions:    []string{"ndots:2"},
		ExtraHosts:    []ExtraHost{{"db", netip.MustParseAddr("192.0.2.7")}},
		ParentUpdates: []ParentUpdate{{"a", "box", netip.MustParseAddr("192.0.2.8")}},
		InterfaceName: "snout",
		Sysctls:       map[string]string{"net.ipv4.ip_unprivileged_port_start": "0"},
	}))(t)
	inside := interfaces(t, key)
	shown := must(h.Endpoint(background, "left", "b", Verbose))(t)
	equal(t, inside["snout"][0], shown.Addresses[0].String())
	equal(t, len(inside), 2)

	sandbox := must(h.Sandbox(background, "box"))(t)
	equal(t, []any{sandbox.ContainerID, sandbox.Key, sandbox.Owned}, []any{"box", key, true})
	equal(t, sandbox.Endpoints[0].Name, "b")
	text := string(must(os.ReadFile(sandbox.HostsPath))(t))
	equal(t, strings.Contains(text, "box.test") && strings.Contains(text, "192.0.2.7"), true)
	text = string(must(os.ReadFile(sandbox.ResolvConfPath))(t))
	equal(t, strings.Contains(text, "192.0.2.53") && strings.Contains(text, "ndots:2"), true)
	equal(t, len(must(h.Sandboxes(background))(t)), 2)

	fails(t, h.Detach(background, "left", "b", "parent"), ErrInvalid, "not joined")
	check(t, h.Detach(background, "left", "b", "box"))
	equal(t, len(interfaces(t, key)), 1)
	check(t, h.DeleteSandbox(background, "box"))
	if _, err := os.Stat(key); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", key, err)
	}
	_, err := h.Sandbox(background, "box")
	fails(t, err, ErrNotFound, "box")
}

func TestANamespaceThatIsGiven(t *testing.T) {
	h := open(t)
	must(h.CreateNetwork(background, NetworkRequest{Name: "net"}))(t)
	must(h.CreateEndpoint(background, "net", EndpointRequest{Name: "door"}))(t)
	pid := must(strconv.Atoi(strings.Split(anotherNamespace(t), "/")[2]))(t)
	key := must(h.Join(background, "net", "door", JoinRequest{ContainerID: "g", PID: pid}))(t)
	equal(t, must(h.Sandbox(background, "g"))(t).Owned, false)
	equal(t, len(interfaces(t, key)), 2)
	check(t, h.DeleteSandbox(background, "g"))
	path := key
	equal(t, must(h.Join(background, "net", "door", JoinRequest{ContainerID: "g", Netns: path}))(t), path)
	check(t, h.DeleteSandbox(background, "g"))
	_, err := h.Join(background, "net", "door", JoinRequest{ContainerID: "g", Netns: path, PID: 1})
	fails(t, err, ErrInvalid, "not both")
	must(h.CreateEndpoint(background, "host", EndpointRequest{Name: "h"}))(t)
	key = must(h.Join(background, "host", "h", JoinRequest{ContainerID: "g", UseDefaultSandbox: true}))(t)
	equal(t, filepath.Base(key), "default")
}
