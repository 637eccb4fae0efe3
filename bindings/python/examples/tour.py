#!/usr/bin/env python3
"""A tour of netberth, cell by cell (`# %%` is a cell in most editors).

It makes namespaces and devices, so it needs root. To leave this machine's network alone, give it
one of its own, and a directory for what it remembers:

    sudo scripts/isolated python3 bindings/python/examples/tour.py /tmp/tour
"""

# %% Open a state directory. The network namespace of this thread is the host's from now on.
import json
import socket
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import netberth
from netberth import PortMapping, Proto

if len(sys.argv) != 2:
    sys.exit(f"usage: {sys.argv[0]} DIRECTORY")
place = Path(sys.argv[1]).absolute()
nb = netberth.open(state_dir=place / "state", run_dir=place / "run")
print("netberth", netberth.version(), "with the networks", [n.name for n in nb.networks.list()])

# %% What would be done? The lines are those that an operator would type, and nothing is done.
print("\na network would take")
for line in nb.plan({"verb": "network_create", "request": {"name": "web"}})[:4]:
    print("   ", line)

# %% A network, with what is left out chosen by netberth. Keywords are the keys of the document.
nb.networks.create(name="web", subnets=["10.88.0.0/24", "fd00:88::/64"], labels={"of": "tour"})
web = nb.networks.get("web")
print("\nweb has", *(f"{s.subnet} by way of {s.gateway}," for s in web.options.subnets), "and more")

# %% An endpoint is a place with addresses; it keeps them until it is deleted. A port is published.
nb.endpoints.create(
    "web",
    name="front",
    ipv4_address="10.88.0.80",
    port_mapping=[PortMapping(Proto.TCP, 80, host_port=8080)],
    aliases=["www"],
)
front = nb.endpoints.get("web", "front")
print("\nfront has", *front.addresses, "and the port", front.port_mapping[0].host_port)

# %% A container joins. Its namespace is there when this returns; a runtime enters it by the key.
key = nb.endpoints.join("web", "front", container_id="c1", host_name="front")
print("\nc1 is in", key)
told = nb.sandboxes.run("c1", ["ip", "-json", "address"], capture_output=True, check=True)
for link in json.loads(told.stdout):
    print("   ", link["ifname"], *(each["local"] for each in link["addr_info"]))

# %% Its hosts and resolv.conf are files to be mounted into it. They follow the network's names.
nb.endpoints.create("web", name="back")
nb.endpoints.join("web", "back", container_id="c2")
print("\nthe hosts file of c2 knows")
for line in nb.sandboxes.get("c2").hosts_path.read_text().splitlines():
    if "front" in line:
        print("   ", line)


# %% Python itself can work inside: a socket belongs where it was made, and is used from anywhere.
def serve(container: str, port: int) -> None:
    """Says its container's name to everyone who connects."""
    server = nb.sandboxes.within(container, lambda: socket.create_server(("", port)))

    def answer() -> None:
        while True:
            peer, _ = server.accept()
            with peer:
                peer.sendall(container.encode())

    threading.Thread(target=answer, daemon=True).start()


def connect(address: str, port: int) -> str:
    """What a server says."""
    with socket.create_connection((address, port), timeout=5) as client:
        return client.recv(100).decode()


serve("c1", 80)
print("\nby the published port:", connect("127.0.0.1", 8080))
print("from c2, on the network:", nb.sandboxes.within("c2", lambda: connect("10.88.0.80", 80)))

# %% Errors are exceptions by kind. They say what was done, what was found, what to do about it.
try:
    nb.networks.delete("web")
except netberth.InUse as error:
    print("\nnot deleted:", error)
try:
    nb.endpoints.create("web", name="late", ipv4_address="10.88.0.80")
except netberth.Exists as error:
    print("not created:", error)

# %% A service is an address with any number of containers behind it, among which the kernel spreads
# connections.
nb.services.publish(name="shop", network_name="web", balance="round-robin")
address = str(nb.services.get("shop").virtual_addresses[0].ip)


def staff(number: int) -> None:
    """One more container behind the service."""
    nb.services.attach("shop", container_id=f"clerk{number}")
    serve(f"clerk{number}", 80)


# One handle serves any number of threads, and none of them holds up the interpreter.
with ThreadPoolExecutor() as pool:
    list(pool.map(staff, range(3)))


def heard(times: int) -> "dict[str, int]":
    """Who answers to c2 at the address of the service."""
    return nb.sandboxes.within(
        "c2", lambda: dict(sorted(Counter(connect(address, 80) for _ in range(times)).items()))
    )


print("\nat", address, "answer", heard(30))

# %% A back end drains: its connections go on, and it gets no new ones.
nb.services.detach("shop", "clerk1", drain=True)
print({backend.id: backend.state for backend in nb.services.backends("shop")})
print("at", address, "answer", heard(30))

nb.services.detach("shop", "clerk1")

# %% Messages say each step as the line that it equals; the log of Python's own takes them, too.
nb.set_log(lambda level, message: print("   ", message[:90]))
print("\nanother network takes")
nb.networks.create(name="more", internal=True)
nb.set_log(None)
nb.networks.delete("more")

# %% Is all as it was made? What is the host's own doing (settings, other firewalls) is told, too.
made = [each for each in nb.verify() if each.owner.kind != "host"]
print("\nof what was made,", len(made), "things are not as they should be")

# %% Back to nothing. Sandboxes go first, or endpoints by force.
nb.services.unpublish("shop", force=True)
for sandbox in nb.sandboxes.list():
    nb.sandboxes.delete(sandbox.container_id)
for endpoint in nb.endpoints.list("web"):
    nb.endpoints.delete("web", endpoint.name)
nb.networks.delete("web")
assert [network.name for network in nb.networks.list()] == ["none", "host", "bridge"]
nb.close()
print("\nnothing is left")
