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
