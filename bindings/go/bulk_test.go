package netberth

import "testing"

func TestManyJoinsAreOneChange(t *testing.T) {
	h := open(t)
	must(h.CreateNetwork(background, NetworkRequest{Name: "farm"}))(t)
	one := func(name string) JoinManyRequest {
		return JoinManyRequest{"farm", EndpointRequest{Name: name}, JoinRequest{ContainerID: name}}
	}
	_, err := h.JoinMany(background, []JoinManyRequest{one("a"), one("a")}, Atomic)
	fails(t, err, ErrExists, "joins[1]")
	equal(t, len(must(h.Endpoints(background, "farm", Filter{}))(t)), 0)
	requests := []JoinManyRequest{one("a"), one("a"), one("b")}
	results := must(h.JoinMany(background, requests))(t)
	fails(t, results[1].Err, ErrExists, "joins[1]")
	for _, at := range []int{0, 2} {
		equal(t, results[at].Err == nil, true)
		sandbox := must(h.Sandbox(background, requests[at].Container.ContainerID))(t)
		equal(t, []string{sandbox.Key, sandbox.Endpoints[0].ID}, []string{results[at].Key, results[at].Endpoint})
	}
	equal(t, must(h.JoinMany(background, nil))(t), []JoinResult{})
	_, err = h.JoinMany(background, nil, Force)
	fails(t, err, ErrInvalid, "flags")
	for _, name := range []string{"a", "b"} {
		check(t, h.DeleteSandbox(background, name))
	}
}
