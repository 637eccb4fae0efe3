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
}
