package netberth

import (
	"strings"
	"testing"
)

func TestRehearsals(t *testing.T) {
	h := open(t)
	options := &NetworkOptionsRequest{Bridge: "nb-dream"}
	lines := must(h.Plan(background,
		PlanCreateNetwork(NetworkRequest{Name: "dream", Options: options}),
		PlanCreateEndpoint("dream", EndpointRequest{Name: "e"}),
		PlanJoin("dream", "e", JoinRequest{ContainerID: "c"}),
		PlanDetach("dream", "e", "c"),
		PlanJoinMany([]JoinManyRequest{{Network: "dream", Endpoint: EndpointRequest{Name: "f"},
			Container: JoinRequest{ContainerID: "f"}}}, Atomic),
		PlanDeleteSandbox("f"),
		PlanDeleteEndpoint("dream", "f"),
		PlanDeleteEndpoint("dream", "e", Force),
		PlanPublishService(ServiceRequest{Name: "s", Network: "dream"}),
		PlanAttachBackend("s", JoinRequest{ContainerID: "d"}),
		PlanDetachBackend("s", "d", Drain),
		PlanDetachBackend("s", "d"),
		PlanUnpublishService("s", Force),
		PlanDeleteSandbox("c"),
		PlanDeleteNetwork("dream"),
	))(t)
	all := strings.Join(lines, "\n")
	equal(t, strings.Contains(all, "ip link add nb-dream "), true)
	_, err := h.Network(background, "dream")
	fails(t, err, ErrNotFound, "dream")
	equal(t, must(h.Plan(background))(t), []string{})
	_, err = h.Plan(background, PlanDeleteNetwork(""))
	fails(t, err, ErrInvalid, "network is required")
	_, err = h.Plan(background, PlanUnpublishService("s", Verbose))
	fails(t, err, ErrInvalid, "flags")
}
