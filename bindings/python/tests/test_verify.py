"""Whether all is as it was made."""

from __future__ import annotations

import netberth
from conftest import Host


def test_a_difference_is_found(host: Host, nb: netberth.Netberth) -> None:
    assert nb.verify() == ()
    key = nb.networks.create(name="seen", bridge="nb-seen")
    # This kernel may have br_netfilter on, which is told of as the host's.
    before = nb.verify()
    host.run("nft", 'delete element inet netberth br { "nb-seen" }')
    (difference,) = set(nb.verify()) - set(before)
    assert (difference.owner.kind, difference.owner.id) == ("network", key)
    assert difference.owner.name == "seen"
    assert difference.found == "nothing" != difference.expected
    assert "br" in difference.object
    (line,) = nb.plan({"verb": "repair"})
    assert line == "nft 'add element inet netberth br { \"nb-seen\" }'"
    repair = nb.repair()
    assert repair.repaired == (difference,)
    assert repair.differences == before == nb.verify()


def test_what_nobody_needs_is_collected(host: Host, nb: netberth.Netberth) -> None:
    nb.networks.create(name="foo")
    nb.endpoints.create("foo", name="web")
    key = nb.endpoints.join("foo", "web", container_id="c1")
    assert nb.gc() == ()
    host.run("umount", "-l", str(key))
    assert nb.plan({"verb": "gc"})
    (collected,) = nb.gc()
    assert (collected.kind, collected.id, collected.name) == ("sandbox", "c1", None)
    assert nb.gc() == ()
    assert nb.sandboxes.list() == ()
