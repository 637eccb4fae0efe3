package netberth

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// Proto is a transport protocol, by its IANA number.
type Proto uint8

// The protocols that ports can have.
const (
	TCP  Proto = syscall.IPPROTO_TCP
	UDP  Proto = syscall.IPPROTO_UDP
	SCTP Proto = syscall.IPPROTO_SCTP
)

func (p Proto) String() string {
	switch p {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case SCTP:
		return "sctp"
	}
	return fmt.Sprintf("protocol %d", uint8(p))
}

// ExposedPort is a port that a container says it serves; it changes nothing in the kernel.
type ExposedPort struct {
	Proto Proto  `json:"proto"`
	Port  uint16 `json:"port"`
}

// PortMapping is a port, or a span of ports, published on the host.
type PortMapping struct {
	Proto Proto `json:"proto"`
	// In the container.
	Port uint16 `json:"port"`
	// The last of a span in the container.
	PortEnd uint16 `json:"port_end,omitempty"`
	// One of the host's addresses; all of them if zero.
	HostIP netip.Addr `json:"host_ip"`
	// On the host; the first free one of the kernel's local port range is asked for if zero.
	HostPort uint16 `json:"host_port"`
	// A free one from HostPort to this.
	HostPortEnd uint16 `json:"host_port_end,omitempty"`
}

// MAC is a hardware address.
type MAC net.HardwareAddr

func (m MAC) String() string { return net.HardwareAddr(m).String() }

// MarshalText writes six pairs of digits with colons between them.
func (m MAC) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (m *MAC) UnmarshalText(text []byte) error {
	parsed, err := net.ParseMAC(string(text))
	*m = MAC(parsed)
	return err
}
