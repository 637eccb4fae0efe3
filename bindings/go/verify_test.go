package netberth

import (
	"os/exec"
	"testing"
)

func TestDifferences(t *testing.T) {
	h := open(t)
	equal(t, must(h.Verify(background))(t), []Difference{})
	options := &NetworkOptionsRequest{Bridge: "nb-seen"}
	id := must(h.CreateNetwork(background, NetworkRequest{Name: "seen", Options: options}))(t)
	nft := exec.Command("nft", `delete element inet netberth br { "nb-seen" }`)
	must(nft.CombinedOutput())(t)
	found := must(h.Verify(background))(t)
	equal(t, len(found), 1)
	equal(t, found[0].Owner, Owner{Kind: "network", ID: id, Name: "seen"})
	equal(t, found[0].Found, "nothing")
	lines := must(h.Plan(background, PlanRepair()))(t)
	equal(t, lines, []string{`nft 'add element inet netberth br { "nb-seen" }'`})
	equal(t, must(h.Repair(background))(t), Repair{Repaired: found, Differences: []Difference{}})
	equal(t, must(h.Verify(background))(t), []Difference{})
}

func TestCollection(t *testing.T) {
	h := open(t)
	must(h.CreateNetwork(background, NetworkRequest{Name: "foo"}))(t)
	must(h.CreateEndpoint(background, "foo", EndpointRequest{Name: "web"}))(t)
	key := must(h.Join(background, "foo", "web", JoinRequest{ContainerID: "c1"}))(t)
	equal(t, must(h.GC(background))(t), []Collected{})
	must(exec.Command("umount", "-l", key).CombinedOutput())(t)
	lines := must(h.Plan(background, PlanGC()))(t)
	equal(t, len(lines) > 0, true)
	found := must(h.GC(background))(t)
	equal(t, len(found), 1)
	equal(t, [2]string{found[0].Kind, found[0].ID}, [2]string{"sandbox", "c1"})
	equal(t, must(h.GC(background))(t), []Collected{})
	equal(t, must(h.Verify(background))(t), []Difference{})
}
