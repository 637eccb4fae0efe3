"""Container networking in-process, over raw netlink.

    with netberth.open() as nb:
        nb.networks.create(name="web", subnets=["10.88.0.0/24"])
        nb.endpoints.create("web", name="front")
        nb.endpoints.join("web", "front", container_id="c1")
        nb.sandboxes.run("c1", ["ip", "address"])
"""

from . import log
from ._library import version
from .endpoint import Endpoint, EndpointRequest, JoinManyRequest, NewJoin
from .error import (
    Bug,
    Busy,
    Denied,
    Exhausted,
    Exists,
    InUse,
    Invalid,
    KernelError,
    NetberthError,
    NotFound,
    StoreError,
    Timeout,
    Unsupported,
)
from .handle import Netberth, open
from .namespace import within
from .network import (
    Network,
    NetworkOptions,
    NetworkRequest,
    OptionsRequest,
    Subnet,
    SubnetRequest,
)
from .plan import Verb
from .port import ExposedPort, ExposedPortRequest, PortMapping, PortMappingRequest, Proto
from .sandbox import ExtraHost, Joined, JoinRequest, ParentUpdate, Sandbox
from .service import Backend, Service, ServiceRequest
from .verify import Collected, Difference, Owner, Repair

__all__ = [
    "Backend",
    "Bug",
    "Busy",
    "Collected",
    "Denied",
    "Difference",
    "Endpoint",
    "EndpointRequest",
    "Exhausted",
    "Exists",
    "ExposedPort",
    "ExposedPortRequest",
    "ExtraHost",
    "InUse",
    "Invalid",
    "JoinManyRequest",
    "JoinRequest",
    "Joined",
    "KernelError",
    "Netberth",
    "NetberthError",
    "Network",
    "NetworkOptions",
    "NetworkRequest",
    "NewJoin",
    "NotFound",
    "OptionsRequest",
    "Owner",
    "ParentUpdate",
    "PortMapping",
    "PortMappingRequest",
    "Proto",
    "Repair",
    "Sandbox",
    "Service",
    "ServiceRequest",
    "StoreError",
    "Subnet",
    "SubnetRequest",
    "Timeout",
    "Unsupported",
    "Verb",
    "log",
    "open",
    "version",
    "within",
]
