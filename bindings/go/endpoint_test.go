package netberth

import (
	"net/netip"
	"testing"
)

func TestEndpoints(t *testing.T) {
	h := open(t)
	must(h.CreateNetwork(background, NetworkRequest{Name: "farm", Options: &NetworkOptionsRequest{
		Subnets: []Subnet{
			{Subnet: netip.MustParsePrefix("10.88.2.0/24")}, {Subnet: netip.MustParsePrefix("fd00:88::/64")},
		},
	}}))(t)
	request := EndpointRequest{
		Name:         "fixed",
		ExposedPorts: []ExposedPort{{TCP, 80}, {UDP, 53}, {SCTP, 9}},
		PortMapping: []PortMapping{
			{Proto: TCP, Port: 80},
			{Proto: UDP, Port: 53, HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: 5300, HostPortEnd: 5310},
			{Proto: SCTP, Port: 100, PortEnd: 109, HostPort: 1000},
		},
		IPv4Address: netip.MustParseAddr("10.88.2.77"),
		IPv6Address: netip.MustParseAddr("fd00:88::77"),
		MAC:         MAC{2, 0, 0, 0, 0, 0x4d},
		Aliases:     []string{"also"},
		Priority:    -7,
		Labels:      map[string]string{"a": "b"},
	}
	id := must(h.CreateEndpoint(background, "farm", request))(t)
	key := must(h.Join(background, "farm", "fixed", JoinRequest{ContainerID: "pig"}))(t)

	plain := must(h.Endpoint(background, "farm", "fixed"))(t)
	equal(t, plain, Endpoint{Name: "fixed", ID: id, Network: "farm"})
	all := must(h.Endpoint(background, "farm", id, Verbose))(t)
	equal(t, all.Addresses, []netip.Prefix{
		netip.MustParsePrefix("10.88.2.77/24"), netip.MustParsePrefix("fd00:88::77/64"),
	})
	equal(t, all.MAC.String(), "02:00:00:00:00:4d")
	equal(t, all.ExposedPorts, request.ExposedPorts)
	equal(t, len(all.PortMapping), 3)
	equal(t, all.PortMapping[0].HostPort > 0, true)
	equal(t, all.PortMapping[1].HostIP, request.PortMapping[1].HostIP)
	equal(t, all.PortMapping[2].PortEnd, uint16(109))
	equal(t, []string{all.Container, all.Interface, all.SandboxKey}, []string{"pig", "eth0", key})
	equal(t, all.Aliases, request.Aliases)
	equal(t, all.Priority, request.Priority)
	equal(t, all.Labels, request.Labels)

	must(h.CreateEndpoint(background, "farm", EndpointRequest{Name: "other"}))(t)
	equal(t, len(must(h.Endpoints(background, "farm", Filter{}, Verbose))(t)), 2)
	equal(t, must(h.Endpoints(background, "farm", Filter{Name: "fixed"}))(t), []Endpoint{plain})
	equal(t, must(h.Network(background, "farm"))(t).Endpoints[0], plain)
	_, err := h.CreateEndpoint(background, "farm", EndpointRequest{Name: "x", IPv4Address: request.IPv4Address})
	fails(t, err, ErrExists, "fixed")
	fails(t, h.DeleteNetwork(background, "farm"), ErrInUse, "fixed, other")
	fails(t, h.DeleteEndpoint(background, "farm", "fixed"), ErrInUse, "pig")
	check(t, h.DeleteEndpoint(background, "farm", "fixed", Force))
	_, err = h.Endpoint(background, "farm", "fixed")
	fails(t, err, ErrNotFound, "fixed")
}

func TestProtocolsHaveNames(t *testing.T) {
	equal(t, []string{TCP.String(), UDP.String(), SCTP.String(), Proto(1).String()},
		[]string{"tcp", "udp", "sctp", "protocol 1"})
}
