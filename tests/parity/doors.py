"""The doors of tests/parity that need no compiler: Python, HTTP and the command line. Verbs as JSON
lines come in, answers as JSON lines go out: doors.py python|http|cli DIRECTORY."""

from __future__ import annotations

import dataclasses
import http.client
import json
import os
import socket
import subprocess
import sys
import time
import urllib.parse
from typing import Any, Callable

Step = dict[str, Any]
Answer = dict[str, Any]


def python(home: str) -> Callable[[Step], Answer]:
    import netberth

    nb = netberth.open(state_dir=f"{home}/state", run_dir=f"{home}/run")

    def call(s: Step) -> Any:
        verb, net, end = s["verb"], s.get("network"), s.get("endpoint")
        svc, con, request = s.get("service"), s.get("container"), s.get("request")
        force = {"force": True} if s.get("force") else {}
        drain = {"drain": True} if s.get("drain") else {}
        atomic = {"atomic": True} if s.get("atomic") else {}
        some = s.get("filter") or {}
        if s.get("dry"):
            return {"plan": nb.plan({k: v for k, v in s.items() if k != "dry"})}
        return {
            "network_create": lambda: nb.networks.create(request),
            "network_get": lambda: nb.networks.get(net),
            "network_list": lambda: nb.networks.list(**some),
            "network_delete": lambda: nb.networks.delete(net),
            "endpoint_create": lambda: nb.endpoints.create(net, request),
            "endpoint_get": lambda: nb.endpoints.get(net, end),
            "endpoint_list": lambda: nb.endpoints.list(net, **some),
            "endpoint_delete": lambda: nb.endpoints.delete(net, end, **force),
            "join": lambda: nb.endpoints.join(net, end, request),
            "join_many": lambda: nb.endpoints.join_many(request, **atomic),
            "detach": lambda: nb.endpoints.detach(net, end, con),
            "sandbox_get": lambda: nb.sandboxes.get(con),
            "sandbox_list": lambda: nb.sandboxes.list(),
            "sandbox_delete": lambda: nb.sandboxes.delete(con),
            "service_publish": lambda: nb.services.publish(request),
            "service_get": lambda: nb.services.get(svc),
            "service_list": lambda: nb.services.list(**some),
            "service_unpublish": lambda: nb.services.unpublish(svc, **force),
            "service_attach": lambda: nb.services.attach(svc, request),
            "service_backends": lambda: nb.services.backends(svc),
            "service_detach": lambda: nb.services.detach(svc, con, **drain),
            "verify": lambda: {"differences": nb.verify()},
            "repair": lambda: nb.repair(),
            "gc": lambda: {"collected": nb.gc()},
        }[verb]()

    def plain(value: Any) -> Any:
        if isinstance(value, netberth.NetberthError):
            known = {"kind": value.kind, "message": value.message}
            return {"error": {**known, "doing": plain(value.doing)} if value.doing else known}
        if dataclasses.is_dataclass(value):
            members = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
            return members
        if isinstance(value, dict):
            return {key: plain(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(each) for each in value]
        if value is None or isinstance(value, (bool, int, str)):
            return int(value) if isinstance(value, int) and not isinstance(value, bool) else value
        return str(value)

    def step(s: Step) -> Answer:
        try:
            return {"ok": plain(call(s))}
        except netberth.NetberthError as error:
            return plain(error)

    return step


class UnixConnection(http.client.HTTPConnection):
    """HTTP over the server's socket."""

    def __init__(self, path: str) -> None:
        super().__init__("netberth")
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def target(s: Step) -> tuple[str, str]:
    """Method and path of a verb."""

    def at(*segments: str) -> str:
        return "".join("/" + urllib.parse.quote(each, safe="") for each in segments)

    net, end = s.get("network", ""), s.get("endpoint", "")
    svc, con = s.get("service", ""), s.get("container", "")
    ends, joined = at("networks", net, "endpoints"), at("networks", net, "endpoints", end)
    return {
        "network_create": ("POST", at("networks")),
        "network_get": ("GET", at("networks", net)),
        "network_list": ("GET", at("networks")),
        "network_delete": ("DELETE", at("networks", net)),
        "endpoint_create": ("POST", ends),
        "endpoint_get": ("GET", joined),
        "endpoint_list": ("GET", ends),
        "endpoint_delete": ("DELETE", joined),
        "join": ("POST", joined + "/containers"),
        "join_many": ("POST", at("joins")),
        "detach": ("DELETE", joined + at("containers", con)),
        "sandbox_get": ("GET", at("sandboxes", con)),
        "sandbox_list": ("GET", at("sandboxes")),
        "sandbox_delete": ("DELETE", at("sandboxes", con)),
        "service_publish": ("POST", at("services")),
        "service_get": ("GET", at("services", svc)),
        "service_list": ("GET", at("services")),
        "service_unpublish": ("DELETE", at("services", svc)),
        "service_attach": ("POST", at("services", svc, "backend")),
        "service_backends": ("GET", at("services", svc, "backend")),
        "service_detach": ("DELETE", at("services", svc, "backend", con)),
        "verify": ("POST", at("verify")),
        "repair": ("POST", at("repair")),
        "gc": ("POST", at("gc")),
    }[s["verb"]]


def over_http(home: str) -> Callable[[Step], Answer]:
    path, stage = f"{home}/api.sock", os.environ["NETBERTH_STAGE"]
    places = ["--state-dir", f"{home}/state", "--run-dir", f"{home}/run"]
    log = open(f"{home}.log", "w")
    # It ends with this program: the namespaces that it is in do, too.
    subprocess.Popen([f"{stage}/bin/netberthd", "--listen", f"unix://{path}", *places], stderr=log)
    for _ in range(600):
        if os.path.exists(path):
            break
        time.sleep(0.05)

    def step(s: Step) -> Answer:
        method, place = target(s)
        names = {"verbose", "force", "drain", "atomic"}
        query = {name: "1" for name in names if s.get(name)}
        query.update({key.replace("_", "-"): text for key, text in (s.get("filter") or {}).items()})
        if s.get("dry"):
            query["dry_run"] = "1"
        body = s["raw"] if "raw" in s else json.dumps(s["request"]) if "request" in s else None
        connection = UnixConnection(path)
        connection.request(method, place + ("?" + urllib.parse.urlencode(query) if query else ""), body)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        document = json.loads(text) if text else None
        return {"ok": document} if answer.status == 200 else {"error": document}

    return step


def command(s: Step) -> list[str]:
    """The command line of a verb."""
    net, end = s.get("network", ""), s.get("endpoint", "")
    svc, con = s.get("service", ""), s.get("container", "")
    request = s["raw"] if "raw" in s else json.dumps(s.get("request"))
    named = s.get("request") if isinstance(s.get("request"), dict) else {}
    name, container = named.get("name", "x"), named.get("container_id", "x")
    brief = [] if s.get("verbose") else ["--brief"]
    long = ["--long"] if s.get("verbose") else []
    force = ["--force"] if s.get("force") else []
    some = s.get("filter") or {}
    words = {"name": "name", "partial_id": "id"}
    chosen = [x for k, v in some.items() if k in words for x in ("--filter", f"{words[k]}={v}")]
    of_network = ["--network", some["network"]] if "network" in some else []
    return {
        "network_create": ["network", "create", name, "--request", request],
        "network_get": ["network", "inspect", net, *brief],
        "network_list": ["network", "ls", *long, *chosen],
        "network_delete": ["network", "rm", net],
        "endpoint_create": ["endpoint", "create", net, name, "--request", request],
        "endpoint_get": ["endpoint", "inspect", net, end, *brief],
        "endpoint_list": ["endpoint", "ls", net, *long, *chosen],
        "endpoint_delete": ["endpoint", "rm", net, end, *force],
        "join": ["join", net, end, container, "--request", request],
        "join_many": ["join", "--from", "-", *(["--atomic"] if s.get("atomic") else [])],
        "detach": ["detach", net, end, con],
        "sandbox_get": ["sandbox", "inspect", con],
        "sandbox_list": ["sandbox", "ls"],
        "sandbox_delete": ["sandbox", "rm", con],
        "service_publish": ["service", "publish", name, "--request", request],
        "service_get": ["service", "inspect", svc, *brief],
        "service_list": ["service", "ls", *long, *chosen, *of_network],
        "service_unpublish": ["service", "rm", svc, *force],
        "service_attach": ["service", "attach", svc, container, "--request", request],
        "service_backends": ["service", "backends", svc, *long],
        "service_detach": ["service", "detach", svc, con, *(["--drain"] if s.get("drain") else [])],
        "verify": ["verify"],
        "repair": ["repair"],
        "gc": ["gc"],
    }[s["verb"]]


def by_command(home: str) -> Callable[[Step], Answer]:
    netberth = os.environ["NETBERTH_STAGE"] + "/bin/netberth"
    places = ["--json", "--state-dir", f"{home}/state", "--run-dir", f"{home}/run"]

    def step(s: Step) -> Answer:
        dry = ["--dry-run"] if s.get("dry") else []
        many = s["raw"] if "raw" in s else json.dumps(s.get("request"))
        given = many if s["verb"] == "join_many" else ""
        line = [netberth, *places, *dry, *command(s)]
        ended = subprocess.run(line, input=given, capture_output=True, text=True)
        # One of many that was refused is an answer, and an exit status.
        if ended.stdout.strip():
            return {"ok": json.loads(ended.stdout)}
        if ended.returncode == 0:
            return {"ok": None}
        return {"error": json.loads(ended.stderr.strip().splitlines()[-1])}

    return step


def main() -> None:
    door = {"python": python, "http": over_http, "cli": by_command}[sys.argv[1]]
    step = door(sys.argv[2])
    for line in sys.stdin:
        print(json.dumps(step(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
