package netberth

import (
	"net/netip"
	"testing"
)

func TestServices(t *testing.T) {
	h := open(t)
	must(h.CreateNetwork(background, NetworkRequest{Name: "shop", Options: &NetworkOptionsRequest{
		Subnets: []Subnet{{Subnet: netip.MustParsePrefix("10.88.3.0/24")}},
	}}))(t)
	id := must(h.PublishService(background, ServiceRequest{
		Name: "till", Network: "shop", Balance: Source, VirtualAddress: netip.MustParseAddr("10.88.3.33"),
		ExposedPorts: []ExposedPort{{TCP, 80}}, PortMapping: []PortMapping{{Proto: TCP, Port: 80, HostPort: 8080}},
		Aliases: []string{"cash"}, Priority: 3, Labels: map[string]string{"a": "b"},
	}))(t)
	for _, balance := range []Balance{RoundRobin, Random} {
		name := string(balance)
		must(h.PublishService(background, ServiceRequest{Name: name, Network: "shop", Balance: balance}))(t)
		equal(t, must(h.Service(background, name, Verbose))(t).Balance, balance)
	}
	key := must(h.AttachBackend(background, "till", JoinRequest{ContainerID: "clerk"}))(t)
	equal(t, len(interfaces(t, key)), 2)

	equal(t, must(h.Service(background, "till"))(t), Service{Name: "till", ID: id, Network: "shop"})
	all := must(h.Service(background, id, Verbose))(t)
	equal(t, all.VirtualAddresses, []netip.Prefix{netip.MustParsePrefix("10.88.3.33/24")})
	equal(t, all.Balance, Source)
	equal(t, all.Backends[0].ID, "clerk")
	equal(t, all.Aliases, []string{"cash"})
	equal(t, must(h.Backends(background, "till"))(t), []Backend{{ID: "clerk"}})
	backend := must(h.Backends(background, "till", Verbose))(t)[0]
	equal(t, backend.State, "attached")
	equal(t, backend.MAC.String()[:6], "02:6e:")
	equal(t, len(backend.Addresses), 1)
	equal(t, len(must(h.Services(background, Filter{Network: "shop"}, Verbose))(t)), 3)
	equal(t, must(h.Services(background, Filter{Network: "bridge"}))(t), []Service{})

	_, err := h.AttachBackend(background, "till", JoinRequest{ContainerID: "clerk"})
	fails(t, err, ErrInvalid, "clerk")
	fails(t, h.UnpublishService(background, "till"), ErrInUse, "clerk")
	check(t, h.DetachBackend(background, "till", "clerk", Drain))
	equal(t, must(h.Backends(background, "till", Verbose))(t)[0].State, "draining")
	check(t, h.DetachBackend(background, "till", "clerk"))
	equal(t, must(h.Backends(background, "till"))(t), []Backend{})
	check(t, h.UnpublishService(background, "till", Force))
}
