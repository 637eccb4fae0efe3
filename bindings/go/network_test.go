package netberth

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestNetworks(t *testing.T) {
	h := open(t)
	no := false
	binding := netip.MustParseAddr("127.0.0.1")
	subnet := Subnet{
		Subnet:   netip.MustParsePrefix("10.88.1.0/24"),
		Range:    netip.MustParsePrefix("10.88.1.128/25"),
		Gateway:  netip.MustParseAddr("10.88.1.9"),
		Reserved: []netip.Prefix{netip.MustParsePrefix("10.88.1.128/32")},
	}
	id := must(h.CreateNetwork(background, NetworkRequest{Name: "web", Type: "bridge", Options: &NetworkOptionsRequest{
		Subnets: []Subnet{subnet}, IPv6: true, Internal: true, ICC: &no, Masquerade: &no, MTU: 1400,
		Bridge: "nb-test", HostBinding: binding, Labels: map[string]string{"owner": "go"},
	}}))(t)
	equal(t, len(id), 64)
	must(net.InterfaceByName("nb-test"))(t)

	plain := must(h.Network(background, "web"))(t)
	equal(t, plain, Network{Name: "web", ID: id, Type: "bridge", Endpoints: []Endpoint{}})
	all := must(h.Network(background, id[:12], Verbose))(t)
	equal(t, all.Labels, map[string]string{"owner": "go"})
	if age := time.Since(all.Created); age < 0 || age > time.Minute {
		t.Errorf("created %v", all.Created)
	}
	subnets := all.Options.Subnets
	equal(t, len(subnets), 2)
	equal(t, subnets[0], subnet)
	equal(t, subnets[1].Subnet.Addr().Is6() && subnets[1].Subnet.Contains(subnets[1].Gateway), true)
	all.Options.Subnets = nil
	equal(t, *all.Options, NetworkOptions{
		IPv6: true, Internal: true, MTU: 1400, Bridge: "nb-test", HostBinding: binding,
	})

	list := must(h.Networks(background, Filter{PartialID: id[:10]}))(t)
	equal(t, list, []Network{plain})
	equal(t, must(h.Networks(background, Filter{Name: "nobody"}))(t), []Network{})
	equal(t, len(must(h.Networks(background, Filter{}, Verbose))(t)), 4)
	_, err := h.Networks(background, Filter{Name: "a", PartialID: "b"})
	fails(t, err, ErrInvalid, "unsupported query")
	_, err = h.CreateNetwork(background, NetworkRequest{Name: "x", Type: "warp"})
	fails(t, err, ErrNotFound, "warp")
	check(t, h.DeleteNetwork(background, "web"))
	fails(t, h.DeleteNetwork(background, id), ErrNotFound, "not found")
}
